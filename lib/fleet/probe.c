#include "fleet/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/jsn.h"
#include "base/regex.h"

#define STATUS_DEFAULT "200-399"
#define STATUS_MIN     100
#define STATUS_LIMIT   600
#define URL_MAX	       2048
#define HOST_MAX       256
#define CHUNK	       4096

enum kind { HTTP, UNIX, TCP };

struct target {
	enum kind kind;
	char url[URL_MAX];
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char host[HOST_MAX], port[8];
};

static int
bad_target(const char *target, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' is not a target: %s", target, why);
}

static int
copy_part(struct view v, char *out, size_t size)
{
	if (v.n == 0 || v.n >= size)
		return -1;
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return 0;
}

/* http+unix://SOCKET:/path: the path begins at the last ":/" */
static int
parse_unix(const char *target, const char *rest, struct target *t, struct err *e)
{
	const char *at = NULL;

	for (const char *p = rest; (p = strstr(p, ":/")) != NULL; p++)
		at = p;
	if (at == NULL)
		return bad_target(target, "want http+unix://SOCKET:/path", e);
	if (copy_part((struct view){ rest, (size_t)(at - rest) }, t->socket, sizeof(t->socket)) < 0)
		return bad_target(target, "a socket's path has 1 to 107 bytes", e);
	t->kind = UNIX;
	if (snprintf(t->url, sizeof(t->url), "http://localhost%s", at + 1) >= (int)sizeof(t->url))
		return bad_target(target, "it is too long", e);
	return 0;
}

static int
parse_tcp(const char *target, const char *rest, struct target *t, struct err *e)
{
	struct view host = view_of(rest), port;
	char *end;
	long n;

	t->kind = TCP;
	if (!view_cut_last(&host, ':', &port) || copy_part(port, t->port, sizeof(t->port)) < 0)
		return bad_target(target, "want tcp://HOST:PORT", e);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct view){ host.p + 1, host.n - 2 };
	n = strtol(t->port, &end, 10);
	if (*end != '\0' || n < 1 || n > UINT16_MAX)
		return bad_target(target, "a port is a number from 1 to 65535", e);
	if (copy_part(host, t->host, sizeof(t->host)) < 0)
		return bad_target(target, "want tcp://HOST:PORT", e);
	return 0;
}

static int
parse_target(const char *target, struct target *t, struct err *e)
{
	static const char unix_prefix[] = "http+unix://", tcp_prefix[] = "tcp://";
	struct view v = view_of(target);
	const char *host;

	*t = (struct target){ .kind = HTTP };
	for (const char *p = target; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return bad_target(target, "it has a space or a control byte", e);
	if (view_starts(v, unix_prefix))
		return parse_unix(target, target + sizeof(unix_prefix) - 1, t, e);
	if (view_starts(v, tcp_prefix))
		return parse_tcp(target, target + sizeof(tcp_prefix) - 1, t, e);
	if (!view_starts(v, "http://") && !view_starts(v, "https://"))
		return bad_target(
			target,
			"want http://…, https://…, http+unix://SOCKET:/path or tcp://HOST:PORT", e);
	host = strchr(target, ':') + 3;
	if (*host == '\0' || *host == '/' || *host == ':')
		return bad_target(target, "it names no host", e);
	if (copy_part(v, t->url, sizeof(t->url)) < 0)
		return bad_target(target, "it is too long", e);
	return 0;
}

static int
bad_status(const char *list, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' is not a list of HTTP statuses like '200-299,304'",
		       list);
}

/* want 0: only see whether the list is one.  1 it is in, 0 it is not. */
static int
status_in(const char *list, int want, struct err *e)
{
	const char *p = list;
	int in = 0;

	for (;;) {
		char *end;
		long from, to;

		if (*p < '0' || *p > '9')
			return bad_status(list, e);
		from = to = strtol(p, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			to = strtol(end + 1, &end, 10);
		if (from < STATUS_MIN || to >= STATUS_LIMIT || from > to)
			return bad_status(list, e);
		in |= want >= from && want <= to;
		if (*end == '\0')
			return in;
		if (*end != ',')
			return bad_status(list, e);
		p = end + 1;
	}
}

static bool
is_token(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return false;
	return v.n > 0;
}

int
probe_check(const char *target, const struct probe_opts *o, struct err *e)
{
	struct target t;
	AUTO_REGEX struct regex *re = NULL;

	if (parse_target(target, &t, e) < 0)
		return -1;
	if (o->status != NULL && status_in(o->status, 0, e) < 0)
		return -1;
	if (o->body_re != NULL && regex_new(o->body_re, &re, e) < 0)
		return -1;
	for (const char *const *p = o->json; p != NULL && *p != NULL; p++)
		if (strchr(*p, '=') == NULL || **p == '=')
			return err_set(e, ERR_USAGE, "'%s' is not PATH=VALUE", *p);
	for (const char *const *p = o->headers; p != NULL && *p != NULL; p++) {
		struct view rest = view_of(*p), name;

		if (!view_cut(&rest, ':', &name) || !is_token(name) || strpbrk(*p, "\r\n") != NULL)
			return err_set(e, ERR_USAGE, "'%s' is not a header ('Name: value')", *p);
	}
	return 0;
}

/* --- what an answer must be ------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
unhealthy(struct probe_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
	r->healthy = false;
}

static int
judge_body(const char *body, const char *pattern, struct probe_result *r, struct err *e)
{
	AUTO_REGEX struct regex *re = NULL;

	if (regex_new(pattern, &re, e) < 0)
		return -1;
	if (!regex_match(re, body))
		unhealthy(r, "the body does not match '%s'", pattern);
	return 0;
}

static void
judge_json(const struct json_t *doc, const char *want, struct probe_result *r)
{
	const char *equals = strchr(want, '=');
	AUTO_FREE char *path = strndup(want, (size_t)(equals - want)), *text = NULL;
	const struct json_t *v = path != NULL ? jsn_get(doc, path) : NULL;
	const char *got = jsn_str(v, "");

	if (v == NULL) {
		unhealthy(r, "the body has no '%s'", path != NULL ? path : want);
		return;
	}
	if (got == NULL)
		got = text = jsn_dump(v);
	if (got == NULL || strcmp(got, equals + 1) != 0)
		unhealthy(r, "'%s' is '%s', not '%s'", path, got != NULL ? got : "", equals + 1);
}

static int
judge(const struct probe_opts *o, const struct buf *body, struct probe_result *r, struct err *e)
{
	AUTO_JSN struct json_t *doc = NULL;
	const char *list = o->status != NULL ? o->status : STATUS_DEFAULT;
	int in = status_in(list, r->status, e);

	if (in < 0)
		return -1;
	if (in == 0) {
		unhealthy(r, "answered %d, not %s", r->status, list);
		return 0;
	}
	if (o->body_re != NULL && judge_body(buf_cstr(body), o->body_re, r, e) < 0)
		return -1;
	if (!r->healthy || o->json == NULL || o->json[0] == NULL)
		return 0;
	doc = jsn_parse(view_buf(body), "body", NULL);
	if (doc == NULL) {
		unhealthy(r, "the body is not JSON");
		return 0;
	}
	for (const char *const *p = o->json; *p != NULL && r->healthy; p++)
		judge_json(doc, *p, r);
	return 0;
}

/* --- asking ------------------------------------------------------------ */

/* The beginning of a body, as much as is looked at. */
static int
read_body(struct http_stream *s, struct buf *body, struct err *e)
{
	char chunk[CHUNK];

	while (body->len < body->max) {
		size_t room = body->max - body->len;
		long n = http_read(s, chunk, room < sizeof(chunk) ? room : sizeof(chunk), e);

		if (n <= 0)
			return (int)n;
		buf_add(body, chunk, (size_t)n);
	}
	return 0;
}

static int
ask_http(const struct target *t, const struct probe_opts *o, struct probe_result *r,
	 struct buf *body, struct err *e)
{
	AUTO_HTTP struct http *h = NULL;
	AUTO_STREAM struct http_stream *s = NULL;
	struct http_opts ho = { .unix_socket = t->kind == UNIX ? t->socket : NULL,
				.ca_file = o->ca_file,
				.cert_file = o->cert_file,
				.insecure = o->insecure,
				.connect_ms = o->timeout_ms };
	struct http_req q = { .url = t->url,
			      .headers = o->headers,
			      .deadline = clock_deadline(o->timeout_ms),
			      .no_redirects = true,
			      .any_status = true };

	if (http_new(&ho, &h, e) < 0 || http_open(h, &q, &s, e) < 0)
		return -1;
	r->status = http_stream_resp(s)->status;
	if (o->body_re == NULL && (o->json == NULL || o->json[0] == NULL))
		return 0;
	return read_body(s, body, e);
}

static int
connect_to(const struct addrinfo *a, struct deadline d)
{
	AUTO_FD int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int why = 0, n;
	socklen_t size = sizeof(why);

	if (fd < 0)
		return errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	do {
		n = poll(&p, 1, (int)clock_left_ms(d, INT32_MAX));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if (n == 0)
		return ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) < 0 ? errno : why;
}

static int
ask_tcp(const struct target *t, const struct probe_opts *o, struct err *e)
{
	struct deadline d = clock_deadline(o->timeout_ms);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	int why = getaddrinfo(t->host, t->port, &hints, &all);

	if (why != 0)
		return err_set(e, ERR_TEMP, "look up '%s': %s", t->host, gai_strerror(why));
	why = ECONNREFUSED;
	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next) {
		why = connect_to(a, d);
		if (why == 0 || clock_over(d))
			break;
	}
	freeaddrinfo(all);
	if (why != 0)
		return err_set(e, ERR_TEMP, "connect to '%s' port %s: %s", t->host, t->port,
			       strerror(why));
	return 0;
}

/* No answer, a late one or a broken one are answers to our question too. */
static bool
is_answer(enum err_code code)
{
	return code == ERR_TEMP || code == ERR_DATA || code == ERR_AUTH;
}

int
probe_once(const char *target, const struct probe_opts *o, struct probe_result *ret, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(PROBE_BODY_MAX);
	struct probe_result r = { .healthy = true };
	struct err why = { 0 };
	int64_t start = clock_mono_ms();
	struct target t;
	int status;

	if (probe_check(target, o, e) < 0 || parse_target(target, &t, e) < 0)
		return -1;
	status = t.kind == TCP ? ask_tcp(&t, o, &why) : ask_http(&t, o, &r, &body, &why);
	r.ms = clock_mono_ms() - start;
	if (status < 0 && !is_answer(why.code))
		return err_set(e, why.code, "probe '%s': %s", target, why.msg);
	if (status < 0)
		unhealthy(&r, "%s", why.msg);
	else if (t.kind != TCP && judge(o, &body, &r, e) < 0)
		return -1;
	if (r.healthy && o->max_time_ms > 0 && r.ms > o->max_time_ms)
		unhealthy(&r, "took %lld ms, longer than %lld", (long long)r.ms,
			  (long long)o->max_time_ms);
	*ret = r;
	return 0;
}
