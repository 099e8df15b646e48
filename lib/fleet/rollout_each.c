#include <pthread.h>

#include "base/pool.h"
#include "fleet/rollout_txn.h"

/* Services that are seen to at once. */
struct round {
	const struct rollout_txn *t;
	const struct rollout_round *what;
	void *arg;
	pthread_mutex_t lock;
	bool over;	  /* nothing more begins */
	struct err worst; /* of those that failed */
};

struct one {
	struct round *round;
	const struct service *service;
	size_t i;
};

static bool
may_begin(struct round *r)
{
	bool may;

	(void)pthread_mutex_lock(&r->lock);
	may = !r->over;
	(void)pthread_mutex_unlock(&r->lock);
	return may;
}

static void
note(struct round *r, int status, const struct err *why)
{
	(void)pthread_mutex_lock(&r->lock);
	if (status > 0 || (status < 0 && !r->what->go_on))
		r->over = true;
	if (status < 0 &&
	    (r->worst.code == ERR_NONE || (why->code == ERR_STUCK && r->worst.code != ERR_STUCK)))
		r->worst = *why;
	(void)pthread_mutex_unlock(&r->lock);
}

static void
see_to(const struct one *o, const struct service *s)
{
	struct round *r = o->round;
	struct err why = { 0 };

	note(r, r->what->one(r->t, s, o->i, r->arg, &why), &why);
}

/* On a thread: with a session of its own. */
static void
work(struct pool_worker *w, void *item)
{
	const struct one *o = item;
	AUTO_ENGINE struct engine *engine = NULL;
	struct service mine = *o->service;
	struct err why = { 0 };

	(void)w;
	if (!may_begin(o->round))
		return;
	if (engine_again(mine.engine, &engine, &why) < 0) {
		note(o->round, -1, &why);
		return;
	}
	mine.engine = engine;
	see_to(o, &mine);
}

static void
done(void *arg, void *item)
{
	(void)arg;
	(void)item;
}

static int
side_by_side(struct one *all, size_t n, size_t width, struct err *e)
{
	const struct pool_opts o = { .threads = width, .work = work, .done = done };
	AUTO_POOL struct pool *p = NULL;

	if (pool_new(&o, &p, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (pool_add(p, &all[i], e) < 0)
			return -1;
	return 0;
}

int
rollout_each(const struct rollout_txn *t, const struct rollout_round *what, size_t from, size_t to,
	     size_t width, void *arg, struct err *e)
{
	struct round r = { .t = t, .what = what, .arg = arg };
	const struct fleet *f = t->r->fleet;
	size_t n = from < to ? to - from : 0;
	AUTO_FREE struct one *all = calloc(n + 1, sizeof(*all));
	int status = 0;

	if (all == NULL)
		return err_nomem(e);
	(void)pthread_mutex_init(&r.lock, NULL);
	for (size_t k = 0; k < n; k++) {
		size_t i = what->backwards ? to - 1 - k : from + k;

		all[k] = (struct one){ .round = &r, .service = &f->services[i], .i = i };
		if (width < 2 && !r.over)
			see_to(&all[k], all[k].service);
	}
	if (width > 1 && n > 0)
		status = side_by_side(all, n, width, e);
	(void)pthread_mutex_destroy(&r.lock);
	if (status < 0)
		return -1;
	if (r.worst.code != ERR_NONE)
		return err_set(e, r.worst.code, "%s", r.worst.msg);
	return r.over;
}
