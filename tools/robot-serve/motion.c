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
/* Longer than the outputs take that are well. */
#define PATIENCE_MS 1000
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
			bot_lock(&m->bot[i]);
			changed = bot_tick(&m->bot[i], atomic_load(&m->wanted), now, &next) ||
				  changed;
			bot_unlock(&m->bot[i]);
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
	for (size_t i = 0; i < m->n; i++)
		bot_init(&m->bot[i], &plan->one[i]);
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
		bot_destroy(&(*m)->bot[i]);
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
		bot_lock(&m->bot[i]);
		bot_take(&m->bot[i]);
		bot_unlock(&m->bot[i]);
	}
	wake(m);
	tell(m, true);
}

void
motion_leave(struct motion *m)
{
	atomic_store(&m->wanted, false);
	for (size_t i = 0; i < m->n; i++) {
		bot_lock(&m->bot[i]);
		bot_leave(&m->bot[i]);
		bot_unlock(&m->bot[i]);
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
	struct bot_seen seen;
	int64_t left;

	bot_seen(&m->bot[i], &seen);
	*ret = seen.state;
	left = seen.lease_ms - clock_mono_ms();
	ret->lease_ms = ret->direction != MOTION_NONE && left > 0 ? (int)left : 0;
}

void
motion_counts(struct motion *m, size_t i, struct motion_counts *ret)
{
	struct bot_seen seen;

	bot_seen(&m->bot[i], &seen);
	*ret = seen.counts;
}

/* One whose outputs hang may be doing what it was told last. */
bool
motion_moves(struct motion *m)
{
	bool moves = false;

	for (size_t i = 0; i < m->n && !moves; i++) {
		moves = !bot_try_lock(&m->bot[i], PATIENCE_MS);
		if (moves)
			break;
		moves = m->bot[i].direction != MOTION_NONE;
		bot_unlock(&m->bot[i]);
	}
	return moves;
}

/* Stopping waits for as long as it takes. */
static int
lock_for(struct bot *b, const struct motion_command *c, struct err *e)
{
	if (c->kind == MOTION_STOP)
		bot_lock(b);
	else if (!bot_try_lock(b, PATIENCE_MS))
		return err_set(e, ERR_TEMP, "the outputs of '%s' hang", b->plan->name);
	return 0;
}

int
motion_do(struct motion *m, size_t i, const char *owner, const struct motion_command *c,
	  struct err *e)
{
	struct bot *b = &m->bot[i];
	int status;

	if (lock_for(b, c, e) < 0)
		return -1;
	status = bot_do(b, owner, c, e);
	bot_unlock(b);
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
	struct bot_seen seen;

	ret->code = ERR_NONE;
	if (!atomic_load(&m->bot[i].troubled))
		return ERR_NONE;
	bot_seen(&m->bot[i], &seen);
	if (seen.problem.code != ERR_NONE)
		*ret = seen.problem;
	if (seen.problem.code == ERR_TEMP && !seen.held &&
	    clock_mono_ms() - atomic_load(&m->taken_ms) > TAKING_MS)
		ret->code = ERR_SYS;
	return ret->code;
}

int
motion_alive(struct motion *m, struct err *e)
{
	int64_t since = clock_mono_ms() - atomic_load(&m->beat_ms);

	if (since <= STALE_MS)
		return 0;
	return err_set(e, ERR_SYS, "the motion loop has not turned for %lld s",
		       (long long)(since / 1000));
}
