/*
 * span: one piece of work of a trace, and its JSON in OTLP (opentelemetry-proto
 * trace.proto, with the JSON mapping of its specification: ids in hex, 64-bit
 * numbers as strings, enums as numbers).
 *
 * A span belongs to one thread at a time.  NULL is a span that nobody records:
 * every function here takes it and does nothing.
 *
 * Limits: a string is cut to SPAN_STRING_MAX bytes; attributes beyond
 * SPAN_ATTRIBUTES_MAX bytes, as they are kept, are dropped and counted.
 */
#ifndef GANTRY_OBS_SPAN_H
#define GANTRY_OBS_SPAN_H

#include "base/buf.h"
#include "obs/context.h"

#define SPAN_NAME_MAX	    128
#define SPAN_STRING_MAX	    1024
#define SPAN_ATTRIBUTES_MAX (8U << 10)

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3 };

struct span;

/* Begins now.  parent may be NULL; remote: it is another process's.  NULL if
 * out of memory. */
struct span *span_new(const struct context *self, const struct context *parent, bool remote,
		      const char *name, enum span_kind kind);
void span_free(struct span **s);

void span_name(struct span *s, const char *name);
void span_state(struct span *s, const char *tracestate); /* NULL: none */
/* A value that is NULL is left out.  key must outlive the span. */
void span_str(struct span *s, const char *key, const char *value);
void span_int(struct span *s, const char *key, int64_t value);
/* It is an error, in words that may be NULL. */
void span_fail(struct span *s, const char *words);
/* Since 1970, in nanoseconds; instead of the time of span_new and span_end. */
void span_times(struct span *s, int64_t begin_ns, int64_t end_ns);
void span_end(struct span *s); /* unless it has ended */

void span_json(const struct span *s, struct buf *b);
/* {"key":…,"value":{"stringValue":…}}, with a comma if b does not end in '['. */
void span_attribute(struct buf *b, const char *key, const char *value);

/* For who keeps spans in a list. */
struct span **span_next(struct span *s);

#endif
