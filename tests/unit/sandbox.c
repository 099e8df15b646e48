/*
 * Each test has a process of its own: there is no way out of a sandbox.
 */
#include "base/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char dir[] = "/tmp/unit-sandbox-XXXXXX";
static char inside[64], outside[64], replaces[64];

static void
make_files(void)
{
	int fd;

	if (inside[0] != '\0')
		return;
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(inside, sizeof(inside), "%s/in", dir);
	(void)snprintf(outside, sizeof(outside), "%s/out", dir);
	(void)snprintf(replaces, sizeof(replaces), "%s/replaces", dir);
	CHECK(mkdir(inside, 0700) == 0 && mkdir(replaces, 0700) == 0);
	for (int i = 0; i < 2; i++) {
		char path[80];

		(void)snprintf(path, sizeof(path), "%s%s", i == 0 ? inside : outside,
			       i == 0 ? "/file" : "");
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		CHECK(fd >= 0);
		(void)close(fd);
	}
}

/* What fn says in there: 0, or 99; 100 where there is no landlock. */
static int
in_sandbox(int (*fn)(void), bool connect)
{
	const char *read[] = { inside, "/nonexistent" };
	struct sandbox s = { .read = read, .n = 2, .replace = replaces, .connect = connect };
	int status;
	pid_t pid;

	make_files();
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct err e = { 0 };
		int got = sandbox_enter(&s, &e);

		if (got < 0)
			printf("# %s\n", e.msg);
		(void)fflush(stdout);
		_exit(got == 1 ? fn() : got == 0 ? 100 : 101);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void
holds(int (*fn)(void), bool connect)
{
	int status = in_sandbox(fn, connect);

	if (status == 100)
		printf("# no landlock here\n");
	else if (status != 0)
		printf("# status %d\n", status);
	CHECK(status == 0 || status == 100);
}

#define SEE(cond)                  \
	do {                       \
		if (!(cond))       \
			return 99; \
	} while (0)

static bool
opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static int
replaces_files_in_one_folder(void)
{
	char was[96], is[96];

	(void)snprintf(was, sizeof(was), "%s/was", replaces);
	(void)snprintf(is, sizeof(is), "%s/is", replaces);
	SEE(opens(was, O_WRONLY | O_CREAT | O_EXCL) && rename(was, is) == 0);
	SEE(opens(replaces, O_RDONLY | O_DIRECTORY) && opens(is, O_RDONLY) && unlink(is) == 0);
	SEE(mkdir(was, 0700) != 0 && symlink("x", was) != 0);
	(void)snprintf(was, sizeof(was), "%s/was", inside);
	SEE(!opens(was, O_WRONLY | O_CREAT | O_EXCL) && errno == EACCES);
	SEE(!opens(outside, O_WRONLY) && errno == EACCES);
	return 0;
}

static int
reads_only_what_is_allowed(void)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/file", inside);
	SEE(opens(path, O_RDONLY));
	SEE(opens(inside, O_RDONLY | O_DIRECTORY));
	SEE(!opens(outside, O_RDONLY) && errno == EACCES);
	SEE(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
	SEE(!opens("/proc/self/status", O_RDONLY) && errno == EACCES);
	return 0;
}

static int
writes_nothing(void)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/file", inside);
	SEE(!opens(path, O_WRONLY) && errno == EACCES);
	SEE(unlink(path) < 0 && errno == EACCES);
	SEE(!opens(outside, O_WRONLY) && errno == EACCES);
	(void)snprintf(path, sizeof(path), "%s/new", inside);
	SEE(!opens(path, O_WRONLY | O_CREAT) && errno == EACCES);
	SEE(mkdir(path, 0700) < 0 && errno == EACCES);
	SEE(symlink("x", path) < 0 && errno == EACCES);
	return 0;
}

static int
executes_nothing(void)
{
	char *const argv[] = { (char *)"true", NULL };

	(void)execv("/bin/true", argv);
	SEE(errno == EACCES);
	return 0;
}

static int
no_more_privileges(void)
{
	SEE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return 0;
}

static int
dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
}

/* Only from version 4 on; before, nobody listens there anyway. */
static int
connects_nowhere(void)
{
	int got = dial();

	SEE(got == EACCES || got == ECONNREFUSED);
	return 0;
}

static int
connects(void)
{
	SEE(dial() == ECONNREFUSED);
	return 0;
}

TEST(only_what_is_allowed_is_read)
{
	holds(reads_only_what_is_allowed, false);
	holds(reads_only_what_is_allowed, true);
}

TEST(files_are_replaced_in_one_folder)
{
	holds(replaces_files_in_one_folder, false);
}

TEST(nothing_is_written)
{
	holds(writes_nothing, false);
}

TEST(nothing_is_executed)
{
	holds(executes_nothing, false);
}

TEST(privileges_cannot_grow)
{
	holds(no_more_privileges, false);
}

TEST(connections_only_where_they_are_needed)
{
	holds(connects_nowhere, false);
	holds(connects, true);
}

TEST(the_process_itself_is_as_before)
{
	char path[80];

	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	(void)snprintf(path, sizeof(path), "%s/file", inside);
	CHECK(unlink(path) == 0 && unlink(outside) == 0 && rmdir(inside) == 0 &&
	      rmdir(replaces) == 0 && rmdir(dir) == 0);
}

UNIT_MAIN
