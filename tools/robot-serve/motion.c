#include "motion.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "bot.h"

#define BEAT_MS	 500  /* the thread looks around at least as often */
#define STALE_MS 5000 /* without a beat for so long, something is wrong */
/* A handover lets two instances want the same lines for a moment. */
#define TAKING_MS 10000

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
			changed = bot_tick(&m->bot[i], atomic_load(&m->wanted), now, &next) ||
				  changed;
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
		.has_eye = b->plan->eye >= 0,
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
