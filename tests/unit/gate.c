#include "fleet/gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

static char url[64];
static int said;

static void
answer(int fd, const char *status)
{
	char ask[4096], text[128];
	ssize_t n = read(fd, ask, sizeof(ask) - 1);
	bool right;

	ask[n > 0 ? n : 0] = '\0';
	right = strncmp(ask, "GET /ready-for-update ", 22) == 0;
	(void)snprintf(text, sizeof(text),
		       "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		       right ? status : "404 Not Found");
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
	(void)close(fd);
}

/* A robot that is busy for that many questions. */
static pid_t
serve(int busy)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	CHECK(bind(s, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(s, 8) == 0);
	CHECK(getsockname(s, (struct sockaddr *)&at, &len) == 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/health", ntohs(at.sin_port));
	pid = fork();
	if (pid != 0) {
		(void)close(s);
		return pid;
	}
	for (;;)
		answer(accept(s, NULL, NULL), busy-- > 0 ? "423 Locked" : "200 OK");
}

static void
end(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static void
count(void *arg)
{
	(void)arg;
	said++;
}

TEST(who_is_ready_is_not_waited_for)
{
	pid_t pid = serve(0);

	said = 0;
	CHECK(gate_wait(url, 0, NULL, count, NULL, NULL) == 0);
	CHECK(said == 0);
	end(pid);
}

TEST(who_is_busy_is_waited_for)
{
	pid_t pid = serve(2);
	int64_t began = clock_mono_ms();

	said = 0;
	CHECK(gate_wait(url, 60000, NULL, count, NULL, NULL) == 0);
	CHECK(said == 1);
	CHECK(clock_mono_ms() - began < 30000);
	end(pid);
}

TEST(who_stays_busy_is_left_for_another_time)
{
	pid_t pid = serve(1000);
	struct err e = { 0 };

	CHECK(gate_wait(url, 100, NULL, NULL, NULL, &e) == -1);
	CHECK(e.code == ERR_TEMP);
	CHECK_STR(e.msg, "the robot is busy");
	end(pid);
}

TEST(a_signal_ends_the_waiting)
{
	volatile bool stop = true;
	pid_t pid = serve(1000);
	struct err e = { 0 };

	CHECK(gate_wait(url, 60000, &stop, NULL, NULL, &e) == -1);
	CHECK_STR(e.msg, "stopped by a signal");
	end(pid);
}

TEST(nobody_there_is_no_reason_to_wait)
{
	CHECK(gate_wait("http://127.0.0.1:1/health", 60000, NULL, NULL, NULL, NULL) == 0);
	CHECK(gate_wait("", 60000, NULL, NULL, NULL, NULL) == 0);
}

UNIT_MAIN
