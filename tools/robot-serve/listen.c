#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define BACKLOG 1024

static struct sockaddr *
any_sa(struct listen_addr *a)
{
	return (struct sockaddr *)&a->sa;
}

void
listen_any(int port, struct listen_addr *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	*ret = (struct listen_addr){ .len = sizeof(in) };
	memcpy(&ret->sa, &in, sizeof(in));
}

static int
bad_address(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE, "must be ADDRESS:PORT or [ADDRESS]:PORT in numbers, not '%s'",
		       text);
}

static bool
parse_port(struct view v, int *ret)
{
	int port = 0;

	if (v.n == 0 || v.n > 5)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		port = port * 10 + (v.p[i] - '0');
	}
	*ret = port;
	return port <= 65535;
}

int
listen_parse(const char *text, struct listen_addr *ret, struct err *e)
{
	struct view host = view_of(text), port_text;
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char number[INET6_ADDRSTRLEN] = "";
	int port;

	if (!view_cut_last(&host, ':', &port_text) || !parse_port(port_text, &port))
		return bad_address(text, e);
	if (host.n == 0) {
		listen_any(port, ret);
		return 0;
	}
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']' &&
	    host.n - 2 < sizeof(number)) {
		memcpy(number, host.p + 1, host.n - 2);
		in6.sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, number, &in6.sin6_addr) != 1)
			return bad_address(text, e);
		*ret = (struct listen_addr){ .len = sizeof(in6) };
		memcpy(&ret->sa, &in6, sizeof(in6));
		return 0;
	}
	if (host.n >= sizeof(number))
		return bad_address(text, e);
	memcpy(number, host.p, host.n);
	in.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, number, &in.sin_addr) != 1)
		return bad_address(text, e);
	*ret = (struct listen_addr){ .len = sizeof(in) };
	memcpy(&ret->sa, &in, sizeof(in));
	return 0;
}

void
listen_name(const struct listen_addr *a, char out[LISTEN_NAME_MAX])
{
	char number[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->sa.ss_family == AF_INET6) {
		memcpy(&in6, &a->sa, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, number, sizeof(number));
		(void)snprintf(out, LISTEN_NAME_MAX, "[%s]:%d", number, ntohs(in6.sin6_port));
	} else {
		memcpy(&in, &a->sa, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, number, sizeof(number));
		(void)snprintf(out, LISTEN_NAME_MAX, "%s:%d", number, ntohs(in.sin_port));
	}
}

static int
set_on(int fd, int option)
{
	return setsockopt(fd, SOL_SOCKET, option, &(int){ 1 }, sizeof(int));
}

static int
say_taken(const char *what, struct err *e)
{
	int why = errno;

	(void)err_sys(e, "listen on %s", what);
	if (why == EADDRINUSE && e != NULL)
		e->code = ERR_NO;
	return -1;
}

/* Whoever joined last gets every new connection from then on, so that nothing
 * is on its way to the other one when that is demoted: the kernel resets what
 * completes its handshake while its listener closes.  A kernel that refuses
 * shares the connections out instead.  Of two listeners the later has number
 * 1; when it is alone, the number points nowhere and counts for nothing. */
static void
take_all(int fd)
{
	struct sock_filter number_1 = BPF_STMT(BPF_RET | BPF_K, 1);
	struct sock_fprog program = { .len = 1, .filter = &number_1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

/* Who serves first is decided by listen alone, which only one can do while
 * nobody has SO_REUSEPORT.  SO_REUSEADDR lets two sockets be bound (old
 * connections would be in the way without it), so bind decides nothing. */
int
listen_tcp(struct listen_addr *a, enum listen_mode mode, int *ret, struct err *e)
{
	AUTO_FD int fd = -1;
	char name[LISTEN_NAME_MAX];

	listen_name(a, name);
	fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || set_on(fd, SO_REUSEADDR) < 0 ||
	    (mode == LISTEN_JOIN && set_on(fd, SO_REUSEPORT) < 0) ||
	    bind(fd, any_sa(a), a->len) < 0 || listen(fd, BACKLOG) < 0)
		return say_taken(name, e);
	if (mode == LISTEN_FIRST && set_on(fd, SO_REUSEPORT) < 0)
		return err_sys(e, "let others join %s", name);
	if (mode == LISTEN_JOIN)
		take_all(fd);
	a->len = sizeof(a->sa);
	if (getsockname(fd, any_sa(a), &a->len) < 0)
		return err_sys(e, "ask for the port of %s", name);
	*ret = TAKE_FD(fd);
	return 0;
}

static bool
answered(const struct sockaddr_un *un)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true;
	return connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno != ECONNREFUSED;
}

int
listen_unix(const char *path, int *ret, struct err *e)
{
	AUTO_FD int fd = -1;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int bound;

	if (strlen(path) >= sizeof(un.sun_path))
		return err_set(e, ERR_CONFIG, "the socket's path '%s' is longer than %zu bytes",
			       path, sizeof(un.sun_path) - 1);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "make a socket");
	bound = bind(fd, (const struct sockaddr *)&un, sizeof(un));
	if (bound < 0 && errno == EADDRINUSE && !answered(&un)) {
		(void)unlink(path);
		bound = bind(fd, (const struct sockaddr *)&un, sizeof(un));
	}
	if (bound < 0 || listen(fd, BACKLOG) < 0) {
		char what[sizeof(un.sun_path) + 2];

		(void)snprintf(what, sizeof(what), "'%s'", path);
		return say_taken(what, e);
	}
	*ret = TAKE_FD(fd);
	return 0;
}
