#include "net/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

#define ANSWERS_MAX 16
#define OK	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

/* A server that gives one answer a connection and keeps what it was asked. */
struct server {
	int fd;
	int port;
	const char *answers[ANSWERS_MAX];
	char asked[ANSWERS_MAX][4096];
	int n;
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct server *s = arg;

	for (int i = 0; i < ANSWERS_MAX && s->answers[i] != NULL; i++) {
		int c = accept(s->fd, NULL, NULL);
		size_t len = 0;
		ssize_t got;

		if (c < 0)
			break;
		do {
			got = read(c, s->asked[i] + len, sizeof(s->asked[i]) - 1 - len);
			len += got > 0 ? (size_t)got : 0;
		} while (got > 0 && strstr(s->asked[i], "\r\n\r\n") == NULL);
		s->n = i + 1;
		if (write(c, s->answers[i], strlen(s->answers[i])) < 0)
			s->n = -1;
		(void)shutdown(c, SHUT_WR);
		while (read(c, s->asked[i], 0) > 0)
			;
		(void)close(c);
	}
	(void)close(s->fd);
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
}

static char url[64];

static const char *
url_of(const struct server *s, const char *path)
{
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", s->port, path);
	return url;
}

/* One request with these options: the status, or -1 with *e. */
static int
ask(const struct http_opts *o, const struct http_req *q, struct http_resp *r, struct err *e)
{
	AUTO_HTTP struct http *h = NULL;

	if (http_new(o, &h, e) < 0 || http_do(h, q, r, e) < 0)
		return -1;
	return r->status;
}

TEST(an_answer_with_its_headers)
{
	struct server s = { .answers = { "HTTP/1.1 200 OK\r\nX-Thing:  a b \r\nX-thing: c\r\n"
					 "Content-Length: 5\r\n\r\nhello" } };
	AUTO_RESP struct http_resp r = { 0 };
	static const char *const headers[] = { "X-Ask: 1", NULL };
	struct http_req q = { .headers = headers, .authorization = "Basic xyz" };
	char v[16];

	start(&s);
	q.url = url_of(&s, "/p?q=1");
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, NULL) == 200);
	CHECK_STR(buf_cstr(&r.body), "hello");
	CHECK(r.length == 5);
	CHECK(http_header(&r, "x-thing", v, sizeof(v)) && strcmp(v, "a b") == 0);
	CHECK(http_header_n(&r, "x-thing", 1, v, sizeof(v)) && strcmp(v, "c") == 0);
	CHECK(!http_header(&r, "x-other", v, sizeof(v)));
	stop(&s);
	CHECK(strncmp(s.asked[0], "GET /p?q=1 HTTP/1.1\r\n", 21) == 0);
	CHECK(strstr(s.asked[0], "X-Ask: 1\r\n") != NULL);
	CHECK(strstr(s.asked[0], "Authorization: Basic xyz\r\n") != NULL);
}

TEST(tries_again_what_may_work_and_honours_retry_after)
{
	struct server s = { .answers = { "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n",
					 "HTTP/1.1 429 x\r\nRetry-After: 1\r\n"
					 "Content-Length: 0\r\n\r\n",
					 OK } };
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { 0 };
	int64_t from = clock_mono_ms();

	start(&s);
	q.url = url_of(&s, "/");
	CHECK(ask(&(struct http_opts){ .retries = 2 }, &q, &r, NULL) == 200);
	CHECK(clock_mono_ms() - from >= 1000);
	CHECK(s.n == 3);
	stop(&s);
}

TEST(a_post_is_sent_once_unless_it_may_be_repeated)
{
	struct server s = { .answers = { "HTTP/1.1 500 x\r\nContent-Length: 3\r\n"
					 "Content-Type: text/plain\r\n\r\nbad",
					 "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", OK } };
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { .method = "POST", .body = "x", .body_len = 1 };
	struct err e = { 0 };

	start(&s);
	q.url = url_of(&s, "/");
	CHECK(ask(&(struct http_opts){ .retries = 2 }, &q, &r, &e) == -1);
	CHECK(e.code == ERR_TEMP && s.n == 1);
	CHECK_STR(e.msg, "500: bad");
	q.repeatable = true;
	CHECK(ask(&(struct http_opts){ .retries = 2 }, &q, &r, &e) == 200);
	stop(&s);
}

TEST(a_cut_answer_is_never_a_short_one)
{
	struct server s = { .answers = { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
					 "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf" } };
	AUTO_RESP struct http_resp r = { 0 };
	AUTO_HTTP struct http *h = NULL;
	AUTO_STREAM struct http_stream *in = NULL;
	struct http_req q = { 0 };
	struct err e = { 0 };
	char buf[16];
	long n;

	start(&s);
	q.url = url_of(&s, "/");
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, &e) == -1 && e.code == ERR_TEMP);
	CHECK(http_new(&(struct http_opts){ 0 }, &h, NULL) == 0);
	CHECK(http_open(h, &q, &in, NULL) == 0);
	while ((n = http_read(in, buf, sizeof(buf), &e)) > 0)
		;
	CHECK(n == -1 && e.code == ERR_TEMP);
	stop(&s);
}

TEST(limits_end_an_answer)
{
	char endless[HTTP_HEADERS_MAX + 4096];
	struct server s = { .answers = { OK, endless } };
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { .max = 1 };
	struct err e = { 0 };
	size_t n;

	n = (size_t)snprintf(endless, sizeof(endless), "HTTP/1.1 200 OK\r\n");
	while (n + 100 < sizeof(endless))
		n += (size_t)snprintf(endless + n, sizeof(endless) - n, "X-%zu: %064d\r\n", n, 0);
	start(&s);
	q.url = url_of(&s, "/");
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, &e) == -1 && e.code == ERR_DATA);
	CHECK_STR(e.msg, "'answer' is larger than 1 bytes");
	q.max = 0;
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, &e) == -1 && e.code == ERR_DATA);
	stop(&s);
}

TEST(a_redirect_elsewhere_gets_no_secrets)
{
	struct server there = { .answers = { OK } };
	struct server here = { .answers = { NULL,
					    "HTTP/1.1 302 x\r\nLocation: /b\r\n"
					    "Content-Length: 0\r\nConnection: close\r\n\r\n",
					    OK } };
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { .authorization = "Bearer secret" };
	char away[256];

	start(&there);
	(void)snprintf(away, sizeof(away),
		       "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:%d/x\r\n"
		       "Content-Length: 0\r\nConnection: close\r\n\r\n",
		       there.port);
	here.answers[0] = away;
	start(&here);
	q.url = url_of(&here, "/");
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, NULL) == 200);
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, NULL) == 200);
	stop(&here);
	stop(&there);
	CHECK(strstr(here.asked[0], "Bearer secret") != NULL);
	CHECK(strstr(there.asked[0], "Bearer secret") == NULL);
	CHECK(strncmp(here.asked[2], "GET /b ", 7) == 0);
	CHECK(strstr(here.asked[2], "Bearer secret") != NULL);
}

TEST(redirects_end)
{
	const char *loop = "HTTP/1.1 301 x\r\nLocation: /\r\nContent-Length: 0\r\n"
			   "Connection: close\r\n\r\n";
	struct server s = { .answers = { loop, loop, loop, loop, loop, loop, loop } };
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { 0 };
	struct err e = { 0 };

	start(&s);
	q.url = url_of(&s, "/");
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, &e) == -1);
	CHECK_STR(e.msg, "more than 5 redirects");
	CHECK(s.n == HTTP_REDIRECTS_MAX + 1);
	stop(&s);
}

TEST(a_deadline_holds_whatever_the_other_side_does)
{
	struct server s = { .answers = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" } };
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { 0 };
	struct err e = { 0 };
	int64_t from = clock_mono_ms();
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	/* listens and never answers */
	s.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(s.fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s.fd, 1) == 0);
	CHECK(getsockname(s.fd, (struct sockaddr *)&a, &n) == 0);
	s.port = ntohs(a.sin_port);
	q.url = url_of(&s, "/");
	q.deadline = clock_deadline(300);
	CHECK(ask(&(struct http_opts){ .retries = 100 }, &q, &r, &e) == -1 && e.code == ERR_TEMP);
	CHECK(clock_mono_ms() - from < 3000);
	(void)close(s.fd);
}

TEST(unix_sockets_and_bad_addresses)
{
	AUTO_RESP struct http_resp r = { 0 };
	struct http_req q = { .url = "http://x/" };
	struct err e = { 0 };

	CHECK(ask(&(struct http_opts){ .unix_socket = "/nosuch/socket" }, &q, &r, &e) == -1);
	CHECK(e.code == ERR_TEMP);
	q.url = "file:///etc/passwd";
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, &e) == -1 && e.code == ERR_DATA);
	q.url = "http://[";
	CHECK(ask(&(struct http_opts){ 0 }, &q, &r, &e) == -1 && e.code == ERR_DATA);
}

static const char *
explains(int status, const char *type, const char *body)
{
	AUTO_RESP struct http_resp r = { .status = status, .body = BUF_INIT(1000) };
	static char out[256];

	buf_adds(&r.body, body);
	if (asprintf(&r.headers, "content-type: %s\n", type) < 0)
		r.headers = NULL;
	http_explain(&r, out, sizeof(out));
	return out;
}

TEST(errors_are_put_in_words)
{
	CHECK_STR(explains(401, "application/json",
			   "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no\"}]}"),
		  "401 UNAUTHORIZED: no");
	CHECK_STR(explains(404, "application/json", "{\"message\":\"No such container\"}"),
		  "404 No such container");
	CHECK_STR(explains(400, "application/json",
			   "{\"error\":\"invalid_grant\",\"error_description\":\"it has ended\"}"),
		  "400 it has ended");
	CHECK_STR(explains(401, "application/json", "{\"details\":\"no such user\"}"),
		  "401 no such user");
	CHECK_STR(explains(502, "text/html; charset=x", "<html>"), "502, answered text/html");
	CHECK_STR(explains(500, "text/plain", ""), "500");
}

UNIT_MAIN
