#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "unit.h"

#define ITEMS 1000

static int numbers[ITEMS];
static atomic_int worked, left, most, now;
static int answered;
static bool in_order;

static void
work(struct pool_worker *w, void *item)
{
	int n = atomic_fetch_add(&now, 1) + 1;

	if (n > atomic_load(&most))
		atomic_store(&most, n);
	/* later ones overtake */
	if (*(int *)item % 7 == 0)
		(void)usleep(2000);
	(void)atomic_fetch_add(&worked, 1);
	(void)atomic_fetch_sub(&now, 1);
	*pool_state(w) = pool_arg(w);
}

static void
done(void *arg, void *item)
{
	(void)arg;
	if (*(int *)item != answered++)
		in_order = false;
}

static void
leave(void *state)
{
	if (state == &in_order)
		(void)atomic_fetch_add(&left, 1);
}

static void
run_items(size_t threads, int n)
{
	struct pool_opts o = {
		.threads = threads, .arg = &in_order, .work = work, .done = done, .leave = leave
	};
	struct pool *p = NULL;

	answered = 0;
	in_order = true;
	atomic_store(&worked, 0);
	atomic_store(&left, 0);
	atomic_store(&most, 0);
	CHECK(pool_new(&o, &p, NULL) == 0);
	for (int i = 0; i < n; i++) {
		numbers[i] = i;
		CHECK(pool_add(p, &numbers[i], NULL) == 0);
	}
	pool_finish(&p);
	CHECK(p == NULL);
	CHECK(atomic_load(&worked) == n);
	CHECK(answered == n);
	CHECK(in_order);
}

TEST(items_are_answered_in_order)
{
	run_items(8, ITEMS);
	CHECK(atomic_load(&most) > 1);
	CHECK(atomic_load(&most) <= 8);
	CHECK(atomic_load(&left) >= 1);
	CHECK(atomic_load(&left) <= 8);
}

TEST(one_thread_is_enough)
{
	run_items(1, 100);
	CHECK(atomic_load(&most) == 1);
	CHECK(atomic_load(&left) == 1);
}

TEST(nothing_to_do_costs_nothing)
{
	run_items(8, 0);
	CHECK(atomic_load(&left) == 0);
}

/* --- spreading ---------------------------------------------------------- */

static atomic_int parts[4][50];
static pthread_barrier_t together;

static void
part(struct pool_worker *w, void *arg, size_t i)
{
	(void)w;
	(void)atomic_fetch_add(&parts[*(int *)arg][i], 1);
}

/* Returns only when four threads are here. */
static void
meet(struct pool_worker *w, void *arg, size_t i)
{
	(void)w;
	(void)arg;
	(void)i;
	(void)pthread_barrier_wait(&together);
}

static void
spread(struct pool_worker *w, void *item)
{
	pool_each(w, 50, part, item);
	pool_each(w, 0, part, item);
	(void)atomic_fetch_add(&worked, 1);
}

static void
gather(struct pool_worker *w, void *item)
{
	pool_each(w, 4, meet, item);
}

static void
forget(void *arg, void *item)
{
	(void)arg;
	(void)item;
}

TEST(one_item_uses_idle_threads)
{
	struct pool_opts o = { .threads = 4, .work = gather, .done = forget };
	struct pool *p = NULL;

	(void)pthread_barrier_init(&together, NULL, 4);
	CHECK(pool_new(&o, &p, NULL) == 0);
	CHECK(pool_add(p, &numbers[0], NULL) == 0);
	pool_finish(&p);
	(void)pthread_barrier_destroy(&together);
}

TEST(every_part_is_done_once)
{
	struct pool_opts o = { .threads = 3, .work = spread, .done = forget };
	struct pool *p = NULL;

	atomic_store(&worked, 0);
	CHECK(pool_new(&o, &p, NULL) == 0);
	for (int i = 0; i < 4; i++) {
		numbers[i] = i;
		CHECK(pool_add(p, &numbers[i], NULL) == 0);
	}
	pool_finish(&p);
	CHECK(atomic_load(&worked) == 4);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 50; k++)
			CHECK(atomic_load(&parts[i][k]) == 1);
}

UNIT_MAIN
