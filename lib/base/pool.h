/*
 * pool: work done by several threads and answered in the order it was given.
 *
 * Items go in by pool_add, each is worked on by one thread, and when all
 * before it are answered, it is answered as well.  A worker that finds many
 * small things to do in its item spreads them over threads that are idle
 * (pool_each).  Threads are started when there is work for them, so that a
 * pool for one item costs one thread.
 */
#ifndef GANTRY_BASE_POOL_H
#define GANTRY_BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

#define POOL_THREADS_MAX 128
#define POOL_AHEAD	 256 /* items that are not answered yet; pool_add waits */

struct pool;
struct pool_worker; /* one thread of it */

struct pool_opts {
	size_t threads; /* at most */
	void *arg;
	/* On any thread. */
	void (*work)(struct pool_worker *w, void *item);
	/* One at a time, in the order of pool_add; the item is arg's own again.
	 * Must not call the pool. */
	void (*done)(void *arg, void *item);
	/* A worker's state goes when its thread ends; may be NULL. */
	void (*leave)(void *state);
};

int pool_new(const struct pool_opts *o, struct pool **ret, struct err *e);
/* ERR_SYS if not even one thread can be started; item is still the caller's. */
int pool_add(struct pool *p, void *item, struct err *e);
/* Until everything was answered; then the pool is gone. */
void pool_finish(struct pool **p);
#define AUTO_POOL AUTO(pool_finish)

/* For workers: the pool's arg, and a place for a state of the thread's own. */
void *pool_arg(const struct pool_worker *w);
void **pool_state(struct pool_worker *w);
/* fn(…, 0) to fn(…, n - 1) in any order, here and on idle threads; returns
 * when all of them have. */
void pool_each(struct pool_worker *w, size_t n,
	       void (*fn)(struct pool_worker *w, void *arg, size_t i), void *arg);

#endif
