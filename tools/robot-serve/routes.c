#include "routes.h"

#include <string.h>

#include "base/jsn.h"
#include "health.h"
#include "obs/process.h"
#include "page.h"
#include "web.h"

#define JSON "application/json"

static void
say_error(struct answer *a, int status, const char *words)
{
	a->status = status;
	a->type = JSON;
	buf_reset(&a->body);
	buf_adds(&a->body, "{\"error\":");
	jsn_quote(&a->body, words);
	buf_adds(&a->body, "}\n");
}

static void
get_page(const struct robot *r, struct answer *a)
{
	a->type = "text/html; charset=utf-8";
	page_render(r, &a->body);
}

static void
get_css(const struct robot *r, struct answer *a)
{
	struct view v = web_page_css();

	(void)r;
	a->type = "text/css; charset=utf-8";
	buf_add(&a->body, v.p, v.n);
}

static void
get_js(const struct robot *r, struct answer *a)
{
	struct view v = web_page_js();

	(void)r;
	a->type = "text/javascript; charset=utf-8";
	buf_add(&a->body, v.p, v.n);
}

static void
get_health(const struct robot *r, struct answer *a)
{
	struct health h;

	health_look(r, &h);
	a->status = h.n == 0 ? 200 : 503;
	a->type = JSON;
	health_json(r, &h, &a->body);
}

static void
get_ready(const struct robot *r, struct answer *a)
{
	bool busy = atomic_load(&r->role) == ROLE_DRAINING;

	a->status = busy ? 423 : 200;
	a->type = JSON;
	buf_addf(&a->body, "{\"ready\":%s%s}\n", busy ? "false" : "true",
		 busy ? ",\"reason\":\"finishing requests\"" : "");
}

static void
get_metrics(const struct robot *r, struct answer *a)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;
	struct err e = { 0 };
	struct health h;

	health_look(r, &h);
	metrics_family(&m, "robot_info", METRICS_GAUGE, "Who this robot is, as labels.");
	metrics_value(
		&m,
		METRICS_LABELS("robot_id", r->id, "version", r->version, "status", health_word(&h)),
		1);
	metrics_family(&m, "robot_health_status", METRICS_GAUGE, "1 healthy, 0 not.");
	metrics_value(&m, METRICS_LABELS("robot_id", r->id), h.n == 0);
	metrics_family(&m, "robot_version", METRICS_GAUGE, "The version that runs, as a label.");
	metrics_value(&m, METRICS_LABELS("robot_id", r->id, "version", r->version), 1);
	stats_render(r->stats, r->id, &m);
	process_render(&m);
	if (metrics_ok(&m, &e) < 0) {
		say_error(a, 500, e.msg);
		return;
	}
	a->type = METRICS_CONTENT_TYPE;
	buf_add(&a->body, m.text.data, m.text.len);
}

static const struct route {
	const char *path;
	enum endpoint endpoint;
	void (*get)(const struct robot *r, struct answer *a);
} routes[] = {
	{ "/", ENDPOINT_PAGE, get_page },
	{ "/page.css", ENDPOINT_ASSET, get_css },
	{ "/page.js", ENDPOINT_ASSET, get_js },
	{ "/health", ENDPOINT_HEALTH, get_health },
	{ "/ready-for-update", ENDPOINT_READY, get_ready },
	{ "/metrics", ENDPOINT_METRICS, get_metrics },
};

static const struct route *
find(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

void
routes_answer(const struct robot *r, const char *method, const char *path, struct answer *ret)
{
	const struct route *route = find(path);

	*ret = (struct answer){ .status = 200,
				.body = BUF_INIT(ROUTES_BODY_MAX),
				.endpoint = route != NULL ? route->endpoint : ENDPOINT_OTHER };
	if (route == NULL) {
		say_error(ret, 404, "there is nothing here");
	} else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		say_error(ret, 405, "only GET and HEAD are understood here");
		ret->allow = "GET, HEAD";
	} else {
		route->get(r, ret);
	}
}
