#include "fleet/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"
#include "fleet/probe.h"

#define LINE_MAX_BYTES 200
#define RECORD_WORDS   4 /* before the reason */
#define NS_PER_MS      1000000

/* What Docker takes where a health check does not say, and the most we believe. */
#define CHECK_MS	  30000
#define CHECK_RETRIES	  3
#define CHECK_MS_MAX	  86400000
#define CHECK_RETRIES_MAX 1000

enum { ILL, WELL, MUTE /* nobody answers: ill, or at its end */ };

/* One question.  WELL, or not (why in reason), -1 could not be asked. */
typedef int ask_fn(const struct health *h, char reason[PROBE_REASON_MAX], struct err *e);

/* "unhealthy TARGET STATUS MILLISECONDS reason" */
static struct view
reason_in(struct view record)
{
	struct view rest = record, word;

	if (!view_starts(record, "unhealthy "))
		return record;
	for (int i = 0; i < RECORD_WORDS; i++)
		if (!view_cut(&rest, ' ', &word))
			return record;
	return rest;
}

static int
ask_inside(const struct health *h, const char *const *argv, char reason[PROBE_REASON_MAX],
	   struct err *e)
{
	struct engine_exec x;
	struct view said;

	if (engine_exec(h->engine, h->id, argv, HEALTH_TRY_MS, &x, e) < 0)
		return -1;
	said = reason_in(view_trim(view_of(x.out)));
	(void)snprintf(reason, PROBE_REASON_MAX, "%.*s",
		       said.n < PROBE_REASON_MAX ? (int)said.n : PROBE_REASON_MAX - 1, said.p);
	return x.status == 0;
}

static int
ask_socket(const struct health *h, char reason[PROBE_REASON_MAX], struct err *e)
{
	static const char *const argv[] = { HEALTH_PROBE, HEALTH_SOCKET_URL, NULL };

	return ask_inside(h, argv, reason, e);
}

static int
ask_promoted(const struct health *h, char reason[PROBE_REASON_MAX], struct err *e)
{
	static const char *const argv[] = { HEALTH_PROBE, "--json-path", "role=serving",
					    HEALTH_SOCKET_URL, NULL };

	return ask_inside(h, argv, reason, e);
}

static int
ask_port(const struct health *h, char reason[PROBE_REASON_MAX], struct err *e)
{
	char wanted[HEALTH_INSTANCE_MAX + 16];
	const char *const json[] = { wanted, NULL };
	struct probe_opts o = { .timeout_ms = HEALTH_TRY_MS };
	struct probe_result r;

	if (h->instance != NULL) {
		(void)snprintf(wanted, sizeof(wanted), "instance=%s", h->instance);
		o.json = json;
	}
	if (probe_once(h->url, &o, &r, e) < 0)
		return -1;
	(void)snprintf(reason, PROBE_REASON_MAX, "%s", r.reason);
	return r.healthy ? WELL : r.status == 0 ? MUTE : ILL;
}

/* Without an address to ask, the engine's own health check counts; without
 * that one, that it runs. */
static const char *
engine_says(const struct json_t *c)
{
	const char *status = jsn_str_or(c, "State.Health.Status", "");

	return status[0] == '\0' || strcmp(status, "none") == 0 ? "healthy" : status;
}

static int
ask_engine(const struct health *h, char reason[PROBE_REASON_MAX], struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	const char *status;

	if (engine_container(h->engine, h->id, &c, e) < 0)
		return -1;
	status = engine_says(c);
	(void)snprintf(reason, PROBE_REASON_MAX, "the engine calls it %.32s", status);
	return strcmp(status, "healthy") == 0;
}

static int
look(const struct health *h, struct json_t **ret, struct err *e)
{
	struct err why = { 0 };

	if (engine_container(h->engine, h->id, ret, &why) == 0)
		return 0;
	if (why.code == ERR_NOTFOUND)
		return err_set(e, ERR_TEMP, "somebody removed its container");
	return err_set(e, why.code, "%s", why.msg);
}

/* A person or the engine may have ended it, and that is no fault of the release. */
static int
check_own_end(const struct health *h, const struct json_t *c, struct err *e)
{
	struct err why = { 0 };
	enum engine_end how;

	if (jsn_bool(c, "State.OOMKilled", false))
		return 0;
	if (engine_end(h->engine, c, true, &how, &why) < 0)
		return why.code == ERR_TEMP ? err_set(e, ERR_TEMP, "%s", why.msg) : 0;
	if (how == ENGINE_END_ITSELF)
		return 0;
	return err_set(e, ERR_TEMP, "its container %s",
		       how == ENGINE_END_KILLED ? "was stopped" : "ended with its engine");
}

/* With its last words. */
static int
ended(const struct health *h, struct health_life *life, const struct json_t *c, const char *how,
      struct err *e)
{
	char line[LINE_MAX_BYTES] = "";

	if (check_own_end(h, c, e) < 0)
		return -1;
	life->ended = true;
	(void)engine_last_line(h->engine, h->id, line, sizeof(line), NULL);
	return err_set(e, ERR_NO, "it %s%s%s", how, line[0] != '\0' ? ": " : "", line);
}

/* Still in the life in which it was seen first: a container that ended cannot become healthy
 * any more, and one that ended and was started again will end again. */
static int
check_alive(const struct health *h, struct health_life *life, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	const char *started;
	char how[64];
	bool oom, down;

	if (look(h, &c, e) < 0)
		return -1;
	started = jsn_str_or(c, "State.StartedAt", "");
	oom = jsn_bool(c, "State.OOMKilled", false);
	down = !jsn_bool(c, "State.Running", false) || jsn_bool(c, "State.Restarting", false);
	if (life->started[0] == '\0') {
		(void)snprintf(life->started, sizeof(life->started), "%s", started);
		life->oom = life->older && oom && !down;
		life->restarts = life->older ? jsn_int(c, "RestartCount", 0) : 0;
	}
	if (down) {
		(void)snprintf(how, sizeof(how), "%s %" PRId64,
			       oom ? "was killed for memory, status" : "ended with status",
			       jsn_int(c, "State.ExitCode", -1));
		return ended(h, life, c, how, e);
	}
	if (strcmp(started, life->started) != 0 || jsn_int(c, "RestartCount", 0) > life->restarts)
		return ended(h, life, c, "ended and was started again", e);
	if (oom && !life->oom)
		return ended(h, life, c, "runs on, but a part of it was killed for memory", e);
	return 0;
}

static bool
is_stopped(const struct health *h)
{
	return h->stop != NULL && *h->stop;
}

/* It serves: the sooner it is known to be ill, the shorter that lasts. */
static int64_t
soak_pause(const struct health *h)
{
	int64_t ms = h->soak_ms / 4 + HEALTH_FAST_MS;

	return ms < HEALTH_SOAK_MS ? ms : HEALTH_SOAK_MS;
}

/* One wait, as it comes along. */
struct wait {
	int good, bad;	       /* answers in a row */
	int64_t since, ill_ms; /* of the first of them */
	bool was_healthy, relapsed;
};

/* Once: it may come and go. */
static void
tell_relapse(const struct health *h, struct wait *w, int answer, const char *reason)
{
	if (answer < 0 || answer == WELL || !w->was_healthy || w->relapsed)
		return;
	w->relapsed = true;
	if (h->relapsed != NULL)
		h->relapsed(h->arg, reason);
}

static void
note(struct wait *w, int answer, int64_t now)
{
	w->good = answer == WELL ? w->good + 1 : 0;
	w->bad = answer == WELL ? 0 : w->bad + 1;
	if (w->good == 1)
		w->since = now;
	if (w->bad == 1)
		w->ill_ms = now;
	w->was_healthy |= answer == WELL;
}

/* An engine may be slow to notice the end of what is mute, and who ended it decides. */
static bool
is_given_up(const struct wait *w, int answer, int64_t now)
{
	return w->was_healthy && w->bad >= HEALTH_PATIENCE &&
	       (answer == ILL || now - w->ill_ms >= HEALTH_MUTE_MS);
}

static int
wait_healthy(const struct health *h, ask_fn *ask, struct err *e)
{
	struct deadline until = clock_deadline(h->timeout_ms);
	int64_t pause = HEALTH_FAST_MS;
	char reason[PROBE_REASON_MAX] = "";
	struct health_life this_wait = { .older = true };
	struct wait w = { 0 };

	for (;;) {
		struct err why = { 0 };
		int64_t now;
		int answer;

		if (is_stopped(h))
			return err_set(e, ERR_TEMP, "stopped by a signal");
		answer = ask(h, reason, &why);
		tell_relapse(h, &w, answer, reason);
		if (check_alive(h, h->life != NULL ? h->life : &this_wait, e) < 0)
			return -1;
		if (answer < 0)
			return err_set(e, why.code, "%s", why.msg);
		now = clock_mono_ms();
		note(&w, answer, now);
		if (w.good > 0 && w.good >= h->in_a_row && now - w.since >= h->soak_ms)
			return 0;
		if (is_given_up(&w, answer, now) || (!w.was_healthy && clock_over(until)))
			return err_set(e, ERR_NO, "%s", reason[0] != '\0' ? reason : "unhealthy");
		/* a soak that starts anew again and again ends too */
		if (w.was_healthy && w.bad > 0 && h->timeout_ms > 0 &&
		    now > until.at_ms + h->soak_ms)
			return err_set(e, ERR_NO, "%s", reason);
		clock_sleep_ms(w.was_healthy && w.bad > 0 ? HEALTH_AGAIN_MS : pause, h->stop);
		pause = pause * 2 < h->interval_ms ? pause * 2 : h->interval_ms;
		if (w.was_healthy && pause > soak_pause(h))
			pause = soak_pause(h);
	}
}

int
health_standby(const struct health *h, struct err *e)
{
	return wait_healthy(h, ask_socket, e);
}

int
health_promoted(const struct health *h, struct err *e)
{
	struct health fast = *h;

	fast.interval_ms = HEALTH_FAST_MS;
	fast.in_a_row = 1;
	return wait_healthy(&fast, ask_promoted, e);
}

int
health_serving(const struct health *h, struct err *e)
{
	return wait_healthy(h, h->url[0] != '\0' ? ask_port : ask_engine, e);
}

static bool
health_soon(const char *url, int64_t ms)
{
	struct probe_opts o = { .timeout_ms = HEALTH_TRY_MS };
	struct deadline until = clock_deadline(ms);
	struct probe_result r;

	for (;;) {
		if (probe_once(url, &o, &r, NULL) < 0)
			return false;
		if (r.healthy || clock_over(until))
			return r.healthy;
		clock_sleep_ms(HEALTH_FAST_MS, NULL);
	}
}

bool
health_is_now(const struct json_t *inspected, const char *url, int64_t ms)
{
	if (!jsn_bool(inspected, "State.Running", false))
		return false;
	return url[0] != '\0' ? health_soon(url, ms)
			      : strcmp(engine_says(inspected), "unhealthy") != 0;
}

/* A time of its health check; not set, Docker's own default counts. */
static int64_t
check_ms(const struct json_t *check, const char *key, int64_t otherwise)
{
	int64_t ms = jsn_int(check, key, 0) / NS_PER_MS;

	return ms <= 0 ? otherwise : ms < CHECK_MS_MAX ? ms : CHECK_MS_MAX;
}

int64_t
health_timeout(const struct json_t *inspected, int64_t configured_ms)
{
	const struct json_t *check = jsn_get(inspected, "Config.Healthcheck");
	const char *kind = jsn_str_or(jsn_at(jsn_get(check, "Test"), 0), "", "NONE");
	int64_t retries = jsn_int(check, "Retries", 0), need;

	if (strcmp(kind, "NONE") == 0)
		return configured_ms;
	if (retries <= 0 || retries > CHECK_RETRIES_MAX)
		retries = retries <= 0 ? CHECK_RETRIES : CHECK_RETRIES_MAX;
	need = check_ms(check, "StartPeriod", 0) +
	       (check_ms(check, "Interval", CHECK_MS) + check_ms(check, "Timeout", CHECK_MS)) *
		       retries;
	return need > configured_ms ? need : configured_ms;
}
