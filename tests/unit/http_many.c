#include "net/http_many.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#define SECONDS(n) (1000 * (n))
#define OK	   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* A server that takes one connection, reads a request and gives this answer. */
struct server {
	int fd, port;
	const char *answer;
	const char *line; /* one header, */
	size_t flood;	  /* so many bytes of it after the answer */
	pthread_t thread;
};

static void
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	char request[4096];
	int c = accept(s->fd, NULL, NULL);

	if (c >= 0 && read(c, request, sizeof(request)) > 0) {
		send_all(c, s->answer, strlen(s->answer));
		for (size_t n = 0; n < s->flood; n += strlen(s->line))
			send_all(c, s->line, strlen(s->line));
	}
	if (c >= 0)
		(void)close(c);
	return NULL;
}

static void
start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(s->fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s->fd, 16) == 0);
	CHECK(getsockname(s->fd, (struct sockaddr *)&a, &n) == 0);
	s->port = ntohs(a.sin_port);
	CHECK(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void
stop(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}

/* One question to a server of its own with this answer, and this line over and over if there is
 * one. */
static void
ask_flooded(const char *answer, const char *line, size_t body, struct http_many_answer *ret)
{
	AUTO_MANY struct http_many *m = NULL;
	struct server s = { .answer = answer,
			    .line = line,
			    .flood = line != NULL ? 2 * HTTP_MANY_HEAD_MAX : 0 };
	char url[64];
	struct http_many_req q = {
		.url = url, .netns = -1, .body = body, .timeout_ms = SECONDS(30), .arg = &s
	};
	int n;

	start(&s);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	CHECK(http_many_new(&(struct http_opts){ 0 }, &m, NULL) == 0);
	CHECK(http_many_add(m, &q, NULL) == 0);
	do {
		n = http_many_next(m, SECONDS(1), ret, NULL);
	} while (n == 0);
	CHECK(n == 1 && ret->arg == &s);
	stop(&s);
}

static void
ask(const char *answer, size_t body, struct http_many_answer *ret)
{
	ask_flooded(answer, NULL, body, ret);
}

TEST(the_status_alone_and_the_beginning_of_a_body)
{
	AUTO_ANSWER struct http_many_answer a = { 0 }, b = { 0 }, c = { 0 };

	ask(OK, 0, &a);
	CHECK(a.e.code == ERR_NONE && a.status == 200 && a.body.len == 0);
	CHECK_STR(a.peer, "127.0.0.1");
	CHECK(a.cert_until == 0);
	ask(OK, 3, &b);
	CHECK(b.e.code == ERR_NONE);
	CHECK_STR(buf_cstr(&b.body), "hel");
	ask(OK, 100, &c);
	CHECK_STR(buf_cstr(&c.body), "hello");
}

TEST(a_note_in_between_is_no_answer)
{
	AUTO_ANSWER struct http_many_answer a = { 0 };

	ask("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0,
	    &a);
	CHECK(a.e.code == ERR_NONE && a.status == 503);
}

TEST(what_is_cut_or_broken_is_no_answer)
{
	static const char *const bad[] = {
		"", "hello", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		AUTO_ANSWER struct http_many_answer a = { 0 };

		ask(bad[i], 100, &a);
		CHECK((a.e.code == ERR_TEMP || a.e.code == ERR_DATA) && a.e.msg[0] != '\0');
	}
}

TEST(a_header_block_without_an_end)
{
	AUTO_ANSWER struct http_many_answer a = { 0 }, b = { 0 };
	char line[4096];

	(void)memset(line, 'x', sizeof(line));
	(void)memcpy(line, "X-Flood: ", 9);
	(void)memcpy(line + sizeof(line) - 3, "\r\n", 3);
	ask_flooded("HTTP/1.1 200 OK\r\n", line, 0, &a);
	CHECK(a.e.code == ERR_DATA);
	CHECK_STR(a.e.msg, "header block is larger than 262144 bytes");
	/* newer libcurls count headers, too, and stop at 5000 */
	ask_flooded("HTTP/1.1 200 OK\r\n", "X-Flood: flood\r\n", 0, &b);
	CHECK(b.e.code == ERR_DATA);
}

TEST(questions_that_are_open_go_with_the_rest)
{
	AUTO_MANY struct http_many *m = NULL;
	struct http_many_answer a = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	char url[64];
	struct http_many_req q = { .url = url, .netns = -1, .timeout_ms = SECONDS(30) };

	/* it never accepts */
	CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(at.sin_port));
	CHECK(http_many_new(&(struct http_opts){ 0 }, &m, NULL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(http_many_add(m, &q, NULL) == 0);
	CHECK(http_many_next(m, 0, &a, NULL) == 0);
	(void)close(fd);
}

UNIT_MAIN
