/*
 * records: what healthcheck found, for people, programs and Prometheus.
 */
#ifndef GANTRY_HEALTHCHECK_RECORDS_H
#define GANTRY_HEALTHCHECK_RECORDS_H

#include "ask.h"

/* One line on standard output. */
void records_print(const struct ask *a, bool json);
/* gantry_health_* into a file, whole (see metrics.h). */
int records_metrics(const struct ask *asks, size_t n, const char *path, struct err *e);

#endif
