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

/* Only what there are credentials for is told; the engine may have its own. */
static int
pull_auth(const struct auth_files *files, const char *repo, const volatile bool *stop,
	  struct buf *ret, struct err *e)
{
	AUTO(auth_free) struct auth *a = NULL;
	struct ref ref;

	if (files == NULL || ref_parse(view_of(repo), &ref, NULL) < 0)
		return 0;
	if (auth_new(ref_host(&ref), files, stop, &a, e) < 0)
		return -1;
	return auth_for_engine(a, ref.repo, ret, e);
}

int
images_pull(const struct fleet *f, const struct move_goal *goal, const struct auth_files *auth,
	    const volatile bool *stop, struct err *e)
{
	for (size_t i = 0; i < f->nengines; i++) {
		struct engine *eng = f->engines[i];
		AUTO_BUF struct buf login = BUF_INIT(AUTH_VALUE_MAX);
		AUTO_JSN struct json_t *image = NULL;
		struct err why = { 0 };

		if (engine_image(eng, goal->ref, &image, &why) == 0)
			continue;
		if (why.code != ERR_NOTFOUND)
			return err_set(e, why.code, "%s", why.msg);
		if (pull_auth(auth, goal->repo, stop, &login, e) < 0)
			return -1;
		if (engine_pull(eng, goal->repo, &goal->digest, buf_cstr(&login), stop, e) < 0)
			return err_wrap(e, "pull '%s'", goal->ref);
	}
	return 0;
}

int
images_has(const struct fleet *f, const struct move_goal *goal, struct err *e)
{
	for (size_t i = 0; i < f->nengines; i++) {
		AUTO_JSN struct json_t *image = NULL;

		if (engine_image(f->engines[i], goal->ref, &image, e) < 0)
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
	for (size_t i = 0; i < f->nengines; i++) {
		struct err why = { 0 };

		/* without it rollback has to pull, no more */
		if (keep_image(f->engines[i], goal->ref, &why) < 0 && say != NULL)
			say(arg, "", why.msg);
	}
}

bool
images_at(const struct service *s, const struct move_goal *goal)
{
	AUTO_JSN struct json_t *image = NULL;

	return engine_image(s->engine, goal->ref, &image, NULL) == 0;
}
