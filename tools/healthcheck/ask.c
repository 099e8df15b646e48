#include "ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/scope.h"

#define BATCH	    32	 /* begun before answers are looked for: a server's queue is short */
#define WAIT_MAX_MS 250	 /* a signal that comes just before a wait is seen then */
#define FILES	    8192 /* that are asked of the system */
#define FILES_APART 64	 /* that are no connections */
#define FILES_A_TRY 3	 /* a connection, and what looking up its name takes */

struct asking {
	const struct ask_opts *o;
	struct ask *asks;
	size_t n, next; /* next: where the search for one that is due begins */
	size_t busy, busy_max, over, fresh;
	struct probe_many *many;
	struct deadline end;
};

static size_t
room_for_connections(void)
{
	struct rlimit l;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 1;
	if (l.rlim_cur < FILES) {
		l.rlim_cur = l.rlim_max < FILES ? l.rlim_max : FILES;
		(void)setrlimit(RLIMIT_NOFILE, &l);
		(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	n = l.rlim_cur > FILES_APART ? (l.rlim_cur - FILES_APART) / FILES_A_TRY : 0;
	return n < 1 ? 1 : n < PROBE_AT_ONCE ? (size_t)n : PROBE_AT_ONCE;
}

static void
end_ask(struct asking *g, struct ask *a)
{
	a->over = true;
	g->over++;
}

static int
begin(struct asking *g, struct ask *a, struct err *e)
{
	int64_t ms = clock_left_ms(g->end, g->o->probe.timeout_ms);

	if (probe_many_add(g->many, a->target, ms > 0 ? ms : 1, a, e) < 0)
		return -1;
	a->busy = true;
	g->busy++;
	return 0;
}

/* *ret_ms: how long there is nothing more to begin. */
static int
begin_due(struct asking *g, int64_t *ret_ms, struct err *e)
{
	int64_t now = clock_mono_ms(), soonest = now + WAIT_MAX_MS;
	size_t begun = 0;

	for (size_t i = 0; i < g->n && begun < BATCH && g->busy < g->busy_max; i++) {
		struct ask *a = &g->asks[(g->next + i) % g->n];

		if (a->busy || a->over)
			continue;
		if (a->due_ms > now) {
			soonest = a->due_ms < soonest ? a->due_ms : soonest;
			continue;
		}
		if (begin(g, a, e) < 0)
			return -1;
		begun++;
		g->next = (size_t)(a - g->asks) + 1;
	}
	*ret_ms = begun == BATCH ? 0 : clock_left_ms(g->end, soonest - now);
	return 0;
}

static int
settle(struct asking *g, struct ask *a, bool healthy, struct err *e)
{
	bool news = !a->known || a->healthy != healthy;

	a->known = true;
	a->healthy = healthy;
	if (!g->o->watch)
		end_ask(g, a);
	return news && g->o->changed != NULL ? g->o->changed(g->o->arg, a, e) : 0;
}

static int
close_round(struct asking *g, struct err *e)
{
	if (g->fresh < g->n || g->o->round == NULL)
		return 0;
	g->fresh = 0;
	for (size_t i = 0; i < g->n; i++)
		g->asks[i].fresh = false;
	return g->o->round(g->o->arg, e);
}

static int
take(struct asking *g, struct ask *a, struct err *e)
{
	const struct ask_opts *o = g->o;
	bool healthy = a->result.healthy;

	a->tries++;
	a->due_ms = clock_mono_ms() + o->interval_ms;
	a->good = healthy ? a->good + 1 : 0;
	a->bad = !healthy ? a->bad + 1 : o->watch ? 0 : a->bad;
	if (o->tried != NULL && o->tried(o->arg, a, e) < 0)
		return -1;
	if (healthy && a->good >= o->successes && settle(g, a, true, e) < 0)
		return -1;
	if (!healthy && o->tries > 0 && a->bad >= o->tries && settle(g, a, false, e) < 0)
		return -1;
	if (!a->fresh) {
		a->fresh = true;
		g->fresh++;
	}
	return close_round(g, e);
}

static int
take_answers(struct asking *g, int64_t ms, struct err *e)
{
	int n;

	for (;; ms = 0) {
		struct probe_result r = { 0 };
		struct err why = { 0 };
		void *arg = NULL;
		struct ask *a;

		n = probe_many_next(g->many, ms, &arg, &r, &why, e);
		if (n <= 0)
			return n;
		a = arg;
		a->busy = false;
		g->busy--;
		/* cut short by the end: what it would have said is not known */
		if (g->o->watch && why.code == ERR_NONE && !r.healthy && clock_over(g->end))
			continue;
		/* a try that the end has cut short tells less than the one before it */
		if (a->tries == 0 || a->result.healthy || r.healthy || !clock_over(g->end))
			a->result = r;
		a->e = why;
		if (why.code == ERR_NONE && take(g, a, e) < 0)
			return -1;
		if (why.code != ERR_NONE && g->o->watch)
			return err_set(e, why.code, "probe '%s': %s", a->target, why.msg);
		if (why.code != ERR_NONE)
			end_ask(g, a);
	}
}

/* The time is over: who is not being asked just now has had his answer. */
static void
end_all(struct asking *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct ask *a = &g->asks[i];
		struct probe_result *r = &a->result;

		if (a->busy || a->over)
			continue;
		if (a->tries == 0)
			(void)snprintf(r->reason, sizeof(r->reason),
				       "not asked in the time there was");
		else if (r->healthy)
			(void)snprintf(r->reason, sizeof(r->reason),
				       "%" PRId64 " good answers in a row, not %" PRId64, a->good,
				       g->o->successes);
		r->healthy = false;
		end_ask(g, a);
	}
}

static bool
is_finished(struct asking *g)
{
	if (g->o->stop != NULL && *g->o->stop)
		return true;
	if (!clock_over(g->end))
		return g->over == g->n;
	if (g->o->watch)
		return true;
	end_all(g);
	return g->over == g->n;
}

int
ask_all(const struct ask_opts *o, struct ask *asks, size_t n, struct err *e)
{
	AUTO_PROBES struct probe_many *many = NULL;
	struct asking g = { .o = o,
			    .asks = asks,
			    .n = n,
			    .busy_max = room_for_connections(),
			    .end = clock_deadline(o->wait_ms) };

	if (probe_many_new(&o->probe, &many, e) < 0)
		return -1;
	g.many = many;
	while (!is_finished(&g)) {
		int64_t ms;

		if (begin_due(&g, &ms, e) < 0 || take_answers(&g, ms, e) < 0)
			return -1;
	}
	return 0;
}
