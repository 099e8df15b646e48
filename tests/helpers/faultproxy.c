/*
 * faultproxy: a link between a client and a server that is slow, breaks or lies.
 *
 *     faultproxy PORT HOST:PORT COUNTS [WHAT=N]...
 *
 *     delay=MS     a round trip takes so much longer, that of connecting too;
 *                  bytes flow as fast as ever
 *     rate=N       bytes a second, both directions and all connections together
 *     cut=N        every N bytes (both directions together) all connections are reset
 *     cut=N-M      after a random number of bytes from N to M each time, by seed=S
 *     cut-at=N     once
 *     flip=N       the Nth byte from the server is another one, once
 *     flip-up=N    the Nth byte from the client
 *     truncate=N   the connection that carries the Nth byte from the server ends
 *                  after it, cleanly; once
 *
 * The file COUNTS always holds "UP DOWN CONNECTIONS CUTS": bytes from and to
 * the clients, written before they are.  What a cut leaves on the way never
 * counts, and never arrives.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 512
#define CHUNK	  (64U << 10)
#define QUEUE	  (256U << 10)
#define LONG_PIPE (32U << 20) /* what may be on its way where there is a delay */

struct chunk {
	struct chunk *next;
	int64_t due; /* ns */
	size_t n, at;
	char data[];
};

/* One direction of a connection. */
struct pipe {
	struct chunk *first, **end;
	size_t queued;
	bool eof, shut;
};

struct link {
	int fd[2];	     /* client, server */
	struct pipe pipe[2]; /* from the client, from the server */
	int64_t open_at;     /* not before do the client's bytes leave */
	bool end_after;	     /* what is queued for the client is the last */
};

static struct {
	long delay, rate, cut, cut_max, cut_at, flip[2], truncate, seed;
} want;
static struct link links[LINKS_MAX];
static size_t nlinks;
static int64_t moved[2], until_cut = -1, came[2], free_at;
static int connections, cuts, counts_fd;
static uint64_t dice;

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
write_counts(void)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%lld %lld %d %d\n", (long long)moved[0],
			 (long long)moved[1], connections, cuts);

	(void)!pwrite(counts_fd, line, (size_t)n, 0);
}

/* xorshift: the same seed makes the same faults on every machine. */
static long
next_cut(void)
{
	if (want.cut_max <= want.cut)
		return want.cut;
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return want.cut + (long)(dice % (uint64_t)(want.cut_max - want.cut + 1));
}

/* --- connections ------------------------------------------------------ */

static void
drop(struct link *l, bool reset)
{
	struct linger hard = { .l_onoff = 1 };

	for (int i = 0; i < 2; i++) {
		if (reset)
			(void)setsockopt(l->fd[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		(void)close(l->fd[i]);
		while (l->pipe[i].first != NULL) {
			struct chunk *c = l->pipe[i].first;

			l->pipe[i].first = c->next;
			free(c);
		}
	}
	*l = links[--nlinks];
	/* an empty queue ends in itself, which has moved */
	for (int i = 0; i < 2; i++)
		if (l->pipe[i].first == NULL)
			l->pipe[i].end = &l->pipe[i].first;
}

/* What was sent arrives before the reset that follows it. */
static void
let_arrive(int fd)
{
	for (int i = 0, left = 0; i < 1000; i++) {
		if (ioctl(fd, TIOCOUTQ, &left) < 0 || left == 0)
			return;
		(void)usleep(1000);
	}
}

static void
cut_all(void)
{
	for (size_t i = 0; i < nlinks; i++)
		for (int k = 0; k < 2; k++)
			let_arrive(links[i].fd[k]);
	while (nlinks > 0)
		drop(&links[0], true);
	cuts++;
	until_cut = want.cut > 0 ? next_cut() : -1;
	write_counts();
}

static void
tune(int fd)
{
	int on = 1, small = CHUNK;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* what is cut off shall not have been sent already */
	if (want.cut > 0 || want.cut_at > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
}

static void
take_connection(int listener, const struct sockaddr_in *to)
{
	struct link *l = &links[nlinks];
	int c = accept4(listener, NULL, NULL, SOCK_CLOEXEC), s;

	if (c < 0)
		return;
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || connect(s, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		(void)close(s);
		(void)close(c);
		return;
	}
	tune(c);
	tune(s);
	*l = (struct link){ .fd = { c, s }, .open_at = now_ns() + want.delay * 1000000 };
	for (int i = 0; i < 2; i++)
		l->pipe[i].end = &l->pipe[i].first;
	nlinks++;
	connections++;
	write_counts();
}

/* --- bytes ------------------------------------------------------------ */

/* A fault at the Nth byte of all that came from this side. */
static void
spoil(struct link *l, int side, struct chunk *c)
{
	int64_t from = came[side];

	came[side] += (int64_t)c->n;
	if (want.flip[side] > from && want.flip[side] <= came[side])
		c->data[want.flip[side] - from - 1] ^= 1;
	if (side == 1 && want.truncate > from && want.truncate <= came[1]) {
		c->n = (size_t)(want.truncate - from);
		l->end_after = true;
	}
}

static bool
has_room(const struct link *l, int side)
{
	return !l->pipe[side].eof && !(side == 1 && l->end_after) &&
	       l->pipe[side].queued < (want.delay > 0 ? LONG_PIPE : QUEUE);
}

/* false: the connection is no more. */
static bool
take_bytes(struct link *l, int side)
{
	struct chunk *c = malloc(sizeof(*c) + CHUNK);
	int64_t now = now_ns();
	ssize_t n;

	if (c == NULL)
		abort();
	n = read(l->fd[side], c->data, CHUNK);
	if (n <= 0) {
		free(c);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		l->pipe[side].eof = true;
		return true;
	}
	c->n = (size_t)n;
	c->at = 0;
	c->next = NULL;
	spoil(l, side, c);
	if (side == 0 && l->open_at > now)
		now = l->open_at;
	c->due = now + want.delay * 500000;
	*l->pipe[side].end = c;
	l->pipe[side].end = &c->next;
	l->pipe[side].queued += c->n;
	return true;
}

/* How much of it may go now. */
static size_t
allowed(const struct chunk *c, int64_t now)
{
	size_t n = c->n - c->at;

	if (c->due > now || (want.rate > 0 && free_at > now))
		return 0;
	if (want.rate > 0 && n > (size_t)want.rate / 50 + 1)
		n = (size_t)want.rate / 50 + 1;
	if (until_cut >= 0 && n > (size_t)until_cut)
		n = (size_t)until_cut;
	return n;
}

/* 1 go on, 0 the connection is no more, -1 all are. */
static int
give_bytes(struct link *l, int side)
{
	struct pipe *p = &l->pipe[side];
	struct chunk *c = p->first;
	int64_t now = now_ns();
	size_t n = c != NULL ? allowed(c, now) : 0;
	ssize_t sent;

	if (n == 0)
		return 1;
	sent = send(l->fd[1 - side], c->data + c->at, n, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	moved[side] += sent;
	write_counts();
	if (want.rate > 0)
		/* being woken late is made up for */
		free_at = (free_at > now - 20000000 ? free_at : now - 20000000) +
			  sent * 1000000000 / want.rate;
	c->at += (size_t)sent;
	p->queued -= (size_t)sent;
	if (c->at == c->n) {
		p->first = c->next;
		if (p->first == NULL)
			p->end = &p->first;
		free(c);
	}
	if (until_cut >= 0 && (until_cut -= sent) == 0) {
		cut_all();
		return -1;
	}
	return 1;
}

/* false: nothing more will happen here. */
static bool
pass_ends(struct link *l)
{
	if (l->end_after && l->pipe[1].first == NULL) {
		let_arrive(l->fd[0]);
		return false;
	}
	for (int side = 0; side < 2; side++) {
		struct pipe *p = &l->pipe[side];

		if (!p->eof || p->shut || p->first != NULL)
			continue;
		(void)shutdown(l->fd[1 - side], SHUT_WR);
		p->shut = true;
	}
	return !(l->pipe[0].shut && l->pipe[1].shut);
}

/* --- the loop --------------------------------------------------------- */

/* What to wait for on fd, which bytes from `side` come from and others go to; *wake is earliest. */
static short
events_of(const struct link *l, int side, int64_t now, int64_t *wake)
{
	const struct chunk *c = l->pipe[1 - side].first;
	short events = has_room(l, side) ? POLLIN : 0;
	int64_t at;

	if (c == NULL)
		return events;
	at = c->due;
	if (want.rate > 0 && free_at > at)
		at = free_at;
	if (at <= now)
		return (short)(events | POLLOUT);
	if (at < *wake)
		*wake = at;
	return events;
}

static void
serve_link(struct link *l, const short revents[2])
{
	for (int side = 0; side < 2; side++) {
		int status;

		if ((revents[side] & (POLLIN | POLLHUP | POLLERR)) != 0 && has_room(l, side) &&
		    !take_bytes(l, side)) {
			drop(l, true);
			return;
		}
		status = give_bytes(l, side);
		if (status < 0)
			return;
		if (status == 0) {
			drop(l, true);
			return;
		}
	}
	if (!pass_ends(l))
		drop(l, false);
}

static void
turn(int listener, const struct sockaddr_in *to)
{
	static struct pollfd fds[2 * LINKS_MAX + 1];
	int64_t now = now_ns(), wake = now + 1000000000;
	struct timespec wait;
	size_t n = nlinks;
	int old = cuts;

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 2; k++)
			fds[2 * i + (size_t)k] =
				(struct pollfd){ links[i].fd[k],
						 events_of(&links[i], k, now, &wake), 0 };
	fds[2 * n] = (struct pollfd){ nlinks < LINKS_MAX ? listener : -1, POLLIN, 0 };
	wait = (struct timespec){ (wake - now) / 1000000000, (wake - now) % 1000000000 };
	if (ppoll(fds, 2 * n + 1, &wait, NULL) < 0)
		return;
	/* from the end: what is dropped is replaced by one that had its turn */
	for (size_t i = n; i-- > 0 && cuts == old;)
		serve_link(&links[i], (short[2]){ fds[2 * i].revents, fds[2 * i + 1].revents });
	if ((fds[2 * n].revents & POLLIN) != 0)
		take_connection(listener, to);
}

static bool
option(const char *text)
{
	static const struct {
		const char *name;
		long *to;
	} all[] = { { "delay", &want.delay },	    { "rate", &want.rate },
		    { "cut", &want.cut },	    { "cut-at", &want.cut_at },
		    { "flip", &want.flip[1] },	    { "flip-up", &want.flip[0] },
		    { "truncate", &want.truncate }, { "seed", &want.seed } };
	const char *value = strchr(text, '=');
	char *end;

	for (size_t i = 0; value != NULL && i < sizeof(all) / sizeof(all[0]); i++) {
		if (strncmp(text, all[i].name, (size_t)(value - text)) != 0 ||
		    all[i].name[value - text] != '\0')
			continue;
		*all[i].to = strtol(value + 1, &end, 10);
		if (all[i].to == &want.cut && *end == '-')
			want.cut_max = strtol(end + 1, &end, 10);
		return *end == '\0' && end != value + 1;
	}
	return false;
}

static bool
address(const char *text, struct sockaddr_in *ret)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	*ret = (struct sockaddr_in){ .sin_family = AF_INET };
	if (colon == NULL)
		return false;
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	ret->sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, to;
	int s, on = 1;
	bool ok = argc >= 4 && address(argv[2], &to);

	for (int i = 4; ok && i < argc; i++)
		ok = option(argv[i]);
	if (!ok) {
		(void)fprintf(stderr, "usage: faultproxy PORT HOST:PORT COUNTS [WHAT=N]...\n");
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	dice = (uint64_t)want.seed * 0x9e3779b97f4a7c15U + 1;
	until_cut = want.cut > 0 ? next_cut() : want.cut_at > 0 ? want.cut_at : -1;
	counts_fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	a.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (counts_fd < 0 || s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(s, 256) < 0) {
		perror("faultproxy");
		return 71;
	}
	write_counts();
	for (;;)
		turn(s, &to);
}
