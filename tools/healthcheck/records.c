#include "records.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsn.h"
#include "obs/metrics.h"

#define MS_PER_S     1000.0
#define NS_PER_S     1000000000
#define METRICS_MODE 0644

static void
print_json(const struct ask *a)
{
	const struct probe_result *r = &a->result;
	AUTO_JSN struct json_t *v = jsn_object();
	AUTO_FREE char *line = NULL;
	char now[CLOCK_RFC3339_MAX], until[CLOCK_RFC3339_MAX];

	clock_rfc3339(clock_wall_ns(), now);
	jsn_set_str(v, "time", now);
	jsn_set_bool(v, "healthy", r->healthy);
	jsn_set_str(v, "target", a->target);
	jsn_set(v, "status", r->status != 0 ? jsn_integer(r->status) : jsn_string(NULL));
	jsn_set_int(v, "ms", r->ms);
	if (r->cert_until != 0) {
		clock_rfc3339(r->cert_until * NS_PER_S, until);
		jsn_set_str(v, "tls_until", until);
	}
	if (!r->healthy)
		jsn_set_str(v, "reason", r->reason);
	line = jsn_dump(v);
	(void)puts(line != NULL ? line : "");
}

static void
print_text(const struct ask *a)
{
	const struct probe_result *r = &a->result;
	char status[16] = "-";

	if (r->status != 0)
		(void)snprintf(status, sizeof(status), "%d", r->status);
	(void)printf("%s %s %s %" PRId64 "%s", r->healthy ? "healthy" : "unhealthy", a->target,
		     status, r->ms, r->healthy ? "" : " ");
	/* a reason may quote the service: it stays on its line */
	for (const char *p = r->healthy ? "" : r->reason; *p != '\0'; p++)
		(void)putchar((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
	(void)putchar('\n');
}

void
records_print(const struct ask *a, bool json)
{
	(json ? print_json : print_text)(a);
}

/* --- metrics ------------------------------------------------------------- */

static double
healthy(const struct ask *a)
{
	return a->known && a->healthy;
}

static double
seconds(const struct ask *a)
{
	return (double)a->result.ms / MS_PER_S;
}

static double
cert_until(const struct ask *a)
{
	return (double)a->result.cert_until;
}

static bool
has_verdict(const struct ask *a)
{
	return a->e.code == ERR_NONE;
}

static bool
was_tried(const struct ask *a)
{
	return a->tries > 0;
}

static bool
has_certificate(const struct ask *a)
{
	return a->result.cert_until != 0;
}

static void
family(struct metrics *m, const char *name, const char *words, const struct ask *asks, size_t n,
       bool (*has)(const struct ask *a), double (*value)(const struct ask *a))
{
	metrics_family(m, name, METRICS_GAUGE, words);
	for (size_t i = 0; i < n; i++)
		if (!asks[i].twin && has(&asks[i]))
			metrics_value(m, METRICS_LABELS("target", asks[i].target), value(&asks[i]));
}

int
records_metrics(const struct ask *asks, size_t n, const char *path, struct err *e)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;

	family(&m, "gantry_health_status", "1 healthy, 0 not.", asks, n, has_verdict, healthy);
	family(&m, "gantry_health_duration_seconds", "How long the last answer took.", asks, n,
	       was_tried, seconds);
	family(&m, "gantry_health_tls_until_timestamp_seconds", "When the certificate ends.", asks,
	       n, has_certificate, cert_until);
	metrics_family(&m, "gantry_health_last_run_timestamp_seconds", METRICS_GAUGE,
		       "When all targets had been asked.");
	metrics_value(&m, NULL, (double)(clock_wall_ns() / NS_PER_S));
	if (metrics_ok(&m, e) < 0)
		return err_wrap(e, "metrics");
	return file_replace(AT_FDCWD, path, m.text.data, m.text.len, METRICS_MODE, e);
}
