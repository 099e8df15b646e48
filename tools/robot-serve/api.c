#include "api.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/jsn.h"
#include "door.h"

#define PREFIX "/api/robots/"

static const char *const direction_names[] = { "forward", "backward", "left", "right" };
/* the second robot's wheels go by the compass */
static const char *const compass[] = { "north", "south", "west", "east" };
static const char *const eye_names[] = { "off", "on", "blink" };

static const struct verb {
	const char *name;
	enum motion_kind kind;
	enum endpoint endpoint;
	const char *fields[3]; /* that its body may have */
} verbs[] = {
	{ "drive", MOTION_DRIVE, ENDPOINT_DRIVE, { "direction", "ttl_ms", "speed" } },
	{ "eye", MOTION_EYE, ENDPOINT_EYE, { "state", "period_ms", "count" } },
	{ "servo", MOTION_SERVO, ENDPOINT_SERVO, { "servo", "angle" } },
	{ "speed", MOTION_SPEED, ENDPOINT_SPEED, { "left", "right" } },
	{ "stop", MOTION_STOP, ENDPOINT_STOP, { NULL } },
};

static void
state_json(const struct motion_state *s, struct buf *b)
{
	buf_adds(b, "{\"name\":");
	jsn_quote(b, s->name);
	buf_addf(b,
		 ",\"moving\":%s,\"direction\":", s->direction != MOTION_NONE ? "true" : "false");
	if (s->direction != MOTION_NONE)
		jsn_quote(b, direction_names[s->direction]);
	else
		buf_adds(b, "null");
	buf_addf(b, ",\"speed\":[%g,%g],\"eye\":\"%s\",\"servos\":[", s->speed[0], s->speed[1],
		 eye_names[s->eye]);
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

/* One of names, or of others, by its place. */
static int
choice(const struct json_t *v, const char *const *names, const char *const *others, size_t n)
{
	const char *s = jsn_str(v, "");

	for (size_t i = 0; s != NULL && i < n; i++)
		if (strcmp(names[i], s) == 0 || (others != NULL && strcmp(others[i], s) == 0))
			return (int)i;
	return -1;
}

static int
integer(const struct json_t *v, const char *field, int min, int max, int otherwise, int *ret,
	struct err *e)
{
	const struct json_t *n = jsn_at_key(v, field);
	int64_t got = jsn_int(n, "", (int64_t)min - 1);

	*ret = otherwise;
	if (n == NULL)
		return 0;
	if (got < min || got > max)
		return err_set(e, ERR_DATA, "%s must be a whole number from %d to %d", field, min,
			       max);
	*ret = (int)got;
	return 0;
}

static int
number(const struct json_t *v, const char *field, double min, double max, double otherwise,
       double *ret, struct err *e)
{
	const struct json_t *n = jsn_at_key(v, field);

	*ret = n == NULL ? otherwise : jsn_num(n, "", (double)NAN);
	if (*ret >= min && *ret <= max)
		return 0;
	return err_set(e, ERR_DATA, "%s must be a number from %g to %g", field, min, max);
}

static int
parse_drive(const struct json_t *v, struct motion_command *c, const char **field, struct err *e)
{
	int direction = choice(jsn_at_key(v, "direction"), direction_names, compass,
			       COUNT_OF(direction_names));

	*field = "direction";
	if (direction < 0)
		return err_set(e, ERR_DATA, "direction must be forward, backward, left or right");
	c->direction = (enum motion_direction)direction;
	*field = "ttl_ms";
	if (integer(v, *field, MOTION_TTL_MIN_MS, MOTION_TTL_MAX_MS, MOTION_TTL_USUAL_MS,
		    &c->ttl_ms, e) < 0)
		return -1;
	*field = "speed";
	return number(v, *field, 0, 1, 1, &c->part, e);
}

static int
parse_eye(const struct json_t *v, struct motion_command *c, const char **field, struct err *e)
{
	int eye = choice(jsn_at_key(v, "state"), eye_names, NULL, COUNT_OF(eye_names));

	*field = "state";
	if (eye < 0)
		return err_set(e, ERR_DATA, "state must be on, off or blink");
	c->eye = (enum motion_eye)eye;
	*field = "period_ms";
	if (integer(v, *field, MOTION_PERIOD_MIN_MS, MOTION_PERIOD_MAX_MS, MOTION_PERIOD_USUAL,
		    &c->period_ms, e) < 0)
		return -1;
	*field = "count";
	return integer(v, *field, 0, MOTION_COUNT_MAX, MOTION_COUNT_USUAL, &c->count, e);
}

static int
parse_servo(const struct json_t *v, struct motion_command *c, const char **field, struct err *e)
{
	int servo;

	*field = "servo";
	if (integer(v, *field, 0, ROBOTS_SERVOS_MAX - 1, 0, &servo, e) < 0)
		return -1;
	c->servo = (size_t)servo;
	*field = "angle";
	return number(v, *field, -MOTION_ANGLE_MAX, MOTION_ANGLE_MAX, (double)NAN, &c->angle, e);
}

static int
parse_speed(const struct json_t *v, struct motion_command *c, const char **field, struct err *e)
{
	*field = "left";
	if (number(v, *field, 0, 1, (double)NAN, &c->speed[0], e) < 0)
		return -1;
	*field = "right";
	return number(v, *field, 0, 1, (double)NAN, &c->speed[1], e);
}

/* A misspelt field would be a command that was not meant. */
static const char *
unknown_field(const struct json_t *v, const struct verb *verb)
{
	for (void *it = jsn_first(v); it != NULL; it = jsn_next(v, it)) {
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(verb->fields) && verb->fields[i] != NULL; i++)
			known = known || strcmp(verb->fields[i], jsn_key(it)) == 0;
		if (!known)
			return jsn_key(it);
	}
	return NULL;
}

static int
parse_fields(const struct json_t *v, struct motion_command *c, const char **field, struct err *e)
{
	switch (c->kind) {
	case MOTION_DRIVE:
		return parse_drive(v, c, field, e);
	case MOTION_EYE:
		return parse_eye(v, c, field, e);
	case MOTION_SERVO:
		return parse_servo(v, c, field, e);
	case MOTION_SPEED:
		return parse_speed(v, c, field, e);
	default:
		return 0;
	}
}

int
api_parse(struct view body, struct motion_command *c, const char **ret_field, struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(body, "the body", e);

	*ret_field = NULL;
	if (v == NULL)
		return -1;
	if (!jsn_is_object(v))
		return err_set(e, ERR_DATA, "the body must be a JSON object");
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		const char *unknown = verbs[i].kind == c->kind ? unknown_field(v, &verbs[i]) : NULL;

		if (unknown != NULL)
			return err_set(e, ERR_DATA, "%s has no field '%.64s'", verbs[i].name,
				       unknown);
	}
	return parse_fields(v, c, ret_field, e);
}

void
api_do(const struct robot *r, const struct ask *q, size_t robot, const struct motion_command *c,
       struct answer *a)
{
	char owner[MOTION_OWNER_MAX + 1];
	struct err e = { 0 };
	int status;

	door_owner(q, owner, sizeof(owner));
	status = motion_do(r->motion, robot, owner, c, &e);
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
		if (api_parse(q->body, &c, &field, &e) < 0) {
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
	struct err e = { 0 };
	int status;

	door_owner(q, owner, sizeof(owner));
	status = motion_stop(r->motion, owner, &e);
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
