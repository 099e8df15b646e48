#include "motion.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>

#include "base/clock.h"

#define BEAT_MS	 500  /* the thread looks around at least as often */
#define STALE_MS 5000 /* without a beat for so long, something is wrong */
#define CHECK_MS 50   /* between looks at the outputs of a robot that moves */
#define RETRY_MS 100
#define FAULT_MS 2000 /* what is wrong with this machine lasts longer */
/* A handover lets two instances want the same lines for a moment. */
#define TAKING_MS 10000
/* The backend's own dead-man comes after ours. */
#define HOLD_SLACK_MS 100

/* What gpiozero makes of a servo between 1 and 2 ms in a frame of 20 ms. */
#define SERVO_MIN   (0.001 / 0.02)
#define SERVO_RANGE (0.001 / 0.02)

struct bot {
	pthread_mutex_t lock;
	const struct robots_one *plan;
	struct gpio *gpio;  /* NULL: not held */
	struct err problem; /* why not, or what gpio_check said */
	int64_t retry_ms;   /* when to try again */
	enum motion_direction direction;
	double part, speed[2];
	int64_t lease_ms; /* when it ends */
	char owner[MOTION_OWNER_MAX + 1];
	char barred[MOTION_OWNER_MAX + 1];
	int64_t barred_ms; /* until when */
	enum motion_eye eye;
	bool lit;
	int half_ms, halves; /* of the blink; halves that are left, -1: no end */
	int64_t blink_ms;    /* when the next begins */
	bool servo_set[ROBOTS_SERVOS_MAX];
	double angle[ROBOTS_SERVOS_MAX];
	struct motion_counts counts;
};

struct motion {
	size_t n;
	struct bot bot[ROBOTS_MAX];
	atomic_bool wanted; /* between take and leave */
	atomic_bool ending;
	atomic_int_fast64_t beat_ms, taken_ms;
	int wake; /* eventfd */
	pthread_t thread;
	bool has_thread;
	void (*changed)(void *arg, bool changed);
	void *changed_arg;
};

static void
tell(const struct motion *m, bool changed)
{
	m->changed(m->changed_arg, changed);
}

static void
wake(const struct motion *m)
{
	(void)eventfd_write(m->wake, 1);
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

static void
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

static void
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

/* What time does to a robot, with its lock held. */
static bool
tick(struct motion *m, struct bot *b, int64_t now, int64_t *next)
{
	struct err why = { 0 };
	bool changed = false;

	if (b->gpio == NULL) {
		if (!atomic_load(&m->wanted))
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

static void *
run(void *arg)
{
	struct motion *m = arg;
	int64_t beat_ms = 0;
	eventfd_t n;

	while (!atomic_load(&m->ending)) {
		struct pollfd p = { .fd = m->wake, .events = POLLIN };
		int64_t now = clock_mono_ms(), next = now + BEAT_MS;
		bool changed = false, beat;

		for (size_t i = 0; i < m->n; i++) {
			(void)pthread_mutex_lock(&m->bot[i].lock);
			changed = tick(m, &m->bot[i], now, &next) || changed;
			(void)pthread_mutex_unlock(&m->bot[i].lock);
		}
		beat = now >= beat_ms;
		if (beat)
			beat_ms = now + BEAT_MS;
		if (changed || beat)
			tell(m, changed);
		now = clock_mono_ms();
		atomic_store(&m->beat_ms, now);
		if (poll(&p, 1, next > now ? (int)(next - now) : 0) > 0)
			(void)eventfd_read(m->wake, &n);
	}
	return NULL;
}

int
motion_new(const struct robots *plan, void (*changed)(void *arg, bool changed), void *arg,
	   struct motion **ret, struct err *e)
{
	struct motion *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return err_nomem(e);
	m->changed = changed;
	m->changed_arg = arg;
	m->n = plan->n;
	for (size_t i = 0; i < m->n; i++) {
		m->bot[i].plan = &plan->one[i];
		m->bot[i].direction = MOTION_NONE;
		m->bot[i].speed[0] = m->bot[i].speed[1] = 1;
		(void)pthread_mutex_init(&m->bot[i].lock, NULL);
	}
	atomic_store(&m->beat_ms, clock_mono_ms());
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->has_thread = m->wake >= 0 && pthread_create(&m->thread, NULL, run, m) == 0;
	if (!m->has_thread) {
		(void)err_sys(e, "start the thread that moves robots");
		motion_free(&m);
		return -1;
	}
	*ret = m;
	return 0;
}

void
motion_free(struct motion **m)
{
	if (*m == NULL)
		return;
	atomic_store(&(*m)->ending, true);
	if ((*m)->has_thread) {
		wake(*m);
		(void)pthread_join((*m)->thread, NULL);
	}
	motion_leave(*m);
	for (size_t i = 0; i < (*m)->n; i++)
		(void)pthread_mutex_destroy(&(*m)->bot[i].lock);
	if ((*m)->wake >= 0)
		(void)close((*m)->wake);
	free(*m);
	*m = NULL;
}

void
motion_take(struct motion *m)
{
	atomic_store(&m->taken_ms, clock_mono_ms());
	atomic_store(&m->wanted, true);
	for (size_t i = 0; i < m->n; i++) {
		(void)pthread_mutex_lock(&m->bot[i].lock);
		bot_take(&m->bot[i]);
		(void)pthread_mutex_unlock(&m->bot[i].lock);
	}
	wake(m);
	tell(m, true);
}

void
motion_leave(struct motion *m)
{
	atomic_store(&m->wanted, false);
	for (size_t i = 0; i < m->n; i++) {
		(void)pthread_mutex_lock(&m->bot[i].lock);
		bot_leave(&m->bot[i]);
		(void)pthread_mutex_unlock(&m->bot[i].lock);
	}
	tell(m, true);
}

size_t
motion_count(const struct motion *m)
{
	return m->n;
}

int
motion_find(const struct motion *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcasecmp(m->bot[i].plan->name, name) == 0)
			return (int)i;
	return -1;
}

const struct robots_one *
motion_plan(const struct motion *m, size_t i)
{
	return m->bot[i].plan;
}

void
motion_state(struct motion *m, size_t i, struct motion_state *ret)
{
	struct bot *b = &m->bot[i];
	int64_t left;

	(void)pthread_mutex_lock(&b->lock);
	left = b->lease_ms - clock_mono_ms();
	*ret = (struct motion_state){
		.name = b->plan->name,
		.backend = gpio_backend_name(b->plan->gpio.backend),
		.direction = b->direction,
		.speed = { b->speed[0], b->speed[1] },
		.eye = b->eye,
		.lit = b->lit,
		.servos = b->plan->servos,
		.lease_ms = b->direction != MOTION_NONE && left > 0 ? (int)left : 0,
		.ok = b->gpio != NULL && b->problem.code == ERR_NONE,
	};
	memcpy(ret->servo_set, b->servo_set, sizeof(ret->servo_set));
	memcpy(ret->angle, b->angle, sizeof(ret->angle));
	(void)pthread_mutex_unlock(&b->lock);
}

void
motion_counts(struct motion *m, size_t i, struct motion_counts *ret)
{
	(void)pthread_mutex_lock(&m->bot[i].lock);
	*ret = m->bot[i].counts;
	(void)pthread_mutex_unlock(&m->bot[i].lock);
}

bool
motion_moves(struct motion *m)
{
	bool moves = false;

	for (size_t i = 0; i < m->n && !moves; i++) {
		(void)pthread_mutex_lock(&m->bot[i].lock);
		moves = m->bot[i].direction != MOTION_NONE;
		(void)pthread_mutex_unlock(&m->bot[i].lock);
	}
	return moves;
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
		b->counts.drives[c->direction]++;
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

static int
bot_do(struct bot *b, const char *owner, const struct motion_command *c, struct err *e)
{
	bool stops = c->kind == MOTION_STOP;

	if (has(b, c, e) < 0 || (!stops && may(b, owner, e) < 0))
		return -1;
	if (b->gpio == NULL) {
		if (b->problem.code == ERR_NONE)
			return err_set(e, ERR_TEMP, "this instance does not drive now");
		return err_set(e, b->problem.code, "%s", b->problem.msg);
	}
	change(b, owner, c);
	return apply(b, e);
}

int
motion_do(struct motion *m, size_t i, const char *owner, const struct motion_command *c,
	  struct err *e)
{
	struct bot *b = &m->bot[i];
	int status;

	(void)pthread_mutex_lock(&b->lock);
	status = bot_do(b, owner, c, e);
	(void)pthread_mutex_unlock(&b->lock);
	if (status >= 0) {
		/* the thread may have to be up earlier than it meant to */
		if (c->kind == MOTION_DRIVE || c->kind == MOTION_EYE)
			wake(m);
		tell(m, true);
	}
	return status;
}

int
motion_stop(struct motion *m, const char *owner, struct err *e)
{
	const struct motion_command c = { .kind = MOTION_STOP };
	int status = GPIO_DONE;

	for (size_t i = 0; i < m->n; i++) {
		int one = motion_do(m, i, owner, &c, status < 0 ? NULL : e);

		if (one < 0 || (one > 0 && status == 0))
			status = one;
	}
	return status;
}

enum err_code
motion_problem(struct motion *m, size_t i, struct err *ret)
{
	struct bot *b = &m->bot[i];

	(void)pthread_mutex_lock(&b->lock);
	ret->code = ERR_NONE;
	if (b->problem.code != ERR_NONE)
		*ret = b->problem;
	if (b->problem.code == ERR_TEMP && b->gpio == NULL &&
	    clock_mono_ms() - atomic_load(&m->taken_ms) > TAKING_MS)
		ret->code = ERR_SYS;
	(void)pthread_mutex_unlock(&b->lock);
	return ret->code;
}

int
motion_alive(struct motion *m, struct err *e)
{
	int64_t since = clock_mono_ms() - atomic_load(&m->beat_ms);

	if (since <= STALE_MS)
		return 0;
	return err_set(e, ERR_SYS, "the thread that ends leases stands still for %lld s",
		       (long long)(since / 1000));
}
