#include "base/pace.h"

#include <pthread.h>

#include "unit.h"

#define S  1000000000LL
#define MS 1000000LL

TEST(no_limit_never_waits)
{
	struct pace p = PACE_INIT(0, NULL);

	CHECK(pace_reserve(&p, 1U << 30, 5) == 0);
	CHECK(pace_take(&p, 1U << 30));
	CHECK(pace_take(NULL, 1U << 30));
}

TEST(a_burst_is_free_and_the_rest_waits)
{
	struct pace p = PACE_INIT(1000, NULL);

	/* 100 ms worth of bytes at once */
	CHECK(pace_reserve(&p, 100, 7 * S) == 0);
	CHECK(pace_reserve(&p, 50, 7 * S) == 50 * MS);
	CHECK(pace_reserve(&p, 1000, 7 * S) == 1050 * MS);
}

TEST(time_pays_back_but_is_not_saved_up)
{
	struct pace p = PACE_INIT(1000, NULL);

	CHECK(pace_reserve(&p, 500, 10 * S) == 400 * MS);
	CHECK(pace_reserve(&p, 100, 10 * S + 500 * MS) == 0);
	/* an hour of silence is worth one burst */
	CHECK(pace_reserve(&p, 200, 3610 * S) == 100 * MS);
}

/* Takers of all sizes who wait as long as they are told. */
TEST(the_long_run_average_is_the_rate)
{
	struct pace p = PACE_INIT(512 * 1024, NULL);
	int64_t rate = 512 * 1024, now = 1 * S, end = now + 1000 * S, taken = 0, most = 0;
	unsigned int seed = 1;

	for (;;) {
		size_t n = 1 + seed % 65536;
		int64_t over;

		seed = seed * 1103515245U + 12345U;
		now += pace_reserve(&p, n, now);
		if (now >= end)
			break;
		taken += (int64_t)n;
		over = taken - (now - 1 * S) / 1000 * rate / 1000000;
		most = over > most ? over : most;
	}
	/* fractions of a byte are nobody's */
	CHECK(most <= rate / 10 + 100);
	CHECK(taken > 1000 * rate * 99 / 100);
}

static void *
take_some(void *arg)
{
	for (int i = 0; i < 1000; i++)
		(void)pace_reserve(arg, 10, 1 * S);
	return NULL;
}

TEST(threads_share_one_budget)
{
	struct pace p = PACE_INIT(1000, NULL);
	pthread_t t[4];

	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, take_some, &p) == 0);
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(p.free_ns == 41 * S);
}

TEST(who_is_stopped_does_not_wait)
{
	static volatile bool stop = true;
	struct pace p = PACE_INIT(1, &stop);

	CHECK(!pace_take(&p, 1U << 20));
}

UNIT_MAIN
