#include "engine/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/scope.h"
#include "base/view.h"

#define ARGS_MAX      32
#define STATUS_FAILED 127
#define NO_SSH	      "there is no program 'ssh' on this machine\n"

struct line {
	pid_t pid; /* 0: free */
	int fd;	   /* our end */
	int said;  /* its standard error */
};

struct ssh {
	struct address address;
	char *const *environment;
	struct line lines[SSH_LINES_MAX];
	int listener, name; /* the socket, and its file */
	char socket[32];
	char words[SSH_WORDS_MAX];
};

/* A listener that only we can name: its own name is gone again at once. */
static int
listen_here(struct ssh *s, struct err *e)
{
	char dir[] = "/tmp/gantry-XXXXXX";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int status = -1;

	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || mkdtemp(dir) == NULL)
		return err_sys(e, "make a socket in /tmp");
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/ssh", dir);
	if (bind(s->listener, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(s->listener, SSH_LINES_MAX) == 0)
		s->name = open(a.sun_path, O_PATH | O_CLOEXEC);
	if (s->name >= 0)
		status = 0;
	else
		(void)err_sys(e, "make a socket in /tmp");
	(void)unlink(a.sun_path);
	(void)rmdir(dir);
	(void)snprintf(s->socket, sizeof(s->socket), "/proc/self/fd/%d", s->name);
	return status;
}

int
ssh_new(const struct address *p, char *const *environment, struct ssh **ret, struct err *e)
{
	struct ssh *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->address = *p;
	s->environment = environment;
	s->listener = s->name = -1;
	if (listen_here(s, e) < 0) {
		ssh_free(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

const char *
ssh_socket(const struct ssh *s)
{
	return s->socket;
}

/* The last line that has something in it. */
static void
keep_words(struct ssh *s, struct view said)
{
	struct view line;
	size_t n;

	while (said.n > 0) {
		if (!view_cut(&said, '\n', &line)) {
			line = said;
			said.n = 0;
		}
		line = view_trim(line);
		if (line.n == 0)
			continue;
		n = line.p[line.n - 1] == '.' ? line.n - 1 : line.n;
		if (n >= sizeof(s->words))
			n = sizeof(s->words) - 1;
		(void)snprintf(s->words, sizeof(s->words), "%.*s", (int)n, line.p);
	}
}

static void
hear(struct ssh *s, const struct line *l)
{
	char some[4096];
	ssize_t n;

	while ((n = read(l->said, some, sizeof(some))) > 0)
		keep_words(s, (struct view){ some, (size_t)n });
}

static void
end_line(struct ssh *s, struct line *l)
{
	hear(s, l);
	(void)close(l->fd);
	(void)kill(-l->pid, SIGTERM);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(l->said);
	*l = (struct line){ 0 };
}

void
ssh_free(struct ssh **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < SSH_LINES_MAX; i++)
		if ((*s)->lines[i].pid != 0)
			end_line(*s, &(*s)->lines[i]);
	if ((*s)->listener >= 0)
		(void)close((*s)->listener);
	if ((*s)->name >= 0)
		(void)close((*s)->name);
	free(*s);
	*s = NULL;
}

/* docker asks for no terminal and no password either; PATH of a socket is for
 * engines that are not at their usual one. */
static void
make_args(const struct ssh *s, char port[8], char socket[ADDRESS_PATH_MAX + 8],
	  const char *args[ARGS_MAX])
{
	size_t n = 0;

	args[n++] = "ssh";
	args[n++] = "-T";
	args[n++] = "-oBatchMode=yes";
	args[n++] = "-oConnectTimeout=10";
	args[n++] = "-oServerAliveInterval=15";
	if (s->address.user[0] != '\0') {
		args[n++] = "-l";
		args[n++] = s->address.user;
	}
	if (s->address.port != 0) {
		(void)snprintf(port, 8, "%" PRIu16, s->address.port);
		args[n++] = "-p";
		args[n++] = port;
	}
	args[n++] = "--";
	args[n++] = s->address.host;
	args[n++] = "docker";
	if (s->address.path[0] != '\0') {
		(void)snprintf(socket, ADDRESS_PATH_MAX + 8, "unix://%s", s->address.path);
		args[n++] = "--host";
		args[n++] = socket;
	}
	args[n++] = "system";
	args[n++] = "dial-stdio";
	args[n] = NULL;
}

/* After fork: nothing that takes a lock. */
static _Noreturn void
become_ssh(const struct ssh *s, const char *const *args, int says)
{
	sigset_t none;
	int fd;

	/* a group of its own: what ends us at the terminal leaves it to us to end it */
	(void)setpgid(0, 0);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	fd = accept(s->listener, NULL, NULL);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(says, 2) < 0)
		_exit(STATUS_FAILED);
	closefrom(3);
	(void)execvpe(args[0], (char *const *)args, s->environment);
	(void)!write(2, NO_SSH, sizeof(NO_SSH) - 1);
	_exit(STATUS_FAILED);
}

static pid_t
start_ssh(const struct ssh *s, int says)
{
	char port[8], socket[ADDRESS_PATH_MAX + 8];
	const char *args[ARGS_MAX];
	pid_t pid;
	sigset_t all, before;

	make_args(s, port, socket, args);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become_ssh(s, args, says);
	if (pid > 0)
		(void)setpgid(pid, pid);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* What nobody has answered, since it was given up too soon. */
static void
drop_callers(const struct ssh *s)
{
	struct pollfd p = { .fd = s->listener, .events = POLLIN };

	while (poll(&p, 1, 0) == 1) {
		AUTO_FD int fd = accept(s->listener, NULL, NULL);

		if (fd < 0)
			return;
	}
}

int
ssh_open(void *arg, struct err *e)
{
	struct ssh *s = arg;
	struct line *l = s->lines;
	AUTO_FD int ours = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_FD int hears = -1;
	AUTO_FD int says = -1;
	int pair[2];
	pid_t pid;

	while (l < s->lines + SSH_LINES_MAX && l->pid != 0)
		l++;
	if (l == s->lines + SSH_LINES_MAX)
		return err_set(e, ERR_SYS, "too many connections by ssh");
	if (ours < 0)
		return err_sys(e, "socket");
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	hears = pair[0];
	says = pair[1];
	if (fcntl(hears, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "fcntl");
	drop_callers(s);
	pid = start_ssh(s, says);
	if (pid < 0)
		return err_sys(e, "start ssh");
	s->words[0] = '\0';
	*l = (struct line){ .pid = pid, .fd = TAKE_FD(ours), .said = TAKE_FD(hears) };
	return l->fd;
}

void
ssh_close(void *arg, int fd)
{
	struct ssh *s = arg;

	for (size_t i = 0; i < SSH_LINES_MAX; i++)
		if (s->lines[i].pid != 0 && s->lines[i].fd == fd)
			end_line(s, &s->lines[i]);
}

const char *
ssh_words(struct ssh *s)
{
	for (size_t i = 0; i < SSH_LINES_MAX; i++)
		if (s->lines[i].pid != 0)
			hear(s, &s->lines[i]);
	return s->words;
}

bool
ssh_needs_person(const char *words)
{
	static const char *const known[] = { "no program 'ssh'",  "verification failed",
					     "Permission denied", "not found",
					     "No such file",	  "not a docker command",
					     "Bad owner",	  "Bad configuration" };

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strstr(words, known[i]) != NULL)
			return true;
	return false;
}
