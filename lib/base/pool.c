#include "base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define STACK_BYTES (512U << 10) /* name lookups and TLS handshakes need some */

struct job {
	struct job *next;
	void *item;
	bool done;
};

/* One pool_each that has something left to begin. */
struct spread {
	struct spread *next;
	void (*fn)(struct pool_worker *w, void *arg, size_t i);
	void *arg;
	size_t at, n, running;
};

struct pool_worker {
	struct pool *pool;
	void *state;
	pthread_t thread;
};

struct pool {
	struct pool_opts o;
	pthread_mutex_t lock;
	pthread_cond_t work, progress; /* something to do; something was done */
	struct job *first, **last;     /* not answered yet */
	struct job *next;	       /* the first that nobody works on */
	size_t ahead, waiting;	       /* items not answered, and of these not begun */
	size_t idle, started;
	struct spread *spreads;
	bool over;
	struct pool_worker workers[POOL_THREADS_MAX];
};

/* --- what a thread does, with the lock held but while it works ---------- */

static void
run_spread(struct pool_worker *w, struct spread *s)
{
	struct pool *p = w->pool;
	size_t i = s->at++;

	s->running++;
	(void)pthread_mutex_unlock(&p->lock);
	s->fn(w, s->arg, i);
	(void)pthread_mutex_lock(&p->lock);
	s->running--;
	(void)pthread_cond_broadcast(&p->progress);
}

static struct spread *
find_spread(const struct pool *p)
{
	for (struct spread *s = p->spreads; s != NULL; s = s->next)
		if (s->at < s->n)
			return s;
	return NULL;
}

/* Answer what can be answered. */
static void
answer(struct pool *p)
{
	while (p->first != NULL && p->first->done) {
		struct job *j = p->first;

		p->first = j->next;
		if (p->first == NULL)
			p->last = &p->first;
		p->ahead--;
		p->o.done(p->o.arg, j->item);
		free(j);
	}
	(void)pthread_cond_broadcast(&p->progress);
}

static void
run_job(struct pool_worker *w)
{
	struct pool *p = w->pool;
	struct job *j = p->next;

	p->next = j->next;
	p->waiting--;
	(void)pthread_mutex_unlock(&p->lock);
	p->o.work(w, j->item);
	(void)pthread_mutex_lock(&p->lock);
	j->done = true;
	answer(p);
}

static void *
run(void *arg)
{
	struct pool_worker *w = arg;
	struct pool *p = w->pool;
	struct spread *s;

	(void)pthread_mutex_lock(&p->lock);
	for (;;) {
		if ((s = find_spread(p)) != NULL) {
			run_spread(w, s);
		} else if (p->next != NULL) {
			run_job(w);
		} else if (p->over) {
			break;
		} else {
			p->idle++;
			(void)pthread_cond_wait(&p->work, &p->lock);
			p->idle--;
		}
	}
	(void)pthread_mutex_unlock(&p->lock);
	if (w->state != NULL && p->o.leave != NULL)
		p->o.leave(w->state);
	return NULL;
}

/* Somebody for n more things to do, as far as there may be more. */
static void
call_workers(struct pool *p, size_t n)
{
	pthread_attr_t attr;

	(void)pthread_cond_broadcast(&p->work);
	if (p->idle >= n || pthread_attr_init(&attr) != 0)
		return;
	n -= p->idle;
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (; n > 0 && p->started < p->o.threads; n--) {
		struct pool_worker *w = &p->workers[p->started];

		w->pool = p;
		if (pthread_create(&w->thread, &attr, run, w) != 0)
			break;
		p->started++;
	}
	(void)pthread_attr_destroy(&attr);
}

/* --- for others --------------------------------------------------------- */

int
pool_new(const struct pool_opts *o, struct pool **ret, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	p->o = *o;
	if (p->o.threads > POOL_THREADS_MAX)
		p->o.threads = POOL_THREADS_MAX;
	p->last = &p->first;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->work, NULL);
	(void)pthread_cond_init(&p->progress, NULL);
	*ret = p;
	return 0;
}

int
pool_add(struct pool *p, void *item, struct err *e)
{
	struct job *j = calloc(1, sizeof(*j));
	int status = 0;

	if (j == NULL)
		return err_nomem(e);
	j->item = item;
	(void)pthread_mutex_lock(&p->lock);
	while (p->ahead >= POOL_AHEAD)
		(void)pthread_cond_wait(&p->progress, &p->lock);
	call_workers(p, p->waiting + 1);
	if (p->started == 0) {
		free(j);
		status = err_set(e, ERR_SYS, "no thread can be started");
	} else {
		*p->last = j;
		p->last = &j->next;
		if (p->next == NULL)
			p->next = j;
		p->ahead++;
		p->waiting++;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return status;
}

void
pool_finish(struct pool **pp)
{
	struct pool *p = *pp;

	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->over = true;
	(void)pthread_cond_broadcast(&p->work);
	while (p->first != NULL)
		(void)pthread_cond_wait(&p->progress, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->started; i++)
		(void)pthread_join(p->workers[i].thread, NULL);
	(void)pthread_cond_destroy(&p->work);
	(void)pthread_cond_destroy(&p->progress);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
	*pp = NULL;
}

void *
pool_arg(const struct pool_worker *w)
{
	return w->pool->o.arg;
}

void **
pool_state(struct pool_worker *w)
{
	return &w->state;
}

void
pool_each(struct pool_worker *w, size_t n, void (*fn)(struct pool_worker *w, void *arg, size_t i),
	  void *arg)
{
	struct pool *p = w->pool;
	struct spread s = { .fn = fn, .arg = arg, .n = n };
	struct spread **at;

	(void)pthread_mutex_lock(&p->lock);
	s.next = p->spreads;
	p->spreads = &s;
	if (n > 1)
		call_workers(p, n - 1);
	while (s.at < s.n)
		run_spread(w, &s);
	while (s.running > 0)
		(void)pthread_cond_wait(&p->progress, &p->lock);
	for (at = &p->spreads; *at != &s; at = &(*at)->next)
		continue;
	*at = s.next;
	(void)pthread_mutex_unlock(&p->lock);
}
