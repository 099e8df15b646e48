#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/clock.h"
#include "gpio_driver.h"
#include "gpio_wire.h"

#define RECONNECT_MS 500
#define RENEW_MS     200 /* of a lease, and between two looks whether pigpiod lives */
#define APPLY_MS     50	 /* a command waits so long to be carried out before it is LATER */
#define TICK_MS	     50	 /* of the script that ends leases */
#define READY_MS     1000
#define REQUESTS_MAX (2 + 5 * GPIO_OUTS_MAX)

/* A script's parameters: what is left of the lease, then whose it is. */
enum { PAR_LEFT = 0, PAR_LINES = 8, PAR_MAGIC = 9, PARS };
#define MAGIC	    0x7247614eU
#define SCRIPTS	    32 /* that pigpiod can store */
#define STATUS_SIZE (4 + 4 * PARS)

/*
 * pigpiod keeps driving whatever it was told last when its client dies.  So a
 * script of ours lies in pigpiod and counts a lease down: at its end the
 * robot itself takes its motors' lines to 0, whether or not we are there.
 *
 * A thread talks to pigpiod, so that a slow link holds up nobody else.
 */
struct remote {
	struct gpio base;
	struct gpio_plan plan;
	int lock_fd; /* holds the robot among all instances of this network */
	pthread_t thread;
	atomic_bool ending;

	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t changed, applied;
	bool connected, orphan; /* orphan: the thread frees all this */
	uint16_t duty[GPIO_OUTS_MAX];
	int64_t hold_ms;	   /* when what moves must stop; 0: never */
	unsigned int wanted, done; /* changes asked for, and carried out */
	struct err problem;

	/* the thread's own */
	int fd;
	uint32_t script;
	uint16_t sent[GPIO_OUTS_MAX];
};

static void
remote_free(struct remote *r)
{
	if (r->lock_fd >= 0)
		(void)close(r->lock_fd);
	(void)pthread_cond_destroy(&r->changed);
	(void)pthread_cond_destroy(&r->applied);
	(void)pthread_mutex_destroy(&r->mutex);
	free(r);
}

/* An abstract socket's name belongs to one process of a network namespace, as
 * instances that hand over to each other share one, and is free when it ends. */
static int
lock_robot(struct remote *r, struct err *e)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[sizeof(un.sun_path)];
	int n = snprintf(name, sizeof(name), "gantry/pigpio/%d/%u/%.64s", r->plan.port,
			 (unsigned int)r->plan.out[0].line, r->plan.host);

	memcpy(un.sun_path + 1, name, (size_t)n);
	r->lock_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->lock_fd < 0)
		return err_sys(e, "make a socket");
	if (bind(r->lock_fd, (const struct sockaddr *)&un,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0)
		return err_set(e, ERR_TEMP, "'%s' is held by another instance", r->plan.name);
	return 0;
}

static uint32_t
moving_lines(const struct gpio_plan *plan)
{
	uint32_t lines = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->out[i].moves)
			lines |= UINT32_C(1) << plan->out[i].line;
	return lines;
}

static struct gpio_wire_request
write_out(const struct gpio_out *out, uint16_t duty)
{
	return (struct gpio_wire_request){
		.command = out->hz > 0 ? GPIO_WIRE_PWM : GPIO_WIRE_WRITE,
		.p1 = (uint32_t)out->line,
		.p2 = out->hz > 0 ? duty : duty > 0,
	};
}

/* Ask, and take every error that pigpiod names for one of ours. */
static int
ask(struct remote *r, const struct gpio_wire_request *q, size_t n, struct err *e)
{
	struct gpio_wire_answer a[REQUESTS_MAX];

	if (gpio_wire_do(r->fd, q, n, a, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (a[i].result < 0)
			return err_set(e, ERR_TEMP,
				       "pigpiod at '%s' refuses command %d for %u: error %d",
				       r->plan.host, (int)q[i].command, q[i].p1, a[i].result);
	return 0;
}

/* As gpiozero sets outputs up, all of them at 0. */
static int
set_up(struct remote *r, struct err *e)
{
	struct gpio_wire_request q[REQUESTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->plan.n; i++) {
		const struct gpio_out *out = &r->plan.out[i];
		uint32_t line = (uint32_t)out->line;

		q[n++] = (struct gpio_wire_request){ GPIO_WIRE_MODES, line, 1, NULL, 0 };
		q[n++] = (struct gpio_wire_request){ GPIO_WIRE_WRITE, line, 0, NULL, 0 };
		if (out->hz == 0)
			continue;
		q[n++] = (struct gpio_wire_request){ GPIO_WIRE_PFS, line, (uint32_t)out->hz, NULL,
						     0 };
		q[n++] = (struct gpio_wire_request){ GPIO_WIRE_PRS, line, GPIO_FULL, NULL, 0 };
		q[n++] = write_out(out, 0);
	}
	memset(r->sent, 0, sizeof(r->sent));
	return ask(r, q, n, e);
}

static int
script_status(struct remote *r, uint32_t script, struct gpio_wire_answer *a, struct err *e)
{
	return gpio_wire_do(
		r->fd, &(struct gpio_wire_request){ GPIO_WIRE_PROCP, script, 0, NULL, 0 }, 1, a, e);
}

static int
delete_script(struct remote *r, uint32_t script, struct err *e)
{
	const struct gpio_wire_request q[] = { { GPIO_WIRE_PROCS, script, 0, NULL, 0 },
					       { GPIO_WIRE_PROCD, script, 0, NULL, 0 } };

	return gpio_wire_do(r->fd, q, COUNT_OF(q), NULL, e);
}

/* Scripts for these lines that an instance left which was killed. */
static int
sweep(struct remote *r, struct err *e)
{
	struct gpio_wire_answer a;

	for (uint32_t i = 0; i < SCRIPTS; i++) {
		if (script_status(r, i, &a, e) < 0)
			return -1;
		if (a.n < STATUS_SIZE || gpio_wire_get32(a.data + 4 + 4 * PAR_MAGIC) != MAGIC ||
		    gpio_wire_get32(a.data + 4 + 4 * PAR_LINES) != moving_lines(&r->plan))
			continue;
		if (delete_script(r, i, e) < 0)
			return -1;
	}
	return 0;
}

/* At tag 1 a lease runs, at tag 2 there is none.  Nothing but the counting
 * down writes the parameter, so that no lease is ever overwritten. */
static void
script_text(const struct gpio_plan *plan, struct buf *b)
{
	buf_addf(b, "tag 1 mils %d dcr p%d jp 1", TICK_MS, PAR_LEFT);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->out[i].moves)
			buf_addf(b, " %s %d 0", plan->out[i].hz > 0 ? "pwm" : "w",
				 plan->out[i].line);
	buf_addf(b, " tag 2 mils %d lda p%d cmp 1 jm 2 jmp 1", TICK_MS, PAR_LEFT);
}

static int
store_script(struct remote *r, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(GPIO_WIRE_TEXT_MAX);
	struct gpio_wire_request q = { .command = GPIO_WIRE_PROC };
	struct gpio_wire_answer a;
	struct deadline end = clock_deadline(READY_MS);
	uint8_t par[4 * PARS] = { 0 };

	script_text(&r->plan, &text);
	if (buf_ok(&text, "the lease's script", e) < 0)
		return -1;
	q.data = buf_cstr(&text);
	q.n = text.len;
	if (gpio_wire_do(r->fd, &q, 1, &a, e) < 0)
		return -1;
	if (a.result < 0)
		return err_set(e, ERR_TEMP, "pigpiod at '%s' does not store a script: error %d",
			       r->plan.host, a.result);
	r->script = (uint32_t)a.result;
	/* its thread takes a moment to start */
	do {
		if (script_status(r, r->script, &a, e) < 0)
			return -1;
		if (a.n >= 4 && gpio_wire_get32(a.data) != 0)
			break;
		clock_sleep_ms(1, NULL);
	} while (!clock_over(end));
	gpio_wire_put32(par + 4 * PAR_LINES, moving_lines(&r->plan));
	gpio_wire_put32(par + 4 * PAR_MAGIC, MAGIC);
	return ask(r,
		   &(struct gpio_wire_request){ GPIO_WIRE_PROCR, r->script, 0, par, sizeof(par) },
		   1, e);
}

static int
connect_robot(struct remote *r, struct err *e)
{
	if (gpio_wire_open(r->plan.host, r->plan.port, &r->ending, &r->fd, e) < 0)
		return -1;
	if (!atomic_load(&r->ending) && sweep(r, e) == 0 && set_up(r, e) == 0 &&
	    store_script(r, e) == 0)
		return 0;
	(void)close(TAKE_FD(r->fd));
	return -1;
}

/* The lease first, then what it is for; ends of motion need none. */
static int
carry_out(struct remote *r, const uint16_t *duty, int64_t hold_ms, struct err *e)
{
	struct gpio_wire_request q[REQUESTS_MAX];
	uint8_t left[4];
	size_t n = 0;

	gpio_wire_put32(left, (uint32_t)(hold_ms > 0 ? (hold_ms + TICK_MS - 1) / TICK_MS : 0));
	if (hold_ms > 0)
		q[n++] = (struct gpio_wire_request){ GPIO_WIRE_PROCU, r->script, 0, left,
						     sizeof(left) };
	for (size_t i = 0; i < r->plan.n; i++)
		if (duty[i] != r->sent[i])
			q[n++] = write_out(&r->plan.out[i], duty[i]);
	if (n == 0)
		q[n++] = (struct gpio_wire_request){ GPIO_WIRE_TICK, 0, 0, NULL, 0 };
	/* a tick is a number of 32 bits, not an error */
	if (q[0].command == GPIO_WIRE_TICK ? gpio_wire_do(r->fd, q, n, NULL, e) < 0
					   : ask(r, q, n, e) < 0)
		return -1;
	memcpy(r->sent, duty, sizeof(r->sent));
	return 0;
}

static void
timed_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(c, m, &at);
}

/* With the mutex held: what was to move does so no more. */
static void
forget_motion(struct remote *r)
{
	for (size_t i = 0; i < r->plan.n; i++)
		if (r->plan.out[i].moves)
			r->duty[i] = 0;
	r->hold_ms = 0;
}

static void
set_connected(struct remote *r, bool connected, const struct err *why)
{
	(void)pthread_mutex_lock(&r->mutex);
	r->connected = connected;
	r->problem = *why;
	forget_motion(r);
	(void)pthread_cond_broadcast(&r->applied);
	(void)pthread_mutex_unlock(&r->mutex);
}

/* Carry out what is wanted until the link breaks or all ends. */
static int
talk(struct remote *r, struct err *e)
{
	uint16_t duty[GPIO_OUTS_MAX];
	unsigned int wanted;
	int64_t left;

	for (;;) {
		(void)pthread_mutex_lock(&r->mutex);
		if (r->wanted == r->done && !atomic_load(&r->ending))
			timed_wait(&r->changed, &r->mutex, RENEW_MS);
		left = r->hold_ms != 0 ? r->hold_ms - clock_mono_ms() : 0;
		if (left < 0 || atomic_load(&r->ending))
			forget_motion(r);
		memcpy(duty, r->duty, sizeof(duty));
		wanted = r->wanted;
		(void)pthread_mutex_unlock(&r->mutex);
		if (atomic_load(&r->ending))
			return 0;
		if (carry_out(r, duty, left, e) < 0)
			return -1;
		(void)pthread_mutex_lock(&r->mutex);
		r->done = wanted;
		(void)pthread_cond_broadcast(&r->applied);
		(void)pthread_mutex_unlock(&r->mutex);
	}
}

/* All outputs to 0, and nothing of ours stays in pigpiod. */
static void
say_goodbye(struct remote *r)
{
	static const uint16_t zero[GPIO_OUTS_MAX];

	if (carry_out(r, zero, 0, NULL) == 0)
		(void)delete_script(r, r->script, NULL);
	(void)close(TAKE_FD(r->fd));
}

static void *
run(void *arg)
{
	struct remote *r = arg;
	struct err e = { 0 };
	bool orphan;

	while (!atomic_load(&r->ending)) {
		if (connect_robot(r, &e) == 0) {
			e = (struct err){ 0 };
			set_connected(r, true, &e);
			if (talk(r, &e) == 0) {
				say_goodbye(r);
				break;
			}
			(void)close(TAKE_FD(r->fd));
			(void)err_wrap(&e, "pigpiod at '%s'", r->plan.host);
		}
		set_connected(r, false, &e);
		(void)pthread_mutex_lock(&r->mutex);
		if (!atomic_load(&r->ending))
			timed_wait(&r->changed, &r->mutex, RECONNECT_MS);
		(void)pthread_mutex_unlock(&r->mutex);
	}
	(void)pthread_mutex_lock(&r->mutex);
	orphan = r->orphan;
	(void)pthread_mutex_unlock(&r->mutex);
	if (orphan)
		remote_free(r);
	return NULL;
}

static int
remote_open(const struct gpio_plan *plan, struct gpio **ret, struct err *e)
{
	struct remote *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;

	if (r == NULL)
		return err_nomem(e);
	r->plan = *plan;
	r->fd = r->lock_fd = -1;
	(void)err_set(&r->problem, ERR_TEMP, "pigpiod at '%s' has not answered yet", plan->host);
	(void)pthread_mutex_init(&r->mutex, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&r->changed, &attr);
	(void)pthread_cond_init(&r->applied, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (lock_robot(r, e) < 0) {
		remote_free(r);
		return -1;
	}
	if (pthread_create(&r->thread, NULL, run, r) != 0) {
		remote_free(r);
		return err_set(e, ERR_SYS, "start a thread for '%s'", plan->name);
	}
	*ret = &r->base;
	return 0;
}

static int
remote_set(struct gpio *g, const uint16_t *duty, int hold_ms, struct err *e)
{
	struct remote *r = (struct remote *)g;
	struct deadline end = clock_deadline(APPLY_MS);
	int status = GPIO_LATER;
	unsigned int mine;

	(void)pthread_mutex_lock(&r->mutex);
	if (r->connected) {
		memcpy(r->duty, duty, r->plan.n * sizeof(*duty));
		r->hold_ms = hold_ms > 0 ? clock_mono_ms() + hold_ms : 0;
		mine = ++r->wanted;
		(void)pthread_cond_signal(&r->changed);
		while (r->connected && (int)(r->done - mine) < 0 && !clock_over(end))
			timed_wait(&r->applied, &r->mutex, clock_left_ms(end, APPLY_MS));
		if ((int)(r->done - mine) >= 0)
			status = GPIO_DONE;
	}
	if (!r->connected)
		status = err_set(e, r->problem.code, "%s", r->problem.msg);
	(void)pthread_mutex_unlock(&r->mutex);
	return status;
}

static int
remote_check(struct gpio *g, struct err *e)
{
	struct remote *r = (struct remote *)g;
	int status = 0;

	(void)pthread_mutex_lock(&r->mutex);
	if (!r->connected)
		status = err_set(e, r->problem.code, "%s", r->problem.msg);
	(void)pthread_mutex_unlock(&r->mutex);
	return status;
}

/* A robot that answers is told to stand still before this returns.  One that
 * does not is left to the thread, and to its own lease. */
static void
remote_close(struct gpio *g)
{
	struct remote *r = (struct remote *)g;
	pthread_t thread = r->thread;
	bool orphan;

	(void)pthread_mutex_lock(&r->mutex);
	atomic_store(&r->ending, true);
	orphan = r->orphan = !r->connected;
	(void)pthread_cond_signal(&r->changed);
	if (orphan)
		(void)close(TAKE_FD(r->lock_fd));
	(void)pthread_mutex_unlock(&r->mutex);
	if (orphan) {
		(void)pthread_detach(thread);
		return;
	}
	(void)pthread_join(thread, NULL);
	remote_free(r);
}

const struct gpio_driver gpio_pigpio = { remote_open, remote_set, remote_check, remote_close };
