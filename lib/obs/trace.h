/*
 * trace: spans to a collector, by OTLP/HTTP with JSON (opentelemetry-proto,
 * docs/specification.md), told what to do by the OTEL_* variables.
 *
 * Nobody ever waits for the collector: spans go into a queue, and one thread,
 * started with the first of them, takes them out in batches.  A queue that is
 * full drops what comes.  An answer 429, 502, 503 or 504 (its Retry-After is
 * honoured) and a failed connection are tried again until OTEL_BSP_EXPORT_TIMEOUT,
 * nothing else is.
 *
 * No traces is NULL, which every function here takes.
 */
#ifndef GANTRY_OBS_TRACE_H
#define GANTRY_OBS_TRACE_H

#include "base/clock.h"
#include "obs/metrics.h"
#include "obs/span.h"

#define TRACE_HEADERS_MAX    32
#define TRACE_ATTRIBUTES_MAX (16U << 10) /* of the resource, as JSON */
#define TRACE_REPLY_MAX	     (64U << 10)
#define TRACE_QUEUE_MAX	     65536

enum trace_sampler { TRACE_ALWAYS_ON, TRACE_ALWAYS_OFF, TRACE_RATIO };

struct trace_settings {
	char *url;			      /* to post to; NULL: no traces are wanted */
	char *headers[TRACE_HEADERS_MAX + 1]; /* "Name: value", NULL-terminated */
	char *ca_file, *cert_file;	      /* PEM, or NULL */
	int64_t timeout_ms;		      /* of one try */
	int64_t delay_ms, export_ms;	      /* of a batch: to fill, and until it is given up */
	size_t queue, batch;		      /* spans */
	enum trace_sampler sampler;
	bool parent_based; /* what the parent says comes first */
	double ratio;
	bool propagate;	     /* a parent's context is taken over */
	struct buf resource; /* attributes as JSON */
};

typedef void trace_say_fn(void *arg, const char *words);

/* What the environment says.  own: attributes of the resource, name and value
 * by turns, NULL at the end; "service.name" is among them.  What OTEL_* says
 * instead wins.  As OpenTelemetry has it, a wrong variable is said and then as
 * if it were not set; only where it is unclear what to send or where to,
 * nothing is sent.  -1 only if out of memory.  ret is the caller's, also then. */
int trace_settings_load(char *const *environment, const char *const *own, trace_say_fn *say,
			void *arg, struct trace_settings *ret, struct err *e);
void trace_settings_clear(struct trace_settings *s);
#define AUTO_TRACE_SETTINGS AUTO(trace_settings_clear)

struct trace_post {
	struct view body; /* JSON */
	struct deadline deadline;
	const volatile bool *stop; /* gives up when it becomes true */
};
struct trace_reply {
	int status;
	int64_t retry_after_ms; /* -1: not said */
	struct buf body;
};
/* One try.  ERR_TEMP: the collector was not reached or did not answer. */
typedef int
trace_post_fn(void *arg, const struct trace_post *p, struct trace_reply *ret, struct err *e);

struct trace;

/* settings, post and its arg are borrowed.  say tells, once, that nothing
 * arrives, and once that it does again. */
int trace_new(const struct trace_settings *settings, trace_post_fn *post, void *post_arg,
	      trace_say_fn *say, void *say_arg, struct trace **ret, struct err *e);
/* Send what is there, for at most flush_ms, and end.  False if a try hangs that
 * cannot be ended: then what was borrowed must stay until the process ends. */
bool trace_free(struct trace **t, int64_t flush_ms);

/* Work begins: *ret_self is its context, whether it is recorded or not.
 * parent: NULL if there is none; remote: it came from outside.  NULL if the
 * sampler says no. */
struct span *trace_begin(struct trace *t, const struct context *parent, bool remote,
			 const char *name, enum span_kind kind, struct context *ret_self);
/* What the sampler says; for who makes spans that are over already. */
bool trace_samples(const struct trace *t, const struct context *parent, const struct context *self);
/* It is done; *s is NULL then. */
void trace_end(struct trace *t, struct span **s);
/* Whether contexts from outside are taken over. */
bool trace_propagates(const struct trace *t);

enum trace_fate { TRACE_SENT, TRACE_REFUSED, TRACE_LOST, TRACE_DROPPED, TRACE_FATES };
/* Spans: accepted; refused by the collector; given up because it was away;
 * dropped because the queue was full. */
uint64_t trace_count(const struct trace *t, enum trace_fate fate);
/* NAME{result="sent|refused|lost|dropped"}, all 0 without traces. */
void trace_metrics(const struct trace *t, const char *name, struct metrics *m);

#endif
