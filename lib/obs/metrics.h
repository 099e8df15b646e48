/*
 * metrics: numbers for Prometheus, in its text format 0.0.4.
 *
 * A page of metrics is built from families: metrics_family once, then its
 * samples, then the next family.  The text grows to METRICS_MAX bytes; a name
 * that the format does not allow, a family given twice or a sample before any
 * family marks the page as bad, and metrics_ok says so once at the end.
 * Label values may be any bytes: what is not UTF-8 becomes U+FFFD.
 *
 * Labels are name and value by turns and end with NULL, so that they fit on a
 * line: METRICS_LABELS("robot_id", id, "version", v).
 */
#ifndef GANTRY_OBS_METRICS_H
#define GANTRY_OBS_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define METRICS_MAX	     (1U << 20)
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_BUCKETS_MAX  16

#define METRICS_LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

struct metrics {
	struct buf text;
	char family[128];	/* the open one */
	enum metrics_type type; /* of it */
	struct err bad;		/* the first mistake */
};

#define METRICS_INIT ((struct metrics){ .text = BUF_INIT(METRICS_MAX) })

void metrics_clear(struct metrics *m);
#define AUTO_METRICS AUTO(metrics_clear)

void metrics_family(struct metrics *m, const char *name, enum metrics_type type, const char *help);
/* One sample of the open family; labels may be NULL. */
void metrics_value(struct metrics *m, const char *const *labels, double value);

/* Durations in seconds, counted into buckets.  Any number of threads may
 * observe while another one renders; the sum may then be a moment ahead of the
 * buckets, the count never is. */
struct metrics_histogram {
	atomic_uint_fast64_t count[METRICS_BUCKETS_MAX + 1]; /* the last: above all bounds */
	atomic_uint_fast64_t sum_ns;
};
/* Upper bounds in seconds for what a robot or a tool does: 100 us to 10 s. */
extern const double metrics_bounds[METRICS_BUCKETS_MAX];

void metrics_observe(struct metrics_histogram *h, int64_t ns);
/* A histogram's samples, in an open family of that type. */
void
metrics_histogram(struct metrics *m, const char *const *labels, const struct metrics_histogram *h);

/* 0 if the text is whole and right; it is m->text. */
int metrics_ok(const struct metrics *m, struct err *e);

#endif
