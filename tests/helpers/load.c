/*
 * load: many clients at once, and a count of what they did not get.
 *
 * A request counts as done when a whole answer 200 came; anything else is a
 * failure.  A kept connection that the server closes before the first byte of
 * an answer is no failure yet: the request goes out once more on a fresh one,
 * as every HTTP client does (RFC 9112, 9.3.1), and is counted as reopened.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/view.h"

#define TARGETS_MAX 64
#define CLIENTS_MAX 4096
#define ANSWER_MAX  (64U << 10) /* kept of an answer: its header must fit */
#define TIMEOUT_MS  10000
#define FAILED_MS   20 /* rest after a failure, so that a dead server is not hammered */
#define SAID_MAX    20 /* failures told in words */

struct target {
	struct sockaddr_in addr;
	char *request[2]; /* one for kept connections, one for fresh ones */
	const char *url;
	int64_t last_ok_ms, longest_gap_ms;
};

enum state { RESTING, CONNECTING, SENDING, READING };

struct client {
	struct target *to;
	bool fresh;
	int fd;
	enum state state;
	bool used;	 /* this connection has given an answer before */
	bool again;	 /* this request has gone out on a kept connection before */
	size_t sent;	 /* of the request */
	size_t got;	 /* of the answer */
	int64_t body_at; /* where its body begins, -1 while unknown */
	int64_t length;	 /* of its body, -1: up to the end */
	int64_t due_ms;	 /* when to go on, or to give up */
	char answer[ANSWER_MAX];
};

static struct {
	int epoll;
	int64_t pause_ms;
	struct target targets[TARGETS_MAX];
	size_t n_targets;
	struct client **clients;
	size_t n_clients;
	uint64_t requests, failed, reopened;
} load;

static const char help[] =
	"usage: load [-k N] [-f N] [-s SECONDS] [-p SECONDS] [--strict] URL...\n"
	"  -k N        clients a URL that keep their connection (8)\n"
	"  -f N        clients a URL that take a fresh connection each time (4)\n"
	"  -s SECONDS  for so long (until SIGTERM or SIGINT)\n"
	"  -p SECONDS  rest of a client between two requests (0)\n"
	"  --strict    exit 1 if a request failed\n"
	"prints: requests N failed N longest_gap_ms N reopened N\n";

static void
hang_up(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->used = false;
}

static void
rest(struct client *c, int64_t ms)
{
	c->state = RESTING;
	c->due_ms = clock_mono_ms() + ms;
}

static void
fail(struct client *c, const char *why)
{
	load.failed++;
	if (load.failed <= SAID_MAX)
		log_warn("%s: %s (%s)", c->to->url, why, c->fresh ? "fresh" : "kept");
	hang_up(c);
	c->again = false;
	rest(c, load.pause_ms > FAILED_MS ? load.pause_ms : FAILED_MS);
}

static void
watch(struct client *c, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(load.epoll, op, c->fd, &ev) < 0)
		fail(c, strerror(errno));
}

static void
begin_sending(struct client *c)
{
	c->state = SENDING;
	c->sent = 0;
	c->got = 0;
	c->body_at = -1;
	c->length = -1;
	c->due_ms = clock_mono_ms() + TIMEOUT_MS;
}

static void
dial(struct client *c)
{
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fail(c, strerror(errno));
		return;
	}
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	if (connect(c->fd, (const struct sockaddr *)&c->to->addr, sizeof(c->to->addr)) < 0 &&
	    errno != EINPROGRESS) {
		fail(c, strerror(errno));
		return;
	}
	begin_sending(c);
	c->state = CONNECTING;
	watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void
begin(struct client *c)
{
	if (c->fd < 0) {
		dial(c);
		return;
	}
	begin_sending(c);
	watch(c, EPOLLOUT, EPOLL_CTL_MOD);
}

/* The connection ended or broke before the answer was whole. */
static void
cut_off(struct client *c, const char *why)
{
	if (c->used && c->got == 0 && !c->again) {
		load.reopened++;
		hang_up(c);
		c->again = true;
		dial(c);
		return;
	}
	fail(c, why);
}

static void
succeed(struct client *c, bool close_it)
{
	int64_t now = clock_mono_ms();

	load.requests++;
	if (now - c->to->last_ok_ms > c->to->longest_gap_ms)
		c->to->longest_gap_ms = now - c->to->last_ok_ms;
	c->to->last_ok_ms = now;
	c->again = false;
	c->used = true;
	if (c->fresh || close_it)
		hang_up(c);
	else
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
	if (load.pause_ms > 0)
		rest(c, load.pause_ms);
	else
		begin(c);
}

/* Where the body begins and how long it is; false while the header is not
 * whole. */
static bool
read_header(struct client *c, struct view *ret)
{
	const char *end = memmem(c->answer, c->got, "\r\n\r\n", 4);
	struct view rest_of, line, name;

	if (end == NULL)
		return false;
	*ret = (struct view){ c->answer, (size_t)(end - c->answer) + 2 };
	c->body_at = end - c->answer + 4;
	rest_of = *ret;
	while (view_cut(&rest_of, '\n', &line))
		if (view_cut(&line, ':', &name) && name.n == 14 &&
		    strncasecmp(name.p, "content-length", 14) == 0)
			c->length = strtoll(line.p, NULL, 10);
	return true;
}

static bool
says_close(struct view header)
{
	struct view line;

	while (view_cut(&header, '\n', &line))
		if (line.n >= 17 && strncasecmp(line.p, "connection: close", 17) == 0)
			return true;
	return false;
}

static void
judge(struct client *c, bool ended)
{
	struct view header;
	int64_t body;

	if (!read_header(c, &header)) {
		if (c->got == sizeof(c->answer))
			fail(c, "a header that does not end");
		else if (ended)
			cut_off(c, "closed without an answer");
		return;
	}
	body = (int64_t)c->got - c->body_at;
	if (c->length > 0 && c->body_at + c->length > (int64_t)sizeof(c->answer)) {
		fail(c, "an answer that is too long for this test");
		return;
	}
	if (c->length >= 0 ? body < c->length : !ended) {
		if (ended)
			cut_off(c, "an answer that is cut off");
		return;
	}
	if (!view_starts(header, "HTTP/1.1 200 ")) {
		char status[16] = "";

		(void)snprintf(status, sizeof(status), "%.12s", c->answer);
		fail(c, status);
		return;
	}
	succeed(c, ended || says_close(header));
}

static void
send_more(struct client *c)
{
	const char *request = c->to->request[c->fresh];
	size_t n = strlen(request);
	ssize_t sent = send(c->fd, request + c->sent, n - c->sent, MSG_NOSIGNAL);

	if (sent < 0) {
		if (errno != EAGAIN)
			cut_off(c, strerror(errno));
		return;
	}
	c->sent += (size_t)sent;
	if (c->sent == n) {
		c->state = READING;
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
	}
}

static void
read_more(struct client *c)
{
	ssize_t n = recv(c->fd, c->answer + c->got, sizeof(c->answer) - c->got, 0);

	if (n < 0) {
		if (errno != EAGAIN)
			cut_off(c, strerror(errno));
		return;
	}
	c->got += (size_t)n;
	judge(c, n == 0);
}

static void
go_on(struct client *c, uint32_t events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	switch (c->state) {
	case RESTING:
		/* closed while nobody asked for anything: that is everyone's right */
		if (c->fd >= 0)
			hang_up(c);
		break;
	case CONNECTING:
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			fail(c, strerror(error));
			break;
		}
		c->state = SENDING;
		send_more(c);
		break;
	case SENDING:
		send_more(c);
		break;
	case READING:
		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			read_more(c);
		break;
	}
}

static void
look_at_clocks(void)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < load.n_clients; i++) {
		struct client *c = load.clients[i];

		if (now < c->due_ms)
			continue;
		if (c->state == RESTING)
			begin(c);
		else
			fail(c, "no answer in 10 s");
	}
}

static void
run(struct deadline end)
{
	struct epoll_event events[256];
	int64_t looked = 0;

	while (!cli_stopped && !clock_over(end)) {
		int n = epoll_wait(load.epoll, events, COUNT_OF(events), 1);

		for (int i = 0; i < n; i++)
			go_on(events[i].data.ptr, events[i].events);
		if (clock_mono_ms() != looked) {
			look_at_clocks();
			looked = clock_mono_ms();
		}
	}
}

static int
add_target(const char *url, struct err *e)
{
	struct view rest_of = view_of(url), host, port;
	struct target *t = &load.targets[load.n_targets];
	char name[64] = "";
	int64_t number = 80;

	if (load.n_targets == TARGETS_MAX)
		return err_set(e, ERR_USAGE, "more than %d URLs", TARGETS_MAX);
	if (!view_starts(rest_of, "http://"))
		return err_set(e, ERR_USAGE, "only http:// URLs, not '%s'", url);
	rest_of = (struct view){ url + 7, rest_of.n - 7 };
	if (!view_cut(&rest_of, '/', &host)) {
		host = rest_of;
		rest_of.n = 0;
	}
	*t = (struct target){ .url = url, .last_ok_ms = clock_mono_ms() };
	if (asprintf(&t->request[0], "GET /%.*s HTTP/1.1\r\nHost: %.*s\r\n\r\n", VIEW_ARG(rest_of),
		     VIEW_ARG(host)) < 0 ||
	    asprintf(&t->request[1],
		     "GET /%.*s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n",
		     VIEW_ARG(rest_of), VIEW_ARG(host)) < 0)
		return err_nomem(e);
	if (view_cut_last(&host, ':', &port)) {
		(void)snprintf(name, sizeof(name), VIEW_FMT, VIEW_ARG(port));
		if (cli_number(name, "the port", 1, 65535, &number, e) < 0)
			return -1;
	}
	(void)snprintf(name, sizeof(name), VIEW_FMT, VIEW_ARG(host));
	t->addr.sin_family = AF_INET;
	t->addr.sin_port = htons((uint16_t)number);
	if (inet_pton(AF_INET, strcmp(name, "localhost") == 0 ? "127.0.0.1" : name,
		      &t->addr.sin_addr) != 1)
		return err_set(e, ERR_USAGE, "'%s' is not an IPv4 address", name);
	load.n_targets++;
	return 0;
}

static int
add_clients(struct target *t, int64_t n, bool fresh, struct err *e)
{
	for (int64_t i = 0; i < n; i++) {
		struct client *c = calloc(1, sizeof(*c));

		if (c == NULL)
			return err_nomem(e);
		c->to = t;
		c->fresh = fresh;
		c->fd = -1;
		load.clients[load.n_clients++] = c;
	}
	return 0;
}

static int
prepare(int64_t kept, int64_t fresh, char **urls, struct err *e)
{
	for (; *urls != NULL; urls++)
		if (add_target(*urls, e) < 0)
			return -1;
	if (load.n_targets == 0)
		return err_set(e, ERR_USAGE, "no URL");
	load.clients = calloc(load.n_targets * (size_t)(kept + fresh), sizeof(*load.clients));
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.clients == NULL || load.epoll < 0)
		return err_sys(e, "prepare");
	for (size_t i = 0; i < load.n_targets; i++)
		if (add_clients(&load.targets[i], kept, false, e) < 0 ||
		    add_clients(&load.targets[i], fresh, true, e) < 0)
			return -1;
	return 0;
}

/* A target that never answered, or not any more, has a gap up to now. */
static int64_t
longest_gap(void)
{
	int64_t longest = 0, now = clock_mono_ms();

	for (size_t i = 0; i < load.n_targets; i++) {
		const struct target *t = &load.targets[i];
		int64_t gap = now - t->last_ok_ms;

		if (t->longest_gap_ms > gap)
			gap = t->longest_gap_ms;
		if (gap > longest)
			longest = gap;
	}
	return longest;
}

static void
end(void)
{
	for (size_t i = 0; i < load.n_clients; i++) {
		hang_up(load.clients[i]);
		free(load.clients[i]);
	}
	for (size_t i = 0; i < load.n_targets; i++) {
		free(load.targets[i].request[0]);
		free(load.targets[i].request[1]);
	}
	free(load.clients);
	(void)close(load.epoll);
}

int
main(int argc, char **argv)
{
	enum { STRICT = CLI_OWN };
	static const struct option options[] = { { "strict", no_argument, NULL, STRICT },
						 CLI_LONG,
						 { NULL, 0, NULL, 0 } };
	struct cli cli = { .synopsis = "load [options] URL...", .help = help };
	struct err e = { 0 };
	int64_t kept = 8, fresh = 4, seconds_ms = 0;
	bool strict = false;
	int opt, status = 0;

	log_init(argv[0]);
	while ((opt = getopt_long(argc, argv, CLI_SHORT "k:f:s:p:", options, NULL)) != -1) {
		if (opt == 'k')
			status = cli_number(optarg, "-k", 0, CLIENTS_MAX, &kept, &e);
		else if (opt == 'f')
			status = cli_number(optarg, "-f", 0, CLIENTS_MAX, &fresh, &e);
		else if (opt == 's')
			status = cli_seconds(optarg, "-s", 1, 86400000, &seconds_ms, &e);
		else if (opt == 'p')
			status = cli_seconds(optarg, "-p", 0, 3600000, &load.pause_ms, &e);
		else if (opt == STRICT)
			strict = true;
		else if ((status = cli_common(&cli, opt, optarg)) != CLI_GO_ON)
			return status;
		if (e.code != ERR_NONE)
			return cli_fail(&e);
	}
	cli_catch_signals();
	if (prepare(kept, fresh, argv + optind, &e) < 0)
		return cli_fail(&e);
	run(clock_deadline(seconds_ms));
	(void)printf("requests %" PRIu64 " failed %" PRIu64 " longest_gap_ms %" PRId64
		     " reopened %" PRIu64 "\n",
		     load.requests, load.failed, longest_gap(), load.reopened);
	end();
	return cli_flush(strict && load.failed > 0 ? 1 : 0);
}
