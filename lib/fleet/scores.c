#include "fleet/scores.h"

#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"
#include "fleet/elapsed.h"
#include "fleet/report.h"
#include "obs/textfile.h"

#define LAST_RUN     "gantry_deploy_last_run_timestamp_seconds"
#define LAST_SUCCESS "gantry_deploy_last_success_timestamp_seconds"
#define MS_PER_S     1000.0

static bool
is_event(const struct json_t *r, const char *event)
{
	return strcmp(jsn_str_or(r, "event", ""), event) == 0;
}

static void
times(struct metrics *m, const char *path, int status)
{
	AUTO_TEXTFILE struct textfile old = TEXTFILE_INIT;
	double now = (double)(clock_wall_ns() / 1000000) / MS_PER_S, success = now;
	bool known = true;

	if (status != 0) {
		textfile_read(&old, path);
		known = textfile_value(&old, LAST_SUCCESS, &success);
	}
	metrics_family(m, LAST_RUN, METRICS_GAUGE, "When deploy last ended.");
	metrics_value(m, NULL, now);
	metrics_family(m, LAST_SUCCESS, METRICS_GAUGE, "When deploy last ended with status 0.");
	if (known)
		metrics_value(m, NULL, success);
}

static void
last_status(struct metrics *m, int status)
{
	metrics_family(m, "gantry_deploy_status", METRICS_GAUGE, "Exit status of the last deploy.");
	metrics_value(m, NULL, status);
}

static void
totals(struct metrics *m, const struct journal *j)
{
	static const char *const results[] = { "done", "rolled-back", "stopped" };
	size_t n[COUNT_OF(results)] = { 0 };

	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);

		for (size_t k = 0; k < COUNT_OF(results); k++)
			if (is_event(r, "shortened"))
				n[k] += (size_t)jsn_int(r, results[k], 0);
			else
				n[k] += is_event(r, "end") &&
					strcmp(jsn_str_or(r, "result", ""), results[k]) == 0;
	}
	metrics_family(m, "gantry_deploy_total", METRICS_COUNTER,
		       "Deployments and rollbacks that have ended.");
	for (size_t k = 0; k < COUNT_OF(results); k++)
		metrics_value(m, METRICS_LABELS("result", results[k]), (double)n[k]);
}

static void
duration(struct metrics *m, const struct journal *j)
{
	const struct json_t *end = journal_last(j, NULL, "end", NULL);
	const struct json_t *begin = journal_first(j, jsn_str(end, "txn"), "begin", NULL);

	metrics_family(m, "gantry_deploy_duration_seconds", METRICS_GAUGE,
		       "How long the last deployment took that has ended.");
	if (end != NULL && begin != NULL)
		metrics_value(m, NULL, (double)elapsed_ms(begin, end) / MS_PER_S);
}

/* How far what runs has come, else what the engine says of it. */
static const char *
state_of(const struct json_t *s)
{
	const char *state = jsn_str_or(s, "state", ""), *rung = jsn_str_or(s, "rung", "-");

	return strcmp(state, "running") == 0 && strcmp(rung, "-") != 0 ? rung : state;
}

static int
services(struct metrics *m, const struct journal *j, const struct fleet *f, int64_t stable_ms,
	 struct err *e)
{
	AUTO_JSN struct json_t *all = NULL;

	if (report_status(f, j, stable_ms, &all, e) < 0)
		return -1;
	metrics_family(m, "gantry_service_info", METRICS_GAUGE, "What each service runs.");
	for (size_t i = 0; i < jsn_len(all); i++) {
		const struct json_t *s = jsn_at(all, i);

		metrics_value(m,
			      METRICS_LABELS("service", jsn_str_or(s, "service", ""), "digest",
					     jsn_str_or(s, "digest", ""), "tag",
					     jsn_str_or(s, "tag", ""), "state", state_of(s)),
			      1);
	}
	return 0;
}

/* Each digest once: where its last word is a quarantine. */
static void
quarantined(struct metrics *m, const struct journal *j)
{
	size_t n = 0;

	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);

		n += is_event(r, "quarantine") &&
		     journal_quarantined(j, jsn_str_or(r, "digest", "")) == r;
	}
	metrics_family(m, "gantry_quarantined", METRICS_GAUGE, "Digests that are not tried again.");
	metrics_value(m, NULL, (double)n);
}

int
scores_write(const char *path, const struct journal *j, const struct fleet *f, int64_t stable_ms,
	     int status, struct err *e)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;

	times(&m, path, status);
	last_status(&m, status);
	totals(&m, j);
	duration(&m, j);
	if (services(&m, j, f, stable_ms, e) < 0)
		return -1;
	quarantined(&m, j);
	return textfile_write(&m, path, e) < 0 ? err_wrap(e, "metrics file") : 0;
}
