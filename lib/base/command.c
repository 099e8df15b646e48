#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"

#define NAP_MS 5

/* A pipe that has the input in it already, so that a program that does not
 * read it does no harm. */
static int
give_input(const char *input, int *ret, struct err *e)
{
	int fd[2];
	ssize_t n;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	n = write(fd[1], input, strlen(input));
	(void)close(fd[1]);
	*ret = fd[0];
	return n == (ssize_t)strlen(input) ? 0 : err_sys(e, "pipe");
}

static int
launch(const struct command *c, int in, int out, pid_t *ret)
{
	static char *const nothing[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int status;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	status = posix_spawn_file_actions_adddup2(&files, in, 0);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&files, out, 1);
	if (status == 0 && c->both)
		status = posix_spawn_file_actions_adddup2(&files, out, 2);
	else if (status == 0)
		status = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	if (status == 0)
		status = posix_spawnp(ret, c->argv[0], &files, &attr, c->argv,
				      c->environment != NULL ? c->environment : nothing);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	return status;
}

static bool
stopped(const struct command *c)
{
	return c->stop != NULL && *c->stop;
}

/* Until the answer's end, its limit, or the deadline. */
static int
hear(int fd, const struct command *c, struct deadline until, struct buf *ret, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char some[4096];
	ssize_t n;

	while (!stopped(c) && !clock_over(until) && ret->state == BUF_OK) {
		if (poll(&p, 1, (int)clock_left_ms(until, 100)) <= 0)
			continue;
		n = read(fd, some, sizeof(some));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : err_sys(e, "read");
		if (c->cut && (size_t)n > ret->max - ret->len)
			n = (ssize_t)(ret->max - ret->len);
		buf_add(ret, some, (size_t)n);
	}
	if (buf_ok(ret, "answer", e) < 0)
		return -1;
	return err_set(e, ERR_TEMP, stopped(c) ? "interrupted" : "it takes too long");
}

/* The end of the child, by its own will until the deadline, else by force:
 * its wait status. */
static int
reap(pid_t pid, const struct command *c, struct deadline until, bool force)
{
	int status = -1;
	pid_t got;

	while (!force && !stopped(c) && !clock_over(until)) {
		got = waitpid(pid, &status, WNOHANG);
		if (got == pid || (got < 0 && errno != EINTR))
			return status;
		clock_sleep_ms(NAP_MS, c->stop);
	}
	/* with whatever it has started */
	(void)kill(-pid, SIGKILL);
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	return got == pid ? status : -1;
}

int
command_run(const struct command *c, struct buf *answer, int *ret_status, struct err *e)
{
	struct deadline until = clock_deadline(c->ms);
	AUTO_FD int in = -1;
	AUTO_FD int out = -1;
	AUTO_FD int far = -1;
	int fd[2], status;
	pid_t pid;
	bool failed;

	if (give_input(c->input != NULL ? c->input : "", &in, e) < 0)
		return -1;
	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	out = fd[0];
	far = fd[1];
	status = launch(c, in, far, &pid);
	if (status == ENOENT)
		return err_set(e, ERR_NOTFOUND, "there is no such program");
	if (status != 0) {
		errno = status;
		return err_sys(e, "start");
	}
	(void)close(TAKE_FD(far));
	failed = hear(out, c, until, answer, e) < 0;
	status = reap(pid, c, until, failed);
	if (failed)
		return -1;
	if (status < 0)
		return err_set(e, ERR_SYS, "its end was not seen");
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}
