#include "ask.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/scope.h"

#define STACK_BYTES (256U << 10) /* a thread a target, and there may be many */

struct job {
	const struct ask_opts *o;
	struct ask *a;
	pthread_t thread;
};

static void
too_few(struct probe_result *r, int64_t good, int64_t want)
{
	if (!r->healthy)
		return;
	(void)snprintf(r->reason, sizeof(r->reason),
		       "%" PRId64 " good answers in a row, not %" PRId64, good, want);
	r->healthy = false;
}

static void
ask_until_sure(const struct ask_opts *o, struct ask *a)
{
	struct deadline end = clock_deadline(o->wait_ms);
	int64_t good = 0, bad = 0;

	for (;;) {
		struct probe_opts po = o->probe;

		po.timeout_ms = clock_left_ms(end, po.timeout_ms);
		if (po.timeout_ms == 0)
			po.timeout_ms = 1;
		if (probe_once(a->target, &po, &a->result, &a->e) < 0)
			return;
		good = a->result.healthy ? good + 1 : 0;
		bad += !a->result.healthy;
		if (good == o->successes || (o->tries > 0 && bad == o->tries))
			return;
		clock_sleep_ms(clock_left_ms(end, o->interval_ms), NULL);
		if (clock_over(end)) {
			too_few(&a->result, good, o->successes);
			return;
		}
	}
}

static void *
run(void *arg)
{
	const struct job *j = arg;

	ask_until_sure(j->o, j->a);
	return NULL;
}

int
ask_all(const struct ask_opts *o, struct ask *asks, size_t n, struct err *e)
{
	AUTO_FREE struct job *jobs = calloc(n, sizeof(*jobs));
	pthread_attr_t attr;
	size_t started = 0;
	int why = 0;

	if (jobs == NULL)
		return err_nomem(e);
	if (n == 1) { /* the usual case costs no thread */
		ask_until_sure(o, asks);
		return 0;
	}
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (started < n && why == 0) {
		jobs[started] = (struct job){ .o = o, .a = &asks[started] };
		why = pthread_create(&jobs[started].thread, &attr, run, &jobs[started]);
		started += why == 0;
	}
	(void)pthread_attr_destroy(&attr);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(jobs[i].thread, NULL);
	if (why != 0)
		return err_set(e, ERR_SYS, "start a thread: %s", strerror(why));
	return 0;
}
