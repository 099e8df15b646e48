#include "routes.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "api.h"
#include "door.h"
#include "health.h"
#include "obs/process.h"
#include "obs/trace.h"
#include "old.h"
#include "page.h"
#include "web.h"

static void
get_page(const struct robot *r, const struct ask *q, struct answer *a)
{
	if (!door_host(r->door, q, a))
		return;
	a->type = "text/html; charset=utf-8";
	a->lasting = true;
	page_render(r, &a->body);
}

static void
get_css(const struct robot *r, const struct ask *q, struct answer *a)
{
	struct view v = web_page_css();

	(void)r;
	(void)q;
	a->type = "text/css; charset=utf-8";
	a->lasting = true;
	buf_add(&a->body, v.p, v.n);
}

static void
get_js(const struct robot *r, const struct ask *q, struct answer *a)
{
	struct view v = web_page_js();

	(void)r;
	(void)q;
	a->type = "text/javascript; charset=utf-8";
	a->lasting = true;
	buf_add(&a->body, v.p, v.n);
}

static void
get_health(const struct robot *r, const struct ask *q, struct answer *a)
{
	struct health h;

	(void)q;
	health_look(r, &h);
	a->status = h.level == HEALTH_UNHEALTHY ? 503 : 200;
	a->type = ANSWER_JSON;
	a->lasting = true;
	health_json(r, &h, &a->body);
}

/* flock is let go by itself when its holder dies, so nothing is left locked. */
static bool
update_locked(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static void
get_ready(const struct robot *r, const struct ask *q, struct answer *a)
{
	const char *busy = NULL;

	(void)q;
	if (atomic_load(&r->role) == ROLE_DRAINING)
		busy = "finishing requests";
	else if (motion_moves(r->motion))
		busy = "moving";
	else if (update_locked(r->update_lock))
		busy = "the update lock is held";
	a->status = busy != NULL ? 423 : 200;
	a->type = ANSWER_JSON;
	if (busy != NULL)
		buf_addf(&a->body, "{\"ready\":false,\"reason\":\"%s\"}\n", busy);
	else
		buf_adds(&a->body, "{\"ready\":true}\n");
}

static void
get_metrics(const struct robot *r, const struct ask *q, struct answer *a)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;
	struct err e = { 0 };
	struct health h;

	(void)q;
	health_look(r, &h);
	metrics_family(&m, "robot_info", METRICS_GAUGE, "Who this robot is, as labels.");
	metrics_value(
		&m,
		METRICS_LABELS("robot_id", r->id, "version", r->version, "status", health_word(&h)),
		1);
	metrics_family(&m, "robot_health_status", METRICS_GAUGE,
		       "1 healthy or degraded, 0 unhealthy.");
	metrics_value(&m, METRICS_LABELS("robot_id", r->id), h.level != HEALTH_UNHEALTHY);
	metrics_family(&m, "robot_version", METRICS_GAUGE, "The version that runs, as a label.");
	metrics_value(&m, METRICS_LABELS("robot_id", r->id, "version", r->version), 1);
	stats_motion(r->stats, r->motion, r->id, &m);
	stats_render(r->stats, r->id, &m);
	trace_metrics(r->trace, "robot_spans_total", &m);
	process_render(&m);
	if (metrics_ok(&m, &e) < 0) {
		answer_error(a, 500, NULL, "%s", e.msg);
		return;
	}
	a->type = METRICS_CONTENT_TYPE;
	buf_add(&a->body, m.text.data, m.text.len);
}

typedef void answer_fn(const struct robot *r, const struct ask *q, struct answer *a);

static const struct route {
	const char *path; /* with '/' at its end: everything below it */
	enum endpoint endpoint;
	answer_fn *get, *post, *any; /* any: sees to the method itself */
} routes[] = {
	{ "/health", ENDPOINT_HEALTH, get_health, NULL, NULL },
	{ "/", ENDPOINT_PAGE, get_page, NULL, NULL },
	{ "/page.css", ENDPOINT_ASSET, get_css, NULL, NULL },
	{ "/page.js", ENDPOINT_ASSET, get_js, NULL, NULL },
	{ "/ready-for-update", ENDPOINT_READY, get_ready, NULL, NULL },
	{ "/metrics", ENDPOINT_METRICS, get_metrics, NULL, NULL },
	{ "/api/robots", ENDPOINT_ROBOTS, api_robots, NULL, NULL },
	{ "/api/robots/", ENDPOINT_ROBOT, NULL, NULL, api_robot },
	{ "/api/stop", ENDPOINT_STOP_ALL, NULL, api_stop, NULL },
	{ "/api/events", ENDPOINT_EVENTS, api_events, NULL, NULL },
	{ "/items/", ENDPOINT_ITEM, old_item, NULL, NULL },
	{ "/status", ENDPOINT_OLD, api_robots, NULL, NULL },
	{ "/shutdown", ENDPOINT_SHUTDOWN, NULL, old_shutdown, NULL },
};

static bool
matches(const struct route *route, const char *path)
{
	size_t n = strlen(route->path);

	if (n > 1 && route->path[n - 1] == '/')
		return strncmp(route->path, path, n) == 0 && path[n] != '\0';
	return strcmp(route->path, path) == 0;
}

static const struct route *
find(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (matches(&routes[i], path))
			return &routes[i];
	return NULL;
}

void
routes_answer(const struct robot *r, const struct ask *q, struct answer *ret)
{
	const struct route *route = find(q->path);

	*ret = (struct answer){ .status = 200,
				.body = BUF_INIT(ANSWER_BODY_MAX),
				.endpoint = route != NULL ? route->endpoint : ENDPOINT_OTHER };
	if (route == NULL) {
		if (!old_answer(r, q, ret))
			answer_error(ret, 404, NULL, "there is nothing here");
	} else if (route->any != NULL) {
		route->any(r, q, ret);
	} else if (route->post != NULL) {
		if (answer_allows(ret, q, "POST", "POST", NULL))
			route->post(r, q, ret);
	} else if (answer_allows(ret, q, "GET, HEAD", "GET", "HEAD")) {
		route->get(r, q, ret);
	}
}
