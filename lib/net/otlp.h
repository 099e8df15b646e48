/*
 * otlp: trace.h's way to a collector.
 */
#ifndef GANTRY_NET_OTLP_H
#define GANTRY_NET_OTLP_H

#include "obs/trace.h"

struct otlp;

/* settings are borrowed. */
int otlp_new(const struct trace_settings *settings, struct otlp **ret, struct err *e);
void otlp_free(struct otlp **o);
#define AUTO_OTLP AUTO(otlp_free)

/* A trace_post_fn; one thread at a time. */
int otlp_post(void *otlp, const struct trace_post *p, struct trace_reply *ret, struct err *e);

#endif
