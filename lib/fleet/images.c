#include "fleet/images.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/keep.h"

struct json_t *
images_fields(const struct move_goal *goal)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "image", goal->repo);
	jsn_set_str(f, "tag", goal->tag);
	jsn_set_str(f, "digest", goal->digest.str);
	return f;
}

void
images_goal(const struct service *s, const struct move_goal *goal, struct move_goal *ret)
{
	*ret = *goal;
	service_repo_there(s, goal->repo, ret->repo);
	if (digest_is_set(&goal->digest) && strcmp(ret->repo, goal->repo) != 0)
		(void)snprintf(ret->ref, sizeof(ret->ref), "%.*s@%s",
			       REF_STR_MAX - DIGEST_STR_MAX - 1, ret->repo, goal->digest.str);
}

int
images_has(const struct fleet *f, const struct move_goal *goal, struct err *e)
{
	for (size_t i = 0; i < f->n; i++) {
		AUTO_JSN struct json_t *image = NULL;
		struct move_goal there;

		images_goal(&f->services[i], goal, &there);
		if (engine_image(f->services[i].engine, there.ref, &image, e) < 0)
			return err_wrap(e, "what was staged is gone");
	}
	return 0;
}

int
images_stage(struct journal *j, const struct move_goal *goal, struct err *e)
{
	return journal_write(j, "staged", NULL, images_fields(goal), e);
}

void
images_keep(const struct fleet *f, const struct move_goal *goal, move_say_fn *say, void *arg)
{
	for (size_t i = 0; i < f->n; i++) {
		struct move_goal there;
		struct err why = { 0 };

		images_goal(&f->services[i], goal, &there);
		/* without it rollback has to pull, no more */
		if (keep_image(f->services[i].engine, there.ref, &why) < 0 && say != NULL)
			say(arg, "", why.msg);
	}
}

bool
images_at(const struct service *s, const struct move_goal *goal)
{
	AUTO_JSN struct json_t *image = NULL;
	struct move_goal there;

	images_goal(s, goal, &there);
	return engine_image(s->engine, there.ref, &image, NULL) == 0;
}
