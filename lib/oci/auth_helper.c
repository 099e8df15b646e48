#include "oci/auth_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/jsn.h"

#define HELPER_MS 10000
#define NAP_MS	  5
#define NOT_FOUND "credentials not found" /* what helpers print where they have none */

int
auth_helper_parse(struct view answer, struct auth_creds *ret, struct err *e)
{
	/* the parser's words could quote a secret */
	AUTO_JSN struct json_t *v = jsn_parse(answer, "answer", NULL);
	const char *user = jsn_str_or(v, "Username", ""), *secret = jsn_str_or(v, "Secret", "");

	*ret = (struct auth_creds){ 0 };
	if (!jsn_is_object(v))
		return err_set(e, ERR_DATA, "it does not answer in JSON");
	if (user[0] == '\0' && secret[0] == '\0')
		return 0;
	if (strcmp(user, "<token>") == 0) {
		ret->identity = strdup(secret);
	} else {
		ret->user = strdup(user);
		ret->password = strdup(secret);
	}
	if (ret->identity != NULL || (ret->user != NULL && ret->password != NULL))
		return 1;
	auth_creds_clear(ret);
	return err_nomem(e);
}

/* A pipe that has the question in it already, so that a helper that does not
 * read does no harm. */
static int
question(const char *server, int *ret, struct err *e)
{
	int fd[2];
	ssize_t n;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	n = write(fd[1], server, strlen(server));
	(void)close(fd[1]);
	*ret = fd[0];
	return n == (ssize_t)strlen(server) ? 0 : err_sys(e, "pipe");
}

static int
launch(const char *program, const struct auth_helper *q, int in, int out, pid_t *ret)
{
	char *const argv[] = { (char *)program, (char *)"get", NULL };
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
	if (status == 0)
		status = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	if (status == 0)
		status = posix_spawnp(ret, program, &files, &attr, argv,
				      q->environment != NULL ? q->environment : nothing);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	return status;
}

static bool
stopped(const struct auth_helper *q)
{
	return q->stop != NULL && *q->stop;
}

/* Until the answer's end, its limit, or the deadline. */
static int
hear(int fd, const struct auth_helper *q, struct deadline until, struct buf *ret, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char some[4096];
	ssize_t n;

	while (!stopped(q) && !clock_over(until) && ret->state == BUF_OK) {
		if (poll(&p, 1, (int)clock_left_ms(until, 100)) <= 0)
			continue;
		n = read(fd, some, sizeof(some));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : err_sys(e, "read");
		buf_add(ret, some, (size_t)n);
	}
	if (buf_ok(ret, "answer", e) < 0)
		return -1;
	return err_set(e, ERR_TEMP, stopped(q) ? "interrupted" : "it takes too long");
}

/* The end of the child, by its own will until the deadline, else by force:
 * its wait status. */
static int
reap(pid_t pid, const struct auth_helper *q, struct deadline until, bool force)
{
	int status = -1;
	pid_t got;

	while (!force && !stopped(q) && !clock_over(until)) {
		got = waitpid(pid, &status, WNOHANG);
		if (got == pid || (got < 0 && errno != EINTR))
			return status;
		clock_sleep_ms(NAP_MS, q->stop);
	}
	/* with whatever it has started */
	(void)kill(-pid, SIGKILL);
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	return got == pid ? status : -1;
}

static int
converse(const char *program, const struct auth_helper *q, struct buf *answer, int *ret_status,
	 struct err *e)
{
	struct deadline until = clock_deadline(q->ms > 0 ? q->ms : HELPER_MS);
	AUTO_FD int in = -1;
	AUTO_FD int out = -1;
	AUTO_FD int far = -1;
	int fd[2], status;
	pid_t pid;
	bool failed;

	if (question(q->server, &in, e) < 0)
		return -1;
	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	out = fd[0];
	far = fd[1];
	status = launch(program, q, in, far, &pid);
	if (status == ENOENT)
		return err_set(e, ERR_SYS, "there is no such program on PATH");
	if (status != 0) {
		errno = status;
		return err_sys(e, "start");
	}
	(void)close(TAKE_FD(far));
	failed = hear(out, q, until, answer, e) < 0;
	*ret_status = reap(pid, q, until, failed);
	return failed ? -1 : 0;
}

int
auth_helper_get(const struct auth_helper *q, struct auth_creds *ret, struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT(AUTH_ANSWER_MAX);
	char program[AUTH_HELPER_MAX + 32];
	int status = 0, got;

	*ret = (struct auth_creds){ 0 };
	(void)snprintf(program, sizeof(program), "docker-credential-%s", q->name);
	got = converse(program, q, &answer, &status, e);
	if (got == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		if (WIFEXITED(status) && strstr(buf_cstr(&answer), NOT_FOUND) != NULL)
			return 0;
		got = err_set(e, ERR_SYS, "it fails; '%s get' tells why", program);
	}
	if (got == 0)
		got = auth_helper_parse(view_buf(&answer), ret, e);
	if (got < 0)
		return err_wrap(e, "credential helper '%s'", program);
	if (got == 1)
		(void)snprintf(ret->of, sizeof(ret->of), "'%.200s' from %s", q->server, program);
	return got;
}
