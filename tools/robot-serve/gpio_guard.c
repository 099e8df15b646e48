#include "gpio_guard.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "gpio_lines.h"
#include "gpio_pwm.h"

#define SERVER	  STDIN_FILENO
#define SECOND_NS INT64_C(1000000000)
#define LOOK_NS	  SECOND_NS

struct guard {
	struct gpio_plan plan;
	struct gpio_lines *lines; /* NULL: every output is a PWM channel */
	struct gpio_pwm pwm[GPIO_OUTS_MAX];
	uint16_t duty[GPIO_OUTS_MAX];
	bool on[GPIO_OUTS_MAX]; /* the lines, as they are */
	int64_t hold_ns;	/* when what moves must stop; 0: never */
	int64_t next_ns;	/* when a line changes by itself; 0: never */
	int64_t look_ns;	/* when to look for the chip; 0: now */
};

static int
open_outputs(struct guard *g, struct err *e)
{
	for (size_t i = 0; i < g->plan.n; i++)
		g->pwm[i].fd = -1;
	for (size_t i = 0; i < g->plan.n; i++)
		if (g->plan.out[i].line < 0 && gpio_pwm_open(&g->plan.out[i], &g->pwm[i], e) < 0)
			return -1;
	for (size_t i = 0; i < g->plan.n; i++)
		if (g->plan.out[i].line >= 0)
			return gpio_lines_open(&g->plan, &g->lines, e);
	return 0;
}

static void
close_outputs(struct guard *g)
{
	for (size_t i = 0; i < g->plan.n; i++)
		gpio_pwm_close(&g->pwm[i]);
	gpio_lines_close(&g->lines);
}

static void
sooner(int64_t *next, int64_t ns)
{
	if (*next == 0 || ns < *next)
		*next = ns;
}

/* Is a line with this duty on at this moment, and when does that change?
 * All lines begin their cycles together, so that this needs no memory. */
static bool
is_on(const struct gpio_out *out, uint16_t duty, int64_t now, int64_t *next)
{
	int64_t cycle, into, on;

	if (duty == 0 || duty >= GPIO_FULL || out->hz == 0)
		return duty > 0;
	cycle = SECOND_NS / out->hz;
	into = now % cycle;
	on = cycle * duty / GPIO_FULL;
	sooner(next, now - into + (into < on ? on : cycle));
	return into < on;
}

static int
set_lines(struct guard *g, struct err *e)
{
	bool on[GPIO_OUTS_MAX] = { 0 };
	int64_t now = clock_mono_ns();

	g->next_ns = 0;
	if (g->lines == NULL)
		return 0;
	for (size_t i = 0; i < g->plan.n; i++)
		if (g->plan.out[i].line >= 0)
			on[i] = is_on(&g->plan.out[i], g->duty[i], now, &g->next_ns);
	if (memcmp(on, g->on, sizeof(on)) == 0)
		return 0;
	if (gpio_lines_set(g->lines, on, e) < 0)
		return -1;
	memcpy(g->on, on, sizeof(on));
	return 0;
}

static int
set_duty(struct guard *g, const uint16_t *duty, struct err *e)
{
	for (size_t i = 0; i < g->plan.n; i++) {
		if (g->plan.out[i].line < 0 && duty[i] != g->duty[i] &&
		    gpio_pwm_set(&g->pwm[i], duty[i], e) < 0)
			return -1;
		g->duty[i] = duty[i];
	}
	return set_lines(g, e);
}

static int
end_hold(struct guard *g, struct err *e)
{
	uint16_t duty[GPIO_OUTS_MAX];

	memcpy(duty, g->duty, sizeof(duty));
	for (size_t i = 0; i < g->plan.n; i++)
		if (g->plan.out[i].moves)
			duty[i] = 0;
	g->hold_ns = 0;
	return set_duty(g, duty, e);
}

static int
answer(const struct err *e)
{
	return send(SERVER, e, sizeof(*e), MSG_NOSIGNAL) == (ssize_t)sizeof(*e) ? 0 : -1;
}

/* One packet from the server; false when there will be no more. */
static bool
obey(struct guard *g)
{
	struct gpio_guard_ask ask;
	struct err e = { 0 };

	if (recv(SERVER, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		return false;
	g->hold_ns = ask.set.hold_ms > 0 ? clock_mono_ns() + ask.set.hold_ms * INT64_C(1000000) : 0;
	(void)set_duty(g, ask.set.duty, &e);
	return answer(&e) == 0;
}

/* Nothing tells when a chip goes, so it is looked for. */
static bool
has_chip(struct guard *g, int64_t now)
{
	if (now < g->look_ns)
		return true;
	g->look_ns = now + LOOK_NS;
	return g->lines == NULL || gpio_lines_check(g->lines, NULL) == 0;
}

/* Wait for the server or for time; false when it is over. */
static bool
turn(struct guard *g)
{
	struct pollfd p = { .fd = SERVER, .events = POLLIN };
	int64_t next = g->next_ns, now = clock_mono_ns(), left;
	struct timespec wait;
	int n;

	if (!has_chip(g, now))
		return false;
	sooner(&next, g->look_ns);
	if (g->hold_ns != 0)
		sooner(&next, g->hold_ns);
	left = next > now ? next - now : 0;
	wait = (struct timespec){ .tv_sec = left / SECOND_NS, .tv_nsec = left % SECOND_NS };
	n = ppoll(&p, 1, &wait, NULL);
	if (n > 0)
		return obey(g);
	if (n < 0 && errno != EINTR)
		return false;
	if (g->hold_ns != 0 && clock_mono_ns() >= g->hold_ns)
		return end_hold(g, NULL) == 0;
	return set_lines(g, NULL) == 0;
}

/* Out of reach of what ends the server: its terminal, its group's signals.
 * And on time, as far as this user may ask for it. */
static void
stand_apart(void)
{
	struct sched_param first = { .sched_priority = 1 };
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)setsid();
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)prctl(PR_SET_NAME, GPIO_GUARD_NAME);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	(void)sched_setscheduler(0, SCHED_FIFO, &first);
}

int
gpio_guard_main(void)
{
	static struct guard g;
	struct gpio_guard_ask ask;
	struct err e = { 0 };

	stand_apart();
	if (recv(SERVER, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		return 0;
	g.plan = ask.plan;
	if (open_outputs(&g, &e) == 0 && answer(&e) == 0)
		while (turn(&g))
			continue;
	close_outputs(&g);
	/* an opening that failed is told when nothing is held any more */
	if (e.code != ERR_NONE)
		(void)answer(&e);
	return 0;
}
