#include "stats.h"

static const char *const names[ENDPOINTS] = { "/",	  "/page.*", "/health", "/ready-for-update",
					      "/metrics", "other" };

void
stats_count(struct stats *s, enum endpoint which, int64_t ns)
{
	metrics_observe(&s->took[which], ns);
}

static uint64_t
total(const struct metrics_histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= METRICS_BUCKETS_MAX; i++)
		n += atomic_load_explicit(&h->count[i], memory_order_relaxed);
	return n;
}

void
stats_render(const struct stats *s, const char *robot_id, struct metrics *m)
{
	metrics_family(m, "robot_requests_total", METRICS_COUNTER, "Requests answered.");
	for (size_t i = 0; i < ENDPOINTS; i++)
		metrics_value(m, METRICS_LABELS("endpoint", names[i], "robot_id", robot_id),
			      (double)total(&s->took[i]));
	metrics_family(m, "http_request_duration_seconds", METRICS_HISTOGRAM,
		       "From a request's header to its answer.");
	for (size_t i = 0; i < ENDPOINTS; i++)
		metrics_histogram(m, METRICS_LABELS("endpoint", names[i]), &s->took[i]);
}
