#include "stats.h"

#include "command.h"

/* For metrics; '*' stands for what a client may choose. */
static const char *const names[ENDPOINTS] = {
	[ENDPOINT_PAGE] = "/",
	[ENDPOINT_ASSET] = "/page.*",
	[ENDPOINT_HEALTH] = "/health",
	[ENDPOINT_READY] = "/ready-for-update",
	[ENDPOINT_METRICS] = "/metrics",
	[ENDPOINT_ROBOTS] = "/api/robots",
	[ENDPOINT_ROBOT] = "/api/robots/*",
	[ENDPOINT_DRIVE] = "/api/robots/*/drive",
	[ENDPOINT_EYE] = "/api/robots/*/eye",
	[ENDPOINT_SERVO] = "/api/robots/*/servo",
	[ENDPOINT_SPEED] = "/api/robots/*/speed",
	[ENDPOINT_STOP] = "/api/robots/*/stop",
	[ENDPOINT_STOP_ALL] = "/api/stop",
	[ENDPOINT_EVENTS] = "/api/events",
	[ENDPOINT_ITEM] = "/items/*",
	[ENDPOINT_OLD] = "old",
	[ENDPOINT_SHUTDOWN] = "/shutdown",
	[ENDPOINT_OTHER] = "other",
};

const char *
stats_route(enum endpoint which)
{
	static const char *const routes[ENDPOINTS] = {
		[ENDPOINT_ROBOT] = "/api/robots/{name}",
		[ENDPOINT_DRIVE] = "/api/robots/{name}/drive",
		[ENDPOINT_EYE] = "/api/robots/{name}/eye",
		[ENDPOINT_SERVO] = "/api/robots/{name}/servo",
		[ENDPOINT_SPEED] = "/api/robots/{name}/speed",
		[ENDPOINT_STOP] = "/api/robots/{name}/stop",
		[ENDPOINT_ITEM] = "/items/{id}",
	};

	if (routes[which] != NULL)
		return routes[which];
	return which != ENDPOINT_ASSET && which != ENDPOINT_OLD && which != ENDPOINT_OTHER
		       ? names[which]
		       : NULL;
}

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

void
stats_sum(const struct stats *s, struct stats_sum *ret)
{
	*ret = (struct stats_sum){ 0 };
	for (size_t i = 0; i < ENDPOINTS; i++) {
		ret->requests += total(&s->took[i]);
		ret->seconds +=
			(double)atomic_load_explicit(&s->took[i].sum_ns, memory_order_relaxed) /
			1e9;
	}
}

static void
drives(struct motion *motion, const char *robot_id, struct metrics *m)
{
	static const char *const ways[ROBOTS_DIRECTIONS] = { "forward", "backward", "left",
							     "right" };
	struct motion_counts c;

	metrics_family(m, "robot_drive_commands_total", METRICS_COUNTER,
		       "Drive commands that were carried out.");
	for (size_t i = 0; i < motion_count(motion); i++) {
		motion_counts(motion, i, &c);
		for (size_t k = 0; k < ROBOTS_DIRECTIONS; k++)
			metrics_value(m,
				      METRICS_LABELS("robot_id", robot_id, "robot",
						     motion_plan(motion, i)->name, "direction",
						     ways[k]),
				      (double)c.drives[k]);
	}
}

void
stats_command(struct stats *s, size_t robot, enum motion_kind kind, bool done)
{
	atomic_fetch_add_explicit(&s->commands[robot][kind][done], 1, memory_order_relaxed);
}

static void
commands(const struct stats *s, const struct motion *motion, const char *robot_id,
	 struct metrics *m)
{
	static const char *const results[] = { "failed", "done" };

	metrics_family(m, "robot_commands_total", METRICS_COUNTER,
		       "Commands to robots, by what became of them.");
	for (size_t i = 0; i < motion_count(motion); i++)
		for (size_t k = 0; k < MOTION_KINDS; k++)
			for (size_t done = 0; done < 2; done++)
				metrics_value(m,
					      METRICS_LABELS("robot_id", robot_id, "robot",
							     motion_plan(motion, i)->name,
							     "command",
							     command_name((enum motion_kind)k),
							     "result", results[done]),
					      (double)atomic_load_explicit(&s->commands[i][k][done],
									   memory_order_relaxed));
}

void
stats_motion(const struct stats *stats, struct motion *motion, const char *robot_id,
	     struct metrics *m)
{
	static const char *const families[][2] = {
		{ "robot_deadman_stops_total", "Robots stopped because nobody drove on." },
		{ "robot_commands_refused_total", "Commands refused because somebody else drove." },
		{ "robot_gpio_errors_total", "Outputs that could not be driven." },
		{ "robot_moving", "1 while it drives." },
		{ "robot_outputs_ok", "1 while its outputs can be driven." },
	};
	struct motion_counts c;
	struct motion_state s;

	commands(stats, motion, robot_id, m);
	drives(motion, robot_id, m);
	for (size_t f = 0; f < COUNT_OF(families); f++) {
		metrics_family(m, families[f][0], f < 3 ? METRICS_COUNTER : METRICS_GAUGE,
			       families[f][1]);
		for (size_t i = 0; i < motion_count(motion); i++) {
			motion_counts(motion, i, &c);
			motion_state(motion, i, &s);
			const double values[COUNT_OF(families)] = {
				(double)c.deadman_stops, (double)c.refused, (double)c.gpio_errors,
				s.direction != MOTION_NONE, s.ok
			};

			metrics_value(m, METRICS_LABELS("robot_id", robot_id, "robot", s.name),
				      values[f]);
		}
	}
}
