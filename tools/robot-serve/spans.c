#include "spans.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

struct span *
spans_request(const struct robot *r, const struct ask *q, struct context *ret_self)
{
	const char *header = ask_header(q, "traceparent");
	struct context parent;
	struct span *s;

	if (header == NULL || !trace_propagates(r->trace) ||
	    !context_parse(view_of(header), &parent))
		return trace_begin(r->trace, NULL, false, q->method, SPAN_SERVER, ret_self);
	s = trace_begin(r->trace, &parent, true, q->method, SPAN_SERVER, ret_self);
	if (s != NULL)
		span_state(s, ask_header(q, "tracestate"));
	return s;
}

/* Methods that nobody knows are one, so that strangers make no new names. */
static const char *
method(const char *given)
{
	static const char *const known[] = { "GET",   "HEAD",	 "POST",    "PUT",  "DELETE",
					     "PATCH", "OPTIONS", "CONNECT", "TRACE" };

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(known[i], given) == 0)
			return given;
	return NULL;
}

/* Host: NAME, NAME:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static void
server(struct span *s, const char *host)
{
	struct view rest = view_of(host != NULL ? host : ""), port = { "", 0 };
	char text[SPAN_NAME_MAX];

	if (rest.n == 0)
		return;
	if (rest.p[rest.n - 1] != ']')
		(void)view_cut_last(&rest, ':', &port);
	(void)snprintf(text, sizeof(text), VIEW_FMT, VIEW_ARG(rest));
	span_str(s, "server.address", text);
	if (port.n > 0)
		span_int(s, "server.port", strtol(port.p, NULL, 10));
}

static void
client(struct span *s, const struct ask *q)
{
	if (strcmp(q->remote, "unix") == 0) {
		span_str(s, "network.transport", "unix");
		return;
	}
	span_str(s, "client.address", q->remote);
	span_str(s, "network.peer.address", q->remote);
}

void
spans_answer(struct span *s, const struct ask *q, const struct answer *a)
{
	const char *known = method(q->method), *route;
	char text[SPAN_NAME_MAX];

	if (s == NULL)
		return;
	route = stats_route(a->endpoint) != NULL ? stats_route(a->endpoint)
		: a->endpoint == ENDPOINT_OLD	 ? q->path
						 : NULL;
	(void)snprintf(text, sizeof(text), "%s%s%s", known != NULL ? known : "HTTP",
		       route != NULL ? " " : "", route != NULL ? route : "");
	span_name(s, text);
	span_str(s, "http.request.method", known != NULL ? known : "_OTHER");
	span_str(s, "http.request.method_original", known != NULL ? NULL : q->method);
	span_str(s, "http.route", route);
	span_str(s, "url.scheme", "http");
	span_str(s, "url.path", q->path);
	span_str(s, "network.protocol.version",
		 strncmp(q->version, "HTTP/", 5) == 0 ? q->version + 5 : NULL);
	span_str(s, "user_agent.original", ask_header(q, "User-Agent"));
	server(s, ask_header(q, "Host"));
	client(s, q);
	span_int(s, "http.response.status_code", a->status);
	span_int(s, "http.request.body.size", (int64_t)q->body.n);
	if (a->status < 500)
		return;
	(void)snprintf(text, sizeof(text), "%d", a->status);
	span_str(s, "error.type", text);
	span_fail(s, NULL);
}

static void
command_details(struct span *s, const struct motion_command *c)
{
	switch (c->kind) {
	case MOTION_DRIVE:
		span_str(s, "robot.direction", command_direction_name(c->direction));
		span_int(s, "robot.ttl_ms", c->ttl_ms);
		break;
	case MOTION_EYE:
		span_str(s, "robot.eye", command_eye_name(c->eye));
		break;
	case MOTION_SERVO:
		span_int(s, "robot.servo", (int64_t)c->servo);
		span_int(s, "robot.angle", (int64_t)c->angle);
		break;
	default:
		break;
	}
}

struct span *
spans_command(const struct robot *r, const struct ask *q, size_t robot,
	      const struct motion_command *c)
{
	const char *who =
		robot != SPANS_ALL_ROBOTS ? motion_plan(r->motion, robot)->name : "robots";
	char name[SPAN_NAME_MAX];
	struct context self;
	struct span *s;

	s = trace_begin(r->trace, q->context, false, "", SPAN_INTERNAL, &self);
	if (s == NULL)
		return NULL;
	(void)snprintf(name, sizeof(name), "%s-%s", who, command_name(c->kind));
	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	span_name(s, name);
	span_str(s, "robot.name", robot != SPANS_ALL_ROBOTS ? who : NULL);
	span_str(s, "robot.command", command_name(c->kind));
	command_details(s, c);
	return s;
}

void
spans_command_end(const struct robot *r, struct span **s, int status, const struct err *e)
{
	span_str(*s, "robot.result",
		 status < 0		? "failed"
		 : status == GPIO_LATER ? "taken"
					: "done");
	if (status < 0)
		span_fail(*s, e->msg);
	trace_end(r->trace, s);
}
