#include "api.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/jsn.h"
#include "command.h"
#include "door.h"
#include "spans.h"

#define PREFIX "/api/robots/"

static const struct verb {
	const char *name;
	enum motion_kind kind;
	enum endpoint endpoint;
} verbs[] = {
	{ "drive", MOTION_DRIVE, ENDPOINT_DRIVE }, { "eye", MOTION_EYE, ENDPOINT_EYE },
	{ "servo", MOTION_SERVO, ENDPOINT_SERVO }, { "speed", MOTION_SPEED, ENDPOINT_SPEED },
	{ "stop", MOTION_STOP, ENDPOINT_STOP },
};

static void
state_json(const struct motion_state *s, struct buf *b)
{
	buf_adds(b, "{\"name\":");
	jsn_quote(b, s->name);
	buf_addf(b,
		 ",\"moving\":%s,\"direction\":", s->direction != MOTION_NONE ? "true" : "false");
	if (s->direction != MOTION_NONE)
		jsn_quote(b, command_direction_name(s->direction));
	else
		buf_adds(b, "null");
	buf_addf(b, ",\"speed\":[%g,%g],\"eye\":", s->speed[0], s->speed[1]);
	if (s->has_eye)
		buf_addf(b, "\"%s\",\"lit\":%s", command_eye_name(s->eye),
			 s->lit ? "true" : "false");
	else
		buf_adds(b, "null,\"lit\":false");
	buf_adds(b, ",\"servos\":[");
	for (size_t i = 0; i < s->servos; i++) {
		buf_adds(b, i > 0 ? "," : "");
		if (s->servo_set[i])
			buf_addf(b, "%g", s->angle[i]);
		else
			buf_adds(b, "null");
	}
	buf_addf(b, "],\"lease_ms\":%d,\"backend\":\"%s\",\"ok\":%s}", s->lease_ms, s->backend,
		 s->ok ? "true" : "false");
}

static void
one_state(struct motion *m, size_t i, struct buf *b)
{
	struct motion_state s;

	motion_state(m, i, &s);
	state_json(&s, b);
}

void
api_states(struct motion *m, struct buf *ret)
{
	buf_addc(ret, '[');
	for (size_t i = 0; i < motion_count(m); i++) {
		if (i > 0)
			buf_addc(ret, ',');
		one_state(m, i, ret);
	}
	buf_addc(ret, ']');
}

void
api_do(const struct robot *r, const struct ask *q, size_t robot, const struct motion_command *c,
       struct answer *a)
{
	char owner[MOTION_OWNER_MAX + 1];
	struct span *span = spans_command(r, q, robot, c);
	struct err e = { 0 };
	int status;

	door_owner(q, owner, sizeof(owner));
	status = motion_do(r->motion, robot, owner, c, &e);
	spans_command_end(r, &span, status, &e);
	stats_command(r->stats, robot, c->kind, status >= 0);
	if (status < 0) {
		answer_err(a, NULL, &e);
		return;
	}
	a->status = status == GPIO_LATER ? 202 : 200;
	a->type = ANSWER_JSON;
	one_state(r->motion, robot, &a->body);
	buf_addc(&a->body, '\n');
}

static bool
is_json(const char *type)
{
	size_t n = strlen(ANSWER_JSON);

	return type != NULL && strncasecmp(type, ANSWER_JSON, n) == 0 &&
	       (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static void
command(const struct robot *r, const struct ask *q, size_t robot, const struct verb *verb,
	struct answer *a)
{
	struct motion_command c = { .kind = verb->kind };
	struct err e = { 0 };
	const char *field;

	/* nothing may keep a robot from stopping, not even a bad body */
	if (c.kind != MOTION_STOP) {
		if (!door_command(r->door, q, a))
			return;
		if (q->body_cut) {
			answer_error(a, 413, NULL, "the body is larger than %d bytes",
				     ASK_BODY_MAX);
			return;
		}
		if (!is_json(ask_header(q, "Content-Type"))) {
			answer_error(a, 415, "Content-Type", "the body must be " ANSWER_JSON);
			return;
		}
		if (command_parse(q->body, &c, &field, &e) < 0) {
			answer_err(a, field, &e);
			return;
		}
	}
	api_do(r, q, robot, &c, a);
}

void
api_robots(const struct robot *r, const struct ask *q, struct answer *a)
{
	if (!door_host(r->door, q, a))
		return;
	a->type = ANSWER_JSON;
	api_states(r->motion, &a->body);
	buf_addc(&a->body, '\n');
}

static const struct verb *
find_verb(struct view name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (view_eq(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static int
find_robot(const struct robot *r, struct view name)
{
	char text[GPIO_NAME_MAX + 1] = "";

	if (name.n == 0 || name.n >= sizeof(text))
		return -1;
	memcpy(text, name.p, name.n);
	return motion_find(r->motion, text);
}

void
api_robot(const struct robot *r, const struct ask *q, struct answer *a)
{
	struct view verb_name = view_of(q->path + strlen(PREFIX)), name;
	const struct verb *verb = NULL;
	int robot;

	if (view_cut(&verb_name, '/', &name)) {
		verb = find_verb(verb_name);
		if (verb == NULL) {
			a->endpoint = ENDPOINT_OTHER;
			answer_error(a, 404, NULL, "there is nothing here");
			return;
		}
		a->endpoint = verb->endpoint;
	} else {
		name = verb_name;
	}
	if (verb != NULL && !answer_allows(a, q, "POST", "POST", NULL))
		return;
	if (verb == NULL && !answer_allows(a, q, "GET, HEAD", "GET", "HEAD"))
		return;
	if (verb == NULL && !door_host(r->door, q, a))
		return;
	robot = find_robot(r, name);
	if (robot < 0) {
		answer_error(a, 404, "name", "there is no such robot");
	} else if (verb != NULL) {
		command(r, q, (size_t)robot, verb, a);
	} else {
		a->type = ANSWER_JSON;
		one_state(r->motion, (size_t)robot, &a->body);
		buf_addc(&a->body, '\n');
	}
}

void
api_stop(const struct robot *r, const struct ask *q, struct answer *a)
{
	char owner[MOTION_OWNER_MAX + 1];
	const struct motion_command stop = { .kind = MOTION_STOP };
	struct span *span = spans_command(r, q, SPANS_ALL_ROBOTS, &stop);
	struct err e = { 0 };
	int status;

	door_owner(q, owner, sizeof(owner));
	status = motion_stop(r->motion, owner, &e);
	spans_command_end(r, &span, status, &e);
	for (size_t i = 0; i < motion_count(r->motion); i++)
		stats_command(r->stats, i, MOTION_STOP, status >= 0);
	if (status < 0) {
		answer_err(a, NULL, &e);
		return;
	}
	a->status = status == GPIO_LATER ? 202 : 200;
	a->type = ANSWER_JSON;
	api_states(r->motion, &a->body);
	buf_addc(&a->body, '\n');
}

void
api_events(const struct robot *r, const struct ask *q, struct answer *a)
{
	if (door_host(r->door, q, a))
		a->events = true;
}
