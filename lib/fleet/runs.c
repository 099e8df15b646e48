#include "fleet/runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/tags.h"

struct one {
	const struct engine *engine;
	struct json_t *own;	    /* its image, as the first to run it there has it */
	const struct json_t *image; /* the same, or another's */
};

struct runs {
	struct service_image oldest;
	size_t n;
	struct one services[];
};

void
runs_free(struct runs **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < (*r)->n; i++)
		jsn_free(&(*r)->services[i].own);
	free(*r);
	*r = NULL;
}

static const struct json_t *
known_image(const struct runs *r, const struct engine *engine, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->services[i].engine == engine &&
		    strcmp(jsn_str_or(r->services[i].image, "Id", ""), id) == 0)
			return r->services[i].image;
	return NULL;
}

static int
look_at(struct runs *r, const struct service *s, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	struct one *o = &r->services[r->n];
	struct service_image is;
	const char *id;

	if (service_need(s, &c, e) < 0)
		return -1;
	id = jsn_str_or(c, "Image", "");
	o->engine = s->engine;
	o->image = known_image(r, s->engine, id);
	if (o->image == NULL && engine_image(s->engine, id, &o->own, e) < 0)
		return -1;
	if (o->image == NULL)
		o->image = o->own;
	service_image(c, o->image, &is);
	if (r->n == 0 || tags_compare(is.tag, r->oldest.tag) < 0)
		r->oldest = is;
	r->n++;
	return 0;
}

int
runs_look(const struct fleet *f, struct runs **ret, struct err *e)
{
	AUTO_RUNS struct runs *r = calloc(1, sizeof(*r) + f->n * sizeof(r->services[0]));

	if (r == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++)
		if (look_at(r, &f->services[i], e) < 0)
			return -1;
	*ret = TAKE_PTR(r);
	return 0;
}

const struct service_image *
runs_oldest(const struct runs *r)
{
	return &r->oldest;
}

bool
runs_goal(const struct runs *r, size_t i, const struct move_goal *goal)
{
	return move_image_is(r->services[i].image, goal);
}
