#include "gpio_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/scope.h"
#include "gpio_guard.h"

#define ANSWER_MS 1000 /* setting lines takes microseconds */

/* The lines are held by a process of their own (gpio_guard.h); this is the
 * server's end of it. */
struct held {
	struct gpio base;
	char name[GPIO_NAME_MAX + 1];
	size_t n;
	pid_t pid;
	int fd;
};

extern char **environ;

static int
spawn(int fd, pid_t *ret, struct err *e)
{
	static char name[] = GPIO_GUARD_NAME;
	char *argv[] = { name, NULL };
	posix_spawn_file_actions_t files;
	int why;

	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO);
	(void)posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	why = posix_spawn(ret, "/proc/self/exe", &files, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	if (why == 0)
		return 0;
	errno = why;
	return err_sys(e, "start the process that holds the lines");
}

static int
exchange(struct held *h, const struct gpio_guard_ask *ask, struct err *e)
{
	struct err a;
	ssize_t n = -1;

	if (send(h->fd, ask, sizeof(*ask), MSG_NOSIGNAL) == (ssize_t)sizeof(*ask))
		n = recv(h->fd, &a, sizeof(a), 0);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(e, ERR_SYS, "the guard of '%s' does not answer", h->name);
	if (n != (ssize_t)sizeof(a))
		return err_set(e, ERR_SYS, "the guard of '%s' has died", h->name);
	if (a.code != ERR_NONE)
		return err_set(e, a.code, "%s", a.msg);
	return 0;
}

/* The guard ends when its socket does; its end of it closes last of all. */
static void
held_close(struct gpio *g)
{
	struct held *h = (struct held *)g;
	struct err a;
	ssize_t n;

	(void)shutdown(h->fd, SHUT_WR);
	do {
		n = recv(h->fd, &a, sizeof(a), 0);
	} while (n > 0);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		(void)kill(h->pid, SIGKILL);
	(void)close(h->fd);
	free(h);
}

static int
held_open(const struct gpio_plan *plan, struct gpio **ret, struct err *e)
{
	const struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };
	struct gpio_guard_ask ask = { .plan = *plan };
	struct held *h = calloc(1, sizeof(*h));
	AUTO_FD int its = -1;
	int pair[2];

	if (h == NULL)
		return err_nomem(e);
	memcpy(h->name, plan->name, sizeof(h->name));
	h->n = plan->n;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(h);
		return err_sys(e, "make a socket for the guard of '%s'", plan->name);
	}
	h->fd = pair[0];
	its = pair[1];
	(void)setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (spawn(its, &h->pid, e) < 0) {
		(void)close(h->fd);
		free(h);
		return -1;
	}
	(void)close(TAKE_FD(its));
	if (exchange(h, &ask, e) < 0) {
		held_close(&h->base);
		return -1;
	}
	*ret = &h->base;
	return 0;
}

static int
held_set(struct gpio *g, const uint16_t *duty, int hold_ms, struct err *e)
{
	struct held *h = (struct held *)g;
	struct gpio_guard_ask ask = { 0 };

	memcpy(ask.set.duty, duty, h->n * sizeof(*duty));
	ask.set.hold_ms = hold_ms;
	return exchange(h, &ask, e);
}

static int
held_check(struct gpio *g, struct err *e)
{
	struct held *h = (struct held *)g;
	struct pollfd p = { .fd = h->fd };

	if (poll(&p, 1, 0) == 0)
		return 0;
	return err_set(e, ERR_SYS, "the guard of '%s' has died", h->name);
}

const struct gpio_driver gpio_gpiod = { held_open, held_set, held_check, held_close };
