#include <stdlib.h>
#include <string.h>

#include "base/jsn.h"
#include "base/pool.h"
#include "fleet/images_parts.h"

/* What the hosts have to bring. */
struct pulls {
	const struct fleet *f;
	const struct move_goal *goal;
	const struct images_opts *o;
	bool *lacks; /* of each service */
};

struct host {
	const struct pulls *all;
	struct engine *engine;
	bool failed;
	struct err why;
};

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

/* 1, 0, -1 */
static int
lacks(const struct service *s, const struct move_goal *there, struct err *e)
{
	AUTO_JSN struct json_t *image = NULL;
	struct err why = { 0 };

	if (engine_image(s->engine, there->ref, &image, &why) == 0)
		return 0;
	return why.code == ERR_NOTFOUND ? 1 : err_set(e, why.code, "%s", why.msg);
}

static int
pull(const struct pulls *p, const struct service *s, struct err *e)
{
	AUTO_BUF struct buf login = BUF_INIT(AUTH_VALUE_MAX);
	const struct images_opts *o = p->o;
	struct move_goal there;
	int needed;

	/* another service of the host may have brought it */
	images_goal(s, p->goal, &there);
	needed = lacks(s, &there, e);
	if (needed <= 0)
		return needed;
	if (pull_auth(o->auth, there.repo, o->stop, &login, e) < 0)
		return -1;
	if (engine_pull(s->engine, there.repo, &there.digest, buf_cstr(&login), o->stop, e) == 0)
		return 0;
	return p->f->nengines > 1
		       ? err_wrap(e, "pull '%s' at '%s'", there.ref, engine_host(s->engine))
		       : err_wrap(e, "pull '%s'", there.ref);
}

/* All that one host lacks, with its session. */
static void
work(struct pool_worker *w, void *item)
{
	struct host *h = item;
	const struct pulls *p = h->all;

	(void)w;
	for (size_t i = 0; i < p->f->n && !h->failed; i++)
		if (p->lacks[i] && p->f->services[i].engine == h->engine)
			h->failed = pull(p, &p->f->services[i], &h->why) < 0;
}

static void
done(void *arg, void *item)
{
	(void)arg;
	(void)item;
}

static bool
host_lacks(const struct pulls *p, const struct engine *engine)
{
	for (size_t i = 0; i < p->f->n; i++)
		if (p->lacks[i] && p->f->services[i].engine == engine)
			return true;
	return false;
}

static int
side_by_side(struct host *hosts, size_t n, struct err *e)
{
	const struct pool_opts o = { .threads = IMAGES_AT_ONCE, .work = work, .done = done };
	AUTO_POOL struct pool *pool = NULL;

	if (pool_new(&o, &pool, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (pool_add(pool, &hosts[i], e) < 0)
			return -1;
	return 0;
}

static int
pull_all(const struct pulls *p, struct err *e)
{
	AUTO_FREE struct host *hosts = calloc(p->f->nengines + 1, sizeof(*hosts));
	size_t n = 0;

	if (hosts == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < p->f->nengines; i++)
		if (host_lacks(p, p->f->engines[i]))
			hosts[n++] = (struct host){ .all = p, .engine = p->f->engines[i] };
	if (n == 1)
		work(NULL, &hosts[0]);
	else if (n > 1 && side_by_side(hosts, n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (hosts[i].failed)
			return err_set(e, hosts[i].why.code, "%s", hosts[i].why.msg);
	return 0;
}

int
images_pull(const struct fleet *f, const struct move_goal *goal, const struct images_opts *o,
	    struct err *e)
{
	AUTO_FREE bool *missing = calloc(f->n + 1, sizeof(*missing));
	const struct pulls p = { .f = f, .goal = goal, .o = o, .lacks = missing };

	if (missing == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++) {
		struct move_goal there;
		int is;

		images_goal(&f->services[i], goal, &there);
		is = lacks(&f->services[i], &there, e);
		if (is < 0 || (is > 0 && images_check_space(o, &f->services[i], goal, e) < 0))
			return -1;
		missing[i] = is > 0;
	}
	return pull_all(&p, e);
}
