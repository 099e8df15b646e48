#include "gpio_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"

#define CONNECT_MS 2000
#define ANSWER_MS  1000
#define SLICE_MS   50 /* between looks at stop */
#define ASK_MAX	   (64U << 10)

void
gpio_wire_put32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (8 * i));
}

uint32_t
gpio_wire_get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int
broken(struct err *e, const char *what, int why)
{
	errno = why;
	(void)err_sys(e, "%s", what);
	if (e != NULL)
		e->code = ERR_TEMP;
	return -1;
}

/* Until fd is ready; the errno of why not. */
static int
wait_for(int fd, short events, struct deadline end, const atomic_bool *stop)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, (int)clock_left_ms(end, stop != NULL ? SLICE_MS : ANSWER_MS));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
		if (stop != NULL && atomic_load(stop))
			return ECANCELED;
		if (clock_over(end))
			return ETIMEDOUT;
	}
}

static int
connect_one(const struct addrinfo *a, const atomic_bool *stop, int *why)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	socklen_t len = sizeof(*why);

	*why = errno;
	if (fd < 0)
		return -1;
	*why = 0;
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
		*why = errno;
	if (*why == EINPROGRESS) {
		*why = wait_for(fd, POLLOUT, clock_deadline(CONNECT_MS), stop);
		if (*why == 0)
			(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, why, &len);
	}
	if (*why != 0) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int
gpio_wire_open(const char *host, int port, const atomic_bool *stop, int *ret, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char service[8], what[320];
	int status, why = 0, fd = -1;

	(void)snprintf(service, sizeof(service), "%d", port);
	(void)snprintf(what, sizeof(what), "pigpiod at '%s' port %d", host, port);
	status = getaddrinfo(host, service, &hints, &list);
	if (status != 0)
		return err_set(e, ERR_TEMP, "%s: %s", what, gai_strerror(status));
	for (const struct addrinfo *a = list; a != NULL && fd < 0 && why != ECANCELED;
	     a = a->ai_next)
		fd = connect_one(a, stop, &why);
	freeaddrinfo(list);
	if (fd < 0)
		return broken(e, what, why);
	*ret = fd;
	return 0;
}

static int
send_all(int fd, const char *p, size_t n, struct deadline end)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
		int why;

		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
			continue;
		}
		why = errno == EAGAIN ? wait_for(fd, POLLOUT, end, NULL) : errno;
		if (why != 0)
			return why;
	}
	return 0;
}

/* Answers come in whatever parts the network likes. */
static int
recv_all(int fd, uint8_t *p, size_t n, struct deadline end)
{
	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);
		int why;

		if (got == 0)
			return ECONNRESET;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
			continue;
		}
		why = errno == EAGAIN ? wait_for(fd, POLLIN, end, NULL) : errno;
		if (why != 0)
			return why;
	}
	return 0;
}

static void
add_request(struct buf *b, const struct gpio_wire_request *r)
{
	uint8_t head[GPIO_WIRE_BYTES];

	gpio_wire_put32(head, (uint32_t)r->command);
	gpio_wire_put32(head + 4, r->p1);
	gpio_wire_put32(head + 8, r->p2);
	gpio_wire_put32(head + 12, (uint32_t)r->n);
	buf_add(b, head, sizeof(head));
	if (r->n > 0)
		buf_add(b, r->data, r->n);
}

static int
take_answer(int fd, const struct gpio_wire_request *r, struct gpio_wire_answer *ret,
	    struct deadline end, struct err *e)
{
	uint8_t head[GPIO_WIRE_BYTES];
	int why = recv_all(fd, head, sizeof(head), end);

	if (why != 0)
		return broken(e, "wait for pigpiod", why);
	if (gpio_wire_get32(head) != (uint32_t)r->command)
		return err_set(e, ERR_TEMP, "pigpiod answers what was not asked");
	ret->result = (int32_t)gpio_wire_get32(head + 12);
	ret->n = 0;
	if (r->command != GPIO_WIRE_PROCP || ret->result <= 0)
		return 0;
	if (ret->result > GPIO_WIRE_DATA_MAX)
		return err_set(e, ERR_TEMP, "pigpiod answers more than was asked");
	ret->n = (size_t)ret->result;
	why = recv_all(fd, ret->data, ret->n, end);
	return why == 0 ? 0 : broken(e, "wait for pigpiod", why);
}

int
gpio_wire_do(int fd, const struct gpio_wire_request *r, size_t n, struct gpio_wire_answer *ret,
	     struct err *e)
{
	AUTO_BUF struct buf ask = BUF_INIT(ASK_MAX);
	struct deadline end = clock_deadline(ANSWER_MS);
	struct gpio_wire_answer unused;
	int why;

	for (size_t i = 0; i < n; i++)
		add_request(&ask, &r[i]);
	if (buf_ok(&ask, "requests to pigpiod", e) < 0)
		return -1;
	why = send_all(fd, buf_cstr(&ask), ask.len, end);
	if (why != 0)
		return broken(e, "ask pigpiod", why);
	for (size_t i = 0; i < n; i++)
		if (take_answer(fd, &r[i], ret != NULL ? &ret[i] : &unused, end, e) < 0)
			return -1;
	return 0;
}
