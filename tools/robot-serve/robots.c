#include "robots.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/jsn.h"

#define FILE_MAX_BYTES	(64U << 10)
#define LINE_MAX_NUMBER 1023
#define PIGPIO_LINES	32 /* of these pigpiod can make pulses */
#define PWM_MAX_NUMBER	63
#define PWM_HZ		100 /* as gpiozero's PWMOutputDevice */
#define SERVO_HZ	50
#define PIGPIO_PORT	8888
#define FIELD_MAX	64

/* What is being read, for errors. */
struct place {
	const char *file;
	size_t robot;
	struct err *e;
};

static const char *const directions[ROBOTS_DIRECTIONS] = { "forward", "backward", "left", "right" };
static const char *const fields[] = { "name",	"backend", "chip", "host",   "port",
				      "motors", "enables", "eye",  "servos", "drive" };

static int bad(const struct place *p, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int
bad(const struct place *p, const char *field, const char *fmt, ...)
{
	char words[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(p->e, ERR_CONFIG, "'%s': robots[%zu].%s %s", p->file, p->robot, field,
		       words);
}

static bool
is_name(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return n > 0 && n <= GPIO_NAME_MAX;
}

static int
read_name(const struct place *p, const struct json_t *v, struct robots_one *one)
{
	const char *name = jsn_str(v, "name");

	if (name == NULL || !is_name(name))
		return bad(p, "name", "must be 1 to %d letters, digits, '-' and '_'",
			   GPIO_NAME_MAX);
	(void)snprintf(one->gpio.name, sizeof(one->gpio.name), "%s", name);
	one->name = one->gpio.name;
	return 0;
}

static int
read_text(const struct place *p, const struct json_t *v, const char *field, char *out, size_t size)
{
	const char *s = jsn_str(v, field);

	if (jsn_at_key(v, field) == NULL)
		return 0;
	if (s == NULL || s[0] == '\0' || strlen(s) >= size)
		return bad(p, field, "must be a text of 1 to %zu bytes", size - 1);
	(void)snprintf(out, size, "%s", s);
	return 0;
}

static int
read_backend(const struct place *p, const struct json_t *v, struct gpio_plan *plan)
{
	const char *name = jsn_str(v, "backend");

	if (jsn_at_key(v, "backend") != NULL &&
	    (name == NULL || !gpio_backend_parse(name, &plan->backend)))
		return bad(p, "backend", "must be sim, gpiod or pigpio");
	plan->port = (int)jsn_int(v, "port", jsn_at_key(v, "port") != NULL ? -1 : PIGPIO_PORT);
	if (plan->port < 1 || plan->port > 65535)
		return bad(p, "port", "must be a number from 1 to 65535");
	if (read_text(p, v, "chip", plan->chip, sizeof(plan->chip)) < 0)
		return -1;
	return read_text(p, v, "host", plan->host, sizeof(plan->host));
}

/* A line's number, or {"pwmchip": N, "channel": N}. */
static int
read_out(const struct place *p, const struct json_t *v, const char *field, int hz, bool moves,
	 struct gpio_plan *plan)
{
	struct gpio_out *out = &plan->out[plan->n];

	*out = (struct gpio_out){
		.line = (int)jsn_int(v, "", -1),
		.pwmchip = (int)jsn_int(v, "pwmchip", -1),
		.channel = (int)jsn_int(v, "channel", -1),
		.hz = hz,
		.moves = moves,
	};
	if (jsn_is_object(v)) {
		if (hz == 0)
			return bad(p, field, "must be a line, not a PWM channel");
		if (jsn_len(v) != 2 || out->pwmchip < 0 || out->pwmchip > PWM_MAX_NUMBER ||
		    out->channel < 0 || out->channel > PWM_MAX_NUMBER)
			return bad(p, field,
				   "must have 'pwmchip' and 'channel', numbers from 0 to %d",
				   PWM_MAX_NUMBER);
	} else if (out->line < 0 || jsn_int(v, "", -1) > LINE_MAX_NUMBER) {
		return bad(p, field, "must be a line from 0 to %d", LINE_MAX_NUMBER);
	}
	plan->n++;
	return 0;
}

/* An array of min to max outputs; none at all if it is not there. */
static int
read_outs(const struct place *p, const struct json_t *v, const char *field, size_t min, size_t max,
	  struct gpio_out like, struct gpio_plan *plan)
{
	const struct json_t *a = jsn_at_key(v, field);
	char name[FIELD_MAX];

	if (!jsn_is_array(a) || jsn_len(a) < min || jsn_len(a) > max) {
		if (min == max)
			return bad(p, field, "must be an array of %zu outputs", min);
		return bad(p, field, "must be an array of %zu to %zu outputs", min, max);
	}
	for (size_t i = 0; i < jsn_len(a); i++) {
		(void)snprintf(name, sizeof(name), "%s[%zu]", field, i);
		if (read_out(p, jsn_at(a, i), name, like.hz, like.moves, plan) < 0)
			return -1;
	}
	return 0;
}

static int
read_wiring(const struct place *p, const struct json_t *v, struct robots_one *one)
{
	struct gpio_plan *plan = &one->gpio;
	bool enables = jsn_at_key(v, "enables") != NULL;
	struct gpio_out motor = { .hz = enables ? 0 : PWM_HZ, .moves = true };
	struct gpio_out enable = { .hz = PWM_HZ, .moves = true }, servo = { .hz = SERVO_HZ };

	one->enable = one->eye = one->servo = -1;
	if (read_outs(p, v, "motors", ROBOTS_MOTORS, ROBOTS_MOTORS, motor, plan) < 0)
		return -1;
	if (enables) {
		one->enable = (int)plan->n;
		if (read_outs(p, v, "enables", 2, 2, enable, plan) < 0)
			return -1;
	}
	if (jsn_at_key(v, "eye") != NULL) {
		one->eye = (int)plan->n;
		if (read_out(p, jsn_at_key(v, "eye"), "eye", 0, false, plan) < 0)
			return -1;
	}
	if (jsn_at_key(v, "servos") != NULL) {
		one->servo = (int)plan->n;
		if (read_outs(p, v, "servos", 1, ROBOTS_SERVOS_MAX, servo, plan) < 0)
			return -1;
		one->servos = plan->n - (size_t)one->servo;
	}
	return 0;
}

static int
read_pattern(const struct place *p, const struct json_t *v, const char *direction,
	     bool out[ROBOTS_MOTORS])
{
	const struct json_t *a = jsn_at_key(v, direction);
	char name[FIELD_MAX];

	(void)snprintf(name, sizeof(name), "drive.%s", direction);
	if (!jsn_is_array(a) || jsn_len(a) != ROBOTS_MOTORS)
		return bad(p, name, "must be an array of %d numbers", ROBOTS_MOTORS);
	for (size_t i = 0; i < ROBOTS_MOTORS; i++) {
		int64_t n = jsn_int(jsn_at(a, i), "", -1);

		if (n != 0 && n != 1)
			return bad(p, name, "must have only 0 and 1");
		out[i] = n == 1;
	}
	/* both sides of a bridge at once would brake, and waste its heat */
	for (size_t i = 0; i < ROBOTS_MOTORS; i += 2)
		if (out[i] && out[i + 1])
			return bad(p, name, "must not have both lines of one motor on");
	return 0;
}

static int
read_drive(const struct place *p, const struct json_t *v, struct robots_one *one)
{
	static const bool usual[ROBOTS_DIRECTIONS][ROBOTS_MOTORS] = {
		{ 1, 0, 1, 0 }, { 0, 1, 0, 1 }, { 0, 1, 1, 0 }, { 1, 0, 0, 1 }
	};
	const struct json_t *drive = jsn_at_key(v, "drive");

	memcpy(one->pattern, usual, sizeof(one->pattern));
	if (drive == NULL)
		return 0;
	if (!jsn_is_object(drive) || jsn_len(drive) != ROBOTS_DIRECTIONS)
		return bad(p, "drive", "must have forward, backward, left and right");
	for (size_t i = 0; i < ROBOTS_DIRECTIONS; i++)
		if (read_pattern(p, drive, directions[i], one->pattern[i]) < 0)
			return -1;
	return 0;
}

static int
check_fields(const struct place *p, const struct json_t *v)
{
	if (!jsn_is_object(v))
		return err_set(p->e, ERR_CONFIG, "'%s': robots[%zu] must be an object", p->file,
			       p->robot);
	for (void *it = jsn_first(v); it != NULL; it = jsn_next(v, it)) {
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(fields); i++)
			known = known || strcmp(fields[i], jsn_key(it)) == 0;
		if (!known)
			return err_set(p->e, ERR_CONFIG, "'%s': robots[%zu] has no field '%.*s'",
				       p->file, p->robot, FIELD_MAX, jsn_key(it));
	}
	return 0;
}

/* Do two outputs mean the same piece of hardware? */
static bool
same_out(const struct gpio_plan *a, size_t i, const struct gpio_plan *b, size_t k)
{
	const struct gpio_out *x = &a->out[i], *y = &b->out[k];

	if (x->line < 0 || y->line < 0)
		return x->line < 0 && y->line < 0 && x->pwmchip == y->pwmchip &&
		       x->channel == y->channel;
	if (x->line != y->line || a->backend != b->backend)
		return false;
	if (a == b)
		return true;
	switch (a->backend) {
	case GPIO_GPIOD:
		return strcmp(a->chip, b->chip) == 0;
	case GPIO_PIGPIO:
		return strcasecmp(a->host, b->host) == 0 && a->port == b->port;
	default:
		return false;
	}
}

/* What one robot alone must fulfil, with its backend known. */
static int
check_plan(const struct place *p, const struct gpio_plan *plan)
{
	if (plan->backend == GPIO_GPIOD && plan->chip[0] == '\0')
		return bad(p, "chip", "must name the chip's label for gpiod");
	if (plan->backend == GPIO_PIGPIO && plan->host[0] == '\0')
		return bad(p, "host", "must name the robot's address for pigpio");
	for (size_t i = 0; i < plan->n && plan->backend == GPIO_PIGPIO; i++)
		if (plan->out[i].line < 0 || plan->out[i].line >= PIGPIO_LINES)
			return bad(p, "backend", "pigpio has lines from 0 to %d only",
				   PIGPIO_LINES - 1);
	return 0;
}

static int
check_all(const struct robots *r, const char *file, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct gpio_plan *a = &r->one[i].gpio;
		struct place p = { file, i, e };

		if (check_plan(&p, a) < 0)
			return -1;
		for (size_t k = 0; k <= i; k++) {
			const struct gpio_plan *b = &r->one[k].gpio;

			if (k < i && strcasecmp(a->name, b->name) == 0)
				return bad(&p, "name", "is the same as robots[%zu].name", k);
			for (size_t x = 0; x < a->n; x++)
				for (size_t y = 0; y < (k == i ? x : b->n); y++)
					if (same_out(a, x, b, y))
						return bad(&p, "motors",
							   "and the other outputs: %s %d is used "
							   "twice",
							   a->out[x].line < 0 ? "channel" : "line",
							   a->out[x].line < 0 ? a->out[x].channel
									      : a->out[x].line);
		}
	}
	return 0;
}

static int
read_one(const struct place *p, const struct json_t *v, struct robots_one *one)
{
	if (check_fields(p, v) < 0 || read_name(p, v, one) < 0 ||
	    read_backend(p, v, &one->gpio) < 0 || read_wiring(p, v, one) < 0)
		return -1;
	return read_drive(p, v, one);
}

int
robots_parse(struct view text, const char *file, struct robots *ret, struct err *e)
{
	AUTO_JSN struct json_t *doc = NULL;
	const struct json_t *list;
	char what[ERR_MSG_MAX / 2];

	*ret = (struct robots){ 0 };
	(void)snprintf(what, sizeof(what), "'%s'", file);
	doc = jsn_parse(text, what, e);
	if (doc == NULL) {
		if (e != NULL)
			e->code = ERR_CONFIG;
		return -1;
	}
	list = jsn_at_key(doc, "robots");
	if (!jsn_is_object(doc) || jsn_len(doc) != 1 || !jsn_is_array(list))
		return err_set(e, ERR_CONFIG, "'%s': must be an object with 'robots', an array",
			       file);
	if (jsn_len(list) < 1 || jsn_len(list) > ROBOTS_MAX)
		return err_set(e, ERR_CONFIG, "'%s': robots must be 1 to %d", file, ROBOTS_MAX);
	for (size_t i = 0; i < jsn_len(list); i++, ret->n++)
		if (read_one(&(struct place){ file, i, e }, jsn_at(list, i), &ret->one[i]) < 0)
			return -1;
	return check_all(ret, file, e);
}

int
robots_load(const char *path, struct robots *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_MAX_BYTES);

	if (file_read(AT_FDCWD, path, &text, e) < 0) {
		if (e != NULL)
			e->code = ERR_CONFIG;
		return -1;
	}
	return robots_parse(view_buf(&text), path, ret, e);
}

int
robots_first(struct robots *ret, struct err *e)
{
	static const char text[] =
		"{\"robots\":[{\"name\":\"linus\",\"motors\":[13,21,17,27],\"enables\":[12,26],"
		"\"eye\":16,\"servos\":[22,23]},"
		"{\"name\":\"torvalds\",\"motors\":[7,8,9,10],\"eye\":25,\"drive\":{"
		"\"forward\":[0,1,1,0],\"backward\":[1,0,0,1],"
		"\"left\":[1,0,1,0],\"right\":[0,1,0,1]}}]}";

	return robots_parse(view_of(text), "the robots built in", ret, e);
}

int
robots_drive_by(struct robots *r, enum gpio_backend backend, struct err *e)
{
	for (size_t i = 0; i < r->n; i++)
		r->one[i].gpio.backend = backend;
	if (check_all(r, "--gpio", e) < 0)
		return -1;
	return 0;
}

bool
robots_hold_lines(const struct robots *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->one[i].gpio.backend == GPIO_GPIOD)
			return true;
	return false;
}
