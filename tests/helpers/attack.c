/*
 * attack: what no client of good will does to a server on 127.0.0.1.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cli.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#define CONNECTIONS_MAX 15000
#define TEXT_MAX	(8U << 20)
#define TURN_MS		20
#define PATIENCE_MS	100

static const char help[] =
	"usage: attack [-n N] [-d SECONDS] [-r SEED] PORT <TEXT\n"
	"  N connections at once, each sends TEXT and reads nothing; \"held N\" is printed when\n"
	"  all of it is on its way, and then they stay until SIGTERM\n"
	"  -d SECONDS  a byte in so long\n"
	"  -r SEED     one after the other instead, each with other bytes of TEXT damaged, until "
	"the\n"
	"              server closes or is quiet; \"answered N\" is printed\n";

struct attack {
	struct sockaddr_in to;
	struct view text;
	int64_t n, drip_ms;
};

static int
dial(const struct attack *a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a->to, sizeof(a->to)) < 0)
		(void)close(TAKE_FD(fd));
	return fd;
}

static void
put(int fd, const char *p, size_t n)
{
	(void)send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
hold(const struct attack *a)
{
	static int fd[CONNECTIONS_MAX];
	size_t sent = a->drip_ms > 0 ? 0 : a->text.n;
	int64_t held = 0;

	for (int64_t i = 0; i < a->n && !cli_stopped; i++) {
		fd[i] = dial(a);
		held += fd[i] >= 0;
		put(fd[i], a->text.p, sent);
	}
	(void)printf("held %lld\n", (long long)held);
	(void)fflush(stdout);
	while (!cli_stopped) {
		clock_sleep_ms(a->drip_ms > 0 ? a->drip_ms : TURN_MS, NULL);
		for (int64_t i = 0; i < a->n && sent < a->text.n; i++)
			put(fd[i], a->text.p + sent, 1);
		sent += sent < a->text.n;
	}
}

static int
read_text(struct buf *ret, struct err *e)
{
	char bytes[4096];
	size_t n;

	while ((n = fread(bytes, 1, sizeof(bytes), stdin)) > 0)
		buf_add(ret, bytes, n);
	return buf_ok(ret, "TEXT", e);
}

/* Until the server is quiet or has closed. */
static bool
answered(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	bool any = false;

	while (poll(&p, 1, PATIENCE_MS) > 0) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		any = any || n > 0;
		if (n <= 0)
			break;
	}
	return any;
}

static void
damage(const struct attack *a, int64_t seed)
{
	AUTO_FREE char *copy = malloc(a->text.n);
	long long n = 0;

	srandom((unsigned int)seed);
	for (int64_t i = 0; i < a->n && copy != NULL && !cli_stopped; i++) {
		AUTO_FD int fd = dial(a);
		long hits = random() % 8;

		memcpy(copy, a->text.p, a->text.n);
		for (long k = 0; k < hits; k++)
			copy[(size_t)random() % a->text.n] = (char)random();
		put(fd, copy, a->text.n - (size_t)random() % 4);
		(void)shutdown(fd, SHUT_WR);
		n += answered(fd);
	}
	(void)printf("answered %lld\n", n);
}

int
main(int argc, char **argv)
{
	struct cli cli = { .synopsis = "attack [options] PORT", .help = help };
	struct attack a = { .n = 1 };
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct err e = { 0 };
	int64_t seed = -1, port = 0;
	int opt;

	log_init(argv[0]);
	while ((opt = getopt(argc, argv, "n:d:r:")) != -1) {
		if (opt == 'n')
			(void)cli_number(optarg, "-n", 1, CONNECTIONS_MAX, &a.n, &e);
		else if (opt == 'd')
			(void)cli_seconds(optarg, "-d", 1, 60000, &a.drip_ms, &e);
		else if (opt == 'r')
			(void)cli_number(optarg, "-r", 0, INT32_MAX, &seed, &e);
		else
			return cli_usage(&cli, "see attack's source");
	}
	if (optind + 1 != argc)
		return cli_usage(&cli, "which port?");
	(void)cli_number(argv[optind], "PORT", 1, 65535, &port, &e);
	if (e.code == ERR_NONE)
		(void)read_text(&text, &e);
	if (e.code != ERR_NONE)
		return cli_fail(&e);
	a.to = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	a.text = (struct view){ text.data, text.len };
	cli_catch_signals();
	if (seed >= 0)
		damage(&a, seed);
	else
		hold(&a);
	return cli_flush(0);
}
