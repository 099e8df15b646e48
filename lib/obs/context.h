/*
 * context: which trace a piece of work belongs to (W3C Trace Context, level 2).
 */
#ifndef GANTRY_OBS_CONTEXT_H
#define GANTRY_OBS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

#define CONTEXT_TRACE_BYTES 16
#define CONTEXT_SPAN_BYTES  8
#define CONTEXT_HEX_MAX	    (2 * CONTEXT_TRACE_BYTES + 1)
#define CONTEXT_STATE_MAX   512 /* of a tracestate, which is carried on as it is */

enum { CONTEXT_SAMPLED = 1, CONTEXT_RANDOM = 2 }; /* trace-flags */

struct context {
	uint8_t trace_id[CONTEXT_TRACE_BYTES], span_id[CONTEXT_SPAN_BYTES];
	uint8_t flags;
};

/* A traceparent; false for whatever the specification does not allow: then the
 * work begins a trace of its own. */
bool context_parse(struct view header, struct context *ret);
/* A tracestate that may be carried on: printable, and not too long. */
bool context_state_ok(const char *tracestate);
/* A new trace, not sampled so far. */
void context_root(struct context *ret);
/* A new span of the parent's trace. */
void context_child(const struct context *parent, struct context *ret);
/* n bytes in lower case, at most CONTEXT_TRACE_BYTES. */
void context_hex(const uint8_t *p, size_t n, char out[CONTEXT_HEX_MAX]);

#endif
