#include "fleet/probe_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

#define STATUS_DEFAULT "200-399"
#define STATUS_MIN     100
#define STATUS_LIMIT   600
#define DAY_S	       86400
#define NS_PER_S       1000000000

static int
bad_status(const char *list, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' is not a list of HTTP statuses like '200-299,304'",
		       list);
}

int
probe_status_in(const char *list, int want, struct err *e)
{
	const char *p = list;
	int in = 0;

	for (;;) {
		char *end;
		long from, to;

		if (*p < '0' || *p > '9')
			return bad_status(list, e);
		from = to = strtol(p, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			to = strtol(end + 1, &end, 10);
		if (from < STATUS_MIN || to >= STATUS_LIMIT || from > to)
			return bad_status(list, e);
		in |= want >= from && want <= to;
		if (*end == '\0')
			return in;
		if (*end != ',')
			return bad_status(list, e);
		p = end + 1;
	}
}

void
probe_unhealthy(struct probe_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
	r->healthy = false;
}

static void
judge_json(const struct json_t *doc, const char *want, struct probe_result *r)
{
	const char *equals = strchr(want, '=');
	AUTO_FREE char *path = strndup(want, (size_t)(equals - want)), *text = NULL;
	const struct json_t *v = path != NULL ? jsn_get(doc, path) : NULL;
	const char *got = jsn_str(v, "");

	if (v == NULL) {
		probe_unhealthy(r, "the body has no '%s'", path != NULL ? path : want);
		return;
	}
	if (got == NULL)
		got = text = jsn_dump(v);
	if (got == NULL || strcmp(got, equals + 1) != 0)
		probe_unhealthy(r, "'%s' is '%s', not '%s'", path, got != NULL ? got : "",
				equals + 1);
}

static void
judge_answer(const struct probe_opts *o, const struct regex *re, const struct buf *body,
	     struct probe_result *r)
{
	AUTO_JSN struct json_t *doc = NULL;
	const char *list = o->status != NULL ? o->status : STATUS_DEFAULT;

	if (probe_status_in(list, r->status, NULL) != 1) {
		probe_unhealthy(r, "answered %d, not %s", r->status, list);
		return;
	}
	/* an expression sees no further than a NUL */
	if (re != NULL &&
	    (strlen(buf_cstr(body)) != body->len || !regex_match(re, buf_cstr(body)))) {
		probe_unhealthy(r, "the body does not match '%s'", o->body_re);
		return;
	}
	if (o->json == NULL || o->json[0] == NULL)
		return;
	doc = jsn_parse(view_buf(body), "body", NULL);
	if (doc == NULL) {
		probe_unhealthy(r, "the body is not JSON%s",
				body->len < PROBE_BODY_MAX ? "" : " that ends within 64 KiB");
		return;
	}
	for (const char *const *p = o->json; *p != NULL && r->healthy; p++)
		judge_json(doc, *p, r);
}

static void
judge_certificate(int64_t days, struct probe_result *r)
{
	int64_t now = clock_wall_ns() / NS_PER_S;
	char date[CLOCK_RFC3339_MAX];

	if (r->cert_until == 0) {
		probe_unhealthy(r, "it cannot be told when the certificate ends");
		return;
	}
	if (r->cert_until - now >= days * DAY_S)
		return;
	clock_rfc3339(r->cert_until * NS_PER_S, date);
	date[sizeof("2026-11-21") - 1] = '\0';
	if (r->cert_until < now)
		probe_unhealthy(r, "the certificate ended on %s", date);
	else
		probe_unhealthy(r, "the certificate ends on %s, in less than %" PRId64 " day%s",
				date, days, days == 1 ? "" : "s");
}

void
probe_judge(const struct probe_opts *o, const struct regex *re, const struct probe_target *t,
	    const struct buf *body, struct probe_result *r)
{
	if (t->kind == PROBE_HTTP)
		judge_answer(o, re, body, r);
	if (r->healthy && o->tls_days > 0 && view_starts(view_of(t->url), "https:"))
		judge_certificate(o->tls_days, r);
	if (r->healthy && o->max_time_ms > 0 && r->ms > o->max_time_ms)
		probe_unhealthy(r, "took %" PRId64 " ms, longer than %" PRId64, r->ms,
				o->max_time_ms);
}

void
probe_judge_container(const struct peek *p, struct probe_result *r)
{
	if (strcmp(p->status, "exited") == 0)
		probe_unhealthy(r, "it has exited with status %" PRId64, p->exit_code);
	else if (strcmp(p->status, "running") != 0)
		probe_unhealthy(r, "it is %s", p->status);
	else if (strcmp(p->health, "starting") == 0)
		probe_unhealthy(r, "its health check has not passed yet");
	else if (p->health[0] != '\0' && strcmp(p->health, "healthy") != 0)
		probe_unhealthy(r, "its health check fails%s%s", p->words[0] != '\0' ? ": " : "",
				p->words);
}
