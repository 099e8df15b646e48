#include "bot.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define CHECK_MS 50 /* between looks at the outputs of a robot that moves */
#define RETRY_MS 100
#define FAULT_MS 2000 /* what is wrong with this machine lasts longer */
/* The backend's own dead-man comes after ours. */
#define HOLD_SLACK_MS 100

/* What gpiozero makes of a servo between 1 and 2 ms in a frame of 20 ms. */
#define SERVO_MIN   (0.001 / 0.02)
#define SERVO_RANGE (0.001 / 0.02)

void
bot_init(struct bot *b, const struct robots_one *plan)
{
	b->plan = plan;
	b->direction = MOTION_NONE;
	b->speed[0] = b->speed[1] = 1;
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_mutex_init(&b->seen_lock, NULL);
	bot_lock(b);
	bot_unlock(b);
}

void
bot_destroy(struct bot *b)
{
	(void)pthread_mutex_destroy(&b->lock);
	(void)pthread_mutex_destroy(&b->seen_lock);
}

void
bot_lock(struct bot *b)
{
	(void)pthread_mutex_lock(&b->lock);
}

bool
bot_try_lock(struct bot *b, int wait_ms)
{
	int64_t until = clock_mono_ns() + wait_ms * INT64_C(1000000);
	struct timespec at = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };

	return pthread_mutex_clocklock(&b->lock, CLOCK_MONOTONIC, &at) == 0;
}

static void
show(struct bot *b)
{
	struct bot_seen *s = &b->seen;

	s->state = (struct motion_state){
		.name = b->plan->name,
		.backend = gpio_backend_name(b->plan->gpio.backend),
		.direction = b->direction,
		.speed = { b->speed[0], b->speed[1] },
		.has_eye = b->plan->eye >= 0,
		.eye = b->eye,
		.lit = b->lit,
		.servos = b->plan->servos,
		.ok = b->gpio != NULL && b->problem.code == ERR_NONE,
	};
	memcpy(s->state.servo_set, b->servo_set, sizeof(s->state.servo_set));
	memcpy(s->state.angle, b->angle, sizeof(s->state.angle));
	s->lease_ms = b->lease_ms;
	s->counts = b->counts;
	s->problem = b->problem;
	atomic_store(&b->troubled, b->problem.code != ERR_NONE);
	s->held = b->gpio != NULL;
}

void
bot_unlock(struct bot *b)
{
	(void)pthread_mutex_lock(&b->seen_lock);
	show(b);
	(void)pthread_mutex_unlock(&b->seen_lock);
	(void)pthread_mutex_unlock(&b->lock);
}

void
bot_seen(struct bot *b, struct bot_seen *ret)
{
	(void)pthread_mutex_lock(&b->seen_lock);
	*ret = b->seen;
	(void)pthread_mutex_unlock(&b->seen_lock);
}

static uint16_t
part_of(double x)
{
	return (uint16_t)(x * GPIO_FULL);
}

/* The duty of every output for what the robot is to do. */
static void
fill(const struct bot *b, uint16_t duty[GPIO_OUTS_MAX])
{
	const struct robots_one *p = b->plan;
	bool moving = b->direction != MOTION_NONE;

	memset(duty, 0, GPIO_OUTS_MAX * sizeof(*duty));
	for (size_t k = 0; k < ROBOTS_MOTORS && moving; k++)
		if (p->pattern[b->direction][k])
			duty[k] = p->enable >= 0 ? GPIO_FULL : part_of(b->speed[k / 2] * b->part);
	for (size_t side = 0; side < 2 && moving && p->enable >= 0; side++)
		duty[(size_t)p->enable + side] = part_of(b->speed[side] * b->part);
	if (p->eye >= 0 && b->lit)
		duty[p->eye] = GPIO_FULL;
	for (size_t k = 0; k < p->servos; k++)
		if (b->servo_set[k])
			duty[(size_t)p->servo + k] =
				part_of(SERVO_MIN + (b->angle[k] + MOTION_ANGLE_MAX) /
							    (2.0 * MOTION_ANGLE_MAX) * SERVO_RANGE);
}

static void
stand(struct bot *b)
{
	b->direction = MOTION_NONE;
	b->owner[0] = '\0';
	b->lease_ms = 0;
}

/* Outputs that failed are given up, which makes them safe, and taken anew. */
static void
give_up(struct bot *b, const struct err *why)
{
	b->counts.gpio_errors++;
	b->problem = *why;
	stand(b);
	gpio_close(&b->gpio);
	b->retry_ms = clock_mono_ms() + RETRY_MS;
}

static int
apply(struct bot *b, struct err *e)
{
	uint16_t duty[GPIO_OUTS_MAX];
	struct err why = { 0 };
	int64_t left = b->lease_ms - clock_mono_ms();
	int status;

	fill(b, duty);
	status = gpio_set(
		b->gpio, duty,
		b->direction == MOTION_NONE ? 0 : (int)(left > 0 ? left : 0) + HOLD_SLACK_MS, &why);
	if (status >= 0)
		return status;
	if (why.code == ERR_TEMP) { /* out of reach, and looked for by the backend */
		b->counts.gpio_errors++;
		b->problem = why;
		stand(b);
	} else {
		give_up(b, &why);
	}
	return err_set(e, why.code, "%s", why.msg);
}

void
bot_take(struct bot *b)
{
	struct err why = { 0 };
	int status;

	if (b->gpio != NULL)
		return;
	status = gpio_open(&b->plan->gpio, &b->gpio, &why);
	if (status < 0) {
		/* waiting for whoever lets go is no error */
		if (why.code != ERR_TEMP)
			b->counts.gpio_errors++;
		b->retry_ms = clock_mono_ms() + (why.code == ERR_TEMP ? RETRY_MS : FAULT_MS);
	}
	b->problem = why;
}

void
bot_leave(struct bot *b)
{
	stand(b);
	b->eye = MOTION_EYE_OFF;
	b->lit = false;
	memset(b->servo_set, 0, sizeof(b->servo_set));
	b->problem = (struct err){ 0 };
	gpio_close(&b->gpio);
}

static void
start_blink(struct bot *b, const struct motion_command *c)
{
	b->half_ms = c->period_ms / 2;
	b->halves = c->count > 0 ? 2 * c->count : -1;
	b->lit = true;
	b->blink_ms = clock_mono_ms() + b->half_ms;
}

/* One half of a blink is over; true if something changed for people. */
static bool
blink(struct bot *b, int64_t now)
{
	if (b->eye != MOTION_EYE_BLINK || now < b->blink_ms)
		return false;
	b->lit = !b->lit;
	b->blink_ms = now + b->half_ms;
	if (b->halves > 0 && --b->halves == 1) {
		b->eye = MOTION_EYE_OFF;
		b->lit = false;
	}
	return true;
}

static void
sooner(int64_t *next, int64_t ms)
{
	if (ms < *next)
		*next = ms;
}

bool
bot_tick(struct bot *b, bool wanted, int64_t now, int64_t *next)
{
	struct err why = { 0 };
	bool changed = false;

	if (b->gpio == NULL) {
		if (!wanted)
			return false;
		if (now >= b->retry_ms) {
			bot_take(b);
			changed = b->gpio != NULL;
		}
		sooner(next, b->retry_ms);
		return changed;
	}
	if (b->direction != MOTION_NONE && now >= b->lease_ms) {
		stand(b);
		b->counts.deadman_stops++;
		changed = true;
	}
	changed = blink(b, now) || changed;
	if (changed)
		(void)apply(b, NULL);
	if (b->gpio != NULL && gpio_check(b->gpio, &why) < 0 && why.code != ERR_TEMP) {
		give_up(b, &why);
		changed = true;
	} else if (b->gpio != NULL) {
		changed = changed || b->problem.code != why.code;
		b->problem = why;
	}
	if (b->direction != MOTION_NONE) {
		sooner(next, b->lease_ms);
		sooner(next, now + CHECK_MS);
	}
	if (b->eye == MOTION_EYE_BLINK)
		sooner(next, b->blink_ms);
	return changed;
}

/* Whether owner may command this robot now. */
static int
may(struct bot *b, const char *owner, struct err *e)
{
	int64_t now = clock_mono_ms();

	if (b->direction != MOTION_NONE && strcmp(b->owner, owner) != 0) {
		b->counts.refused++;
		return err_set(e, ERR_NO, "somebody else drives '%s'", b->plan->name);
	}
	if (now < b->barred_ms && strcmp(b->barred, owner) == 0) {
		b->barred_ms = now + MOTION_BARRED_MS;
		b->counts.refused++;
		return err_set(e, ERR_NO, "somebody else stopped '%s': let go first",
			       b->plan->name);
	}
	return 0;
}

static void
stop(struct bot *b, const char *owner)
{
	if (b->direction != MOTION_NONE && strcmp(b->owner, owner) != 0) {
		memcpy(b->barred, b->owner, sizeof(b->barred));
		b->barred_ms = clock_mono_ms() + MOTION_BARRED_MS;
	}
	stand(b);
}

static int
has(const struct bot *b, const struct motion_command *c, struct err *e)
{
	if (c->kind == MOTION_EYE && b->plan->eye < 0)
		return err_set(e, ERR_NOTFOUND, "'%s' has no eye", b->plan->name);
	if (c->kind == MOTION_SERVO && c->servo >= b->plan->servos)
		return err_set(e, ERR_NOTFOUND, "'%s' has %zu servos", b->plan->name,
			       b->plan->servos);
	return 0;
}

/* What is to be true of the robot from now on. */
static void
change(struct bot *b, const char *owner, const struct motion_command *c)
{
	switch (c->kind) {
	case MOTION_DRIVE:
		b->direction = c->direction;
		b->part = c->part;
		b->lease_ms = clock_mono_ms() + c->ttl_ms;
		(void)snprintf(b->owner, sizeof(b->owner), "%s", owner);
		break;
	case MOTION_EYE:
		b->eye = c->eye;
		b->lit = c->eye == MOTION_EYE_ON;
		if (c->eye == MOTION_EYE_BLINK)
			start_blink(b, c);
		break;
	case MOTION_SERVO:
		b->servo_set[c->servo] = true;
		b->angle[c->servo] = c->angle;
		break;
	case MOTION_SPEED:
		memcpy(b->speed, c->speed, sizeof(b->speed));
		break;
	case MOTION_STOP:
		stop(b, owner);
		break;
	}
}

int
bot_do(struct bot *b, const char *owner, const struct motion_command *c, struct err *e)
{
	bool stops = c->kind == MOTION_STOP;
	int status;

	if (has(b, c, e) < 0 || (!stops && may(b, owner, e) < 0))
		return -1;
	if (b->gpio == NULL) {
		if (b->problem.code == ERR_NONE)
			return err_set(e, ERR_TEMP, "this instance does not drive now");
		return err_set(e, b->problem.code, "%s", b->problem.msg);
	}
	/* a command that fails now must not come true later */
	if (!stops && gpio_check(b->gpio, e) < 0)
		return -1;
	change(b, owner, c);
	status = apply(b, e);
	if (status >= 0 && c->kind == MOTION_DRIVE)
		b->counts.drives[c->direction]++;
	return status;
}
