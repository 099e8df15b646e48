#include "command.h"

#include <math.h>
#include <string.h>

#include "base/jsn.h"

static const char *const direction_names[] = { "forward", "backward", "left", "right" };
/* the second robot's wheels go by the compass */
static const char *const compass[] = { "north", "south", "west", "east" };
static const char *const eye_names[] = { "off", "on", "blink" };

static const struct shape {
	const char *name;
	const char *fields[3]; /* that its body may have */
} shapes[] = {
	[MOTION_DRIVE] = { "drive", { "direction", "ttl_ms", "speed" } },
	[MOTION_EYE] = { "eye", { "state", "period_ms", "count" } },
	[MOTION_SERVO] = { "servo", { "servo", "angle" } },
	[MOTION_SPEED] = { "speed", { "left", "right" } },
	[MOTION_STOP] = { "stop", { NULL } },
};

const char *
command_direction_name(enum motion_direction d)
{
	return direction_names[d];
}

const char *
command_eye_name(enum motion_eye eye)
{
	return eye_names[eye];
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
unknown_field(const struct json_t *v, const struct shape *shape)
{
	for (void *it = jsn_first(v); it != NULL; it = jsn_next(v, it)) {
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(shape->fields) && shape->fields[i] != NULL; i++)
			known = known || strcmp(shape->fields[i], jsn_key(it)) == 0;
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
command_parse(struct view body, struct motion_command *c, const char **ret_field, struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(body, "the body", e);
	const char *unknown;

	*ret_field = NULL;
	if (v == NULL)
		return -1;
	if (!jsn_is_object(v))
		return err_set(e, ERR_DATA, "the body must be a JSON object");
	unknown = unknown_field(v, &shapes[c->kind]);
	if (unknown != NULL)
		return err_set(e, ERR_DATA, "%s has no field '%.64s'", shapes[c->kind].name,
			       unknown);
	return parse_fields(v, c, ret_field, e);
}

const char *
command_name(enum motion_kind k)
{
	static const char *const names[MOTION_KINDS] = {
		[MOTION_DRIVE] = "drive", [MOTION_EYE] = "eye",	  [MOTION_SERVO] = "servo",
		[MOTION_SPEED] = "speed", [MOTION_STOP] = "stop",
	};

	return names[k];
}
