#include "old.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/cli.h"
#include "base/jsn.h"
#include "door.h"

#define ITEMS	  "/items/"
#define OLD_SPEED 10 /* its sliders went from 0 to 10 */

static const struct old {
	const char *path;
	size_t robot;
	struct motion_command command;
} paths[] = {
#define DRIVE(way) \
	.kind = MOTION_DRIVE, .direction = (way), .ttl_ms = MOTION_TTL_USUAL_MS, .part = 1
#define EYE(how) .kind = MOTION_EYE, .eye = (how)
	{ "/forward", 0, { DRIVE(MOTION_FORWARD) } },
	{ "/backward", 0, { DRIVE(MOTION_BACKWARD) } },
	{ "/left", 0, { DRIVE(MOTION_LEFT) } },
	{ "/right", 0, { DRIVE(MOTION_RIGHT) } },
	{ "/stop", 0, { .kind = MOTION_STOP } },
	{ "/north", 1, { DRIVE(MOTION_FORWARD) } },
	{ "/south", 1, { DRIVE(MOTION_BACKWARD) } },
	{ "/west", 1, { DRIVE(MOTION_LEFT) } },
	{ "/east", 1, { DRIVE(MOTION_RIGHT) } },
	{ "/stoptwo", 1, { .kind = MOTION_STOP } },
	{ "/linuson", 0, { EYE(MOTION_EYE_ON) } },
	{ "/linusoff", 0, { EYE(MOTION_EYE_OFF) } },
	{ "/torvaldson", 1, { EYE(MOTION_EYE_ON) } },
	{ "/torvaldsoff", 1, { EYE(MOTION_EYE_OFF) } },
#undef DRIVE
#undef EYE
};

/* A whole number from a form's field or a JSON body's member. */
static int
field(const struct ask *q, const struct json_t *body, const char *name, int64_t min, int64_t max,
      int64_t *ret, struct err *e)
{
	const char *text = ask_form(q, name);

	if (text != NULL) {
		if (cli_number(text, name, min, max, ret, e) == 0)
			return 0;
		e->code = ERR_DATA;
		return -1;
	}
	*ret = jsn_int(body, name, min - 1);
	if (*ret >= min && *ret <= max)
		return 0;
	return err_set(e, ERR_DATA, "%s must be a number from %" PRId64 " to %" PRId64, name, min,
		       max);
}

/* Two numbers that went into two fields. */
static bool
fields(const struct robot *r, const struct ask *q, const char *const names[2], int64_t min,
       int64_t max, int64_t ret[2], struct answer *a)
{
	AUTO_JSN struct json_t *body = jsn_parse(q->body, "the body", NULL);
	struct err e = { 0 };

	if (!door_command(r->door, q, a))
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (field(q, body, names[i], min, max, &ret[i], &e) < 0) {
			answer_err(a, names[i], &e);
			return false;
		}
	}
	return true;
}

static void
servo_arm(const struct robot *r, const struct ask *q, struct answer *a)
{
	int64_t angle[2];

	if (!fields(r, q, (const char *const[]){ "degree", "degree2" }, -MOTION_ANGLE_MAX,
		    MOTION_ANGLE_MAX, angle, a))
		return;
	for (size_t i = 0; i < 2 && a->status / 100 == 2; i++) {
		buf_reset(&a->body);
		api_do(r, q, 0,
		       &(struct motion_command){
			       .kind = MOTION_SERVO, .servo = i, .angle = (double)angle[i] },
		       a);
	}
}

static void
motor_pwm(const struct robot *r, const struct ask *q, struct answer *a)
{
	int64_t speed[2];

	if (!fields(r, q, (const char *const[]){ "speed", "speed2" }, 0, OLD_SPEED, speed, a))
		return;
	api_do(r, q, 0,
	       &(struct motion_command){
		       .kind = MOTION_SPEED,
		       .speed = { (double)speed[0] / OLD_SPEED, (double)speed[1] / OLD_SPEED } },
	       a);
}

static void
command(const struct robot *r, const struct ask *q, const struct old *o, struct answer *a)
{
	if (o->command.kind != MOTION_STOP && !door_command(r->door, q, a))
		return;
	if (o->robot >= motion_count(r->motion))
		answer_error(a, 404, NULL, "there is only one robot");
	else
		api_do(r, q, o->robot, &o->command, a);
}

bool
old_answer(const struct robot *r, const struct ask *q, struct answer *a)
{
	static const struct {
		const char *path;
		void (*answer)(const struct robot *r, const struct ask *q, struct answer *a);
	} sliders[] = { { "/servoarm", servo_arm }, { "/motorpwm", motor_pwm } };

	for (size_t i = 0; i < COUNT_OF(sliders); i++) {
		if (strcmp(sliders[i].path, q->path) != 0)
			continue;
		a->endpoint = ENDPOINT_OLD;
		if (answer_allows(a, q, "POST", "POST", NULL))
			sliders[i].answer(r, q, a);
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (strcmp(paths[i].path, q->path) != 0)
			continue;
		a->endpoint = ENDPOINT_OLD;
		if (answer_allows(a, q, "POST", "POST", NULL))
			command(r, q, &paths[i], a);
		return true;
	}
	return false;
}

void
old_item(const struct robot *r, const struct ask *q, struct answer *a)
{
	const char *id = q->path + strlen(ITEMS), *search = q->argument(q->connection, "q");
	int64_t n;

	(void)r;
	if ((id[0] != '-' && (id[0] < '0' || id[0] > '9')) ||
	    cli_number(id, "id", INT64_MIN, INT64_MAX, &n, NULL) < 0) {
		answer_error(a, 400, "item_id", "an item's id is a whole number");
		return;
	}
	a->type = ANSWER_JSON;
	buf_addf(&a->body, "{\"item_id\":%" PRId64 ",\"q\":", n);
	if (search != NULL)
		jsn_quote(&a->body, search);
	else
		buf_adds(&a->body, "null");
	buf_adds(&a->body, "}\n");
}

void
old_shutdown(const struct robot *r, const struct ask *q, struct answer *a)
{
	if (!door_host(r->door, q, a) || !door_token(r->door, q, a))
		return;
	a->status = 202;
	a->type = ANSWER_JSON;
	a->end = true;
	buf_adds(&a->body, "{\"ending\":true}\n");
}
