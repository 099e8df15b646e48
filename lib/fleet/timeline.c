#include "fleet/timeline.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "net/otlp.h"
#include "oci/digest.h"
#include "trust/period.h"

#define FLUSH_MS   2000
#define SPANS_MAX  65536 /* of one run: nothing is dropped */
#define NS_PER_MS  1000000
#define HOST_MAX   256
#define HEADER_MAX 64

struct sender {
	struct trace *trace;
	const struct journal *j;
	const struct timeline *t;
	size_t from;
	const char *program, *host;
	struct context parent;
	bool has_parent;
};

void
timeline_begin(struct timeline *t, const char *name)
{
	if (t->n < TIMELINE_PARTS_MAX)
		t->part[t->n++] =
			(struct timeline_part){ .name = name, .begin_ns = clock_wall_ns() };
}

void
timeline_end(struct timeline *t, const struct err *e)
{
	struct timeline_part *p = &t->part[t->n - 1];

	p->end_ns = clock_wall_ns();
	if (e != NULL)
		p->why = *e;
}

static const char *
field(const struct json_t *record, const char *key)
{
	return jsn_str_or(record, key, "");
}

static bool
is(const struct json_t *record, const char *key, const char *value)
{
	return strcmp(field(record, key), value) == 0;
}

static int64_t
time_of(const struct json_t *record)
{
	int64_t ms = 0;

	(void)period_parse_time(view_of(field(record, "time")), &ms);
	return ms * NS_PER_MS;
}

/* The next record of this run with that txn, and that service unless NULL; NULL after the last.
 * Where evidence lies is not a thing that happened. */
static const struct json_t *
next(const struct sender *s, size_t *i, const char *txn, const char *service)
{
	while (*i < journal_len(s->j)) {
		const struct json_t *r = journal_at(s->j, (*i)++);

		if (is(r, "txn", txn) && !is(r, "event", "evidence") &&
		    (service == NULL || is(r, "service", service)))
			return r;
	}
	return NULL;
}

/* A record that says that something went wrong. */
static bool
is_bad(const struct json_t *r)
{
	return is(r, "event", "failed") || is(r, "event", "back") || is(r, "event", "passed");
}

static struct span *
below(const struct context *parent, const char *name, struct context *ret_self)
{
	context_child(parent, ret_self);
	return span_new(ret_self, parent, false, name, SPAN_INTERNAL);
}

static void
what(struct span *span, const struct json_t *r)
{
	span_str(span, "gantry.image", jsn_str(r, "image"));
	span_str(span, "gantry.tag", jsn_str(r, "tag"));
	span_str(span, "gantry.digest", jsn_str(r, "digest"));
}

/* --- a service and its steps ------------------------------------------------------ */

/* From its record to the service's next one: steps are announced. */
static void
send_step(const struct sender *s, const struct context *parent, const struct json_t *step,
	  const struct json_t *after, int64_t end_ns)
{
	struct context self;
	struct span *span = below(parent, field(step, "step"), &self);

	span_times(span, time_of(step), after != NULL ? time_of(after) : end_ns);
	span_str(span, "gantry.service", field(step, "service"));
	span_str(span, "gantry.step", field(step, "step"));
	if (after != NULL && is_bad(after))
		span_fail(span, field(after, "reason"));
	trace_end(s->trace, &span);
}

static void
send_service(const struct sender *s, const struct context *parent, const char *txn,
	     const char *service, int64_t end_ns)
{
	size_t i = s->from;
	const struct json_t *r = next(s, &i, txn, service), *after, *last = r;
	struct context self;
	struct span *span = below(parent, service, &self);
	int64_t begin_ns = time_of(r);

	span_str(span, "gantry.service", service);
	for (; r != NULL; r = after) {
		after = next(s, &i, txn, service);
		last = r;
		if (is(r, "event", "step"))
			send_step(s, &self, r, after, end_ns);
		else if (is(r, "event", "moved"))
			what(span, r);
		else if (is_bad(r))
			span_fail(span, field(r, "reason"));
	}
	span_times(span, begin_ns, is(last, "event", "step") ? end_ns : time_of(last));
	trace_end(s->trace, &span);
}

/* Whether record i is the first of this run about its service. */
static bool
is_first(const struct sender *s, size_t i, const char *txn)
{
	size_t k = s->from;

	return next(s, &k, txn, field(journal_at(s->j, i), "service")) == journal_at(s->j, i);
}

/* --- a deployment --------------------------------------------------------------------- */

static void
send_part(const struct sender *s, const struct context *parent, const struct timeline_part *p)
{
	struct context self;
	struct span *span = below(parent, p->name, &self);

	span_times(span, p->begin_ns, p->end_ns);
	if (p->why.code != ERR_NONE)
		span_fail(span, p->why.msg);
	trace_end(s->trace, &span);
}

/* The trace of a txn is the same in every run of this host. */
static void
own_trace(const struct sender *s, const char *txn, struct context *ret)
{
	AUTO_BUF struct buf name = BUF_INIT(2 * HOST_MAX);
	char header[HEADER_MAX];
	struct context c;
	struct digest d;

	context_root(ret);
	if (txn[0] == '\0')
		return;
	buf_addf(&name, "%s %s", s->host, txn);
	digest_of(name.data, name.len, &d);
	(void)snprintf(header, sizeof(header), "00-%.32s-0000000000000001-00", digest_hex(&d));
	if (context_parse(view_of(header), &c))
		memcpy(ret->trace_id, c.trace_id, sizeof(c.trace_id));
}

static void
end_root(const struct sender *s, struct span *root, const char *txn)
{
	const struct json_t *end = journal_last(s->j, txn, "end", NULL);
	const char *result = end != NULL ? field(end, "result") : "unfinished";

	if (txn[0] != '\0') {
		span_str(root, "gantry.txn", txn);
		span_str(root, "gantry.result", result);
		what(root, journal_first(s->j, txn, "begin", NULL));
		if (strcmp(result, "done") != 0)
			span_fail(root, field(end, "reason"));
	}
	for (size_t i = 0; i < s->t->n; i++)
		if (s->t->part[i].why.code != ERR_NONE)
			span_fail(root, s->t->part[i].why.msg);
}

/* txn "": only what was noted.  parts: that belongs to it. */
static void
send_txn(const struct sender *s, const char *txn, bool parts)
{
	const struct context *parent = s->has_parent ? &s->parent : NULL;
	const struct json_t *begin = journal_first(s->j, txn, "begin", NULL), *first, *end;
	int64_t begin_ns, end_ns = clock_wall_ns();
	size_t i = s->from;
	struct context self;
	struct span *root;

	if (parent != NULL)
		context_child(parent, &self);
	else
		own_trace(s, txn, &self);
	if (!trace_samples(s->trace, parent, &self))
		return;
	self.flags |= CONTEXT_SAMPLED;
	root = span_new(&self, parent, parent != NULL,
			begin != NULL ? field(begin, "kind") : s->program, SPAN_INTERNAL);
	first = txn[0] != '\0' ? next(s, &i, txn, NULL) : NULL;
	end = journal_last(s->j, txn, "end", NULL);
	if (end != NULL && txn[0] != '\0')
		end_ns = time_of(end);
	begin_ns = parts && s->t->n > 0 ? s->t->part[0].begin_ns
		   : first != NULL	? time_of(first)
					: end_ns;
	for (i = 0; parts && i < s->t->n; i++)
		send_part(s, &self, &s->t->part[i]);
	for (i = s->from; txn[0] != '\0' && i < journal_len(s->j); i++) {
		const struct json_t *r = journal_at(s->j, i);

		if (is(r, "txn", txn) && field(r, "service")[0] != '\0' && is_first(s, i, txn))
			send_service(s, &self, txn, field(r, "service"), end_ns);
	}
	end_root(s, root, txn);
	span_times(root, begin_ns, end_ns);
	trace_end(s->trace, &root);
}

/* What was noted comes before the last deployment of a run; an unfinished one
 * is finished before that. */
static void
send_all(const struct sender *s)
{
	const char *last = "";

	for (size_t i = s->from; i < journal_len(s->j); i++) {
		const char *txn = field(journal_at(s->j, i), "txn");

		if (txn[0] == '\0' || strcmp(txn, last) == 0)
			continue;
		if (last[0] != '\0')
			send_txn(s, last, false);
		last = txn;
	}
	send_txn(s, last, true);
}

static void
find_parent(struct sender *s, char *const *environment)
{
	static const char name[] = "TRACEPARENT=";

	for (; *environment != NULL; environment++)
		if (strncmp(*environment, name, strlen(name)) == 0)
			s->has_parent =
				context_parse(view_of(*environment + strlen(name)), &s->parent);
}

/* What the sending thread uses. */
struct wire {
	struct trace_settings settings;
	struct otlp *otlp;
};

static void
wire_free(struct wire **w)
{
	if (*w == NULL)
		return;
	otlp_free(&(*w)->otlp);
	trace_settings_clear(&(*w)->settings);
	free(*w);
}

static int
transmit(struct sender *s, char *const *environment, trace_say_fn *say, void *arg, struct err *e)
{
	const char *const own[] = {
		"service.name", s->program, "service.version", GANTRY_VERSION, "host.name",
		s->host,	NULL
	};
	AUTO(wire_free) struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(e);
	if (trace_settings_load(environment, own, say, arg, &w->settings, e) < 0)
		return -1;
	if (w->settings.url == NULL)
		return 0;
	w->settings.queue = SPANS_MAX;
	if (otlp_new(&w->settings, &w->otlp, e) < 0 ||
	    trace_new(&w->settings, otlp_post, w->otlp, say, arg, &s->trace, e) < 0)
		return -1;
	if (w->settings.propagate)
		find_parent(s, environment);
	send_all(s);
	/* a try that hangs keeps it; the process ends soon */
	if (!trace_free(&s->trace, FLUSH_MS))
		w = NULL;
	return 0;
}

void
timeline_send(const struct timeline *t, const struct journal *j, size_t from, const char *program,
	      char *const *environment, trace_say_fn *say, void *arg)
{
	char host[HOST_MAX] = "";
	struct sender s = { .j = j, .t = t, .from = from, .program = program, .host = host };
	struct err e = { 0 };

	if (t->n == 0 && journal_len(j) <= from)
		return;
	(void)gethostname(host, sizeof(host) - 1);
	if (transmit(&s, environment, say, arg, &e) < 0)
		say(arg, e.msg);
}
