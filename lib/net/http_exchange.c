#include "net/http_exchange.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000
#define IDLE_MS	   60000
#define HOLD_BYTES (128U << 10) /* a stream's own memory */
#define POLL_MS	   1000

struct http {
	CURLM *multi;
	struct http_opts o;
	char *unix_socket, *ca_file, *cert_file, *key_file;
};

struct http_stream {
	struct http *h;
	const struct http_req *q; /* only while the request is sent */
	CURL *easy;
	struct curl_slist *headers;
	struct http_resp resp;
	struct buf head; /* this answer's header block */
	struct buf in;	 /* body that was not read yet */
	size_t in_at;
	size_t sent;
	bool head_done, paused, done, keep_body;
	CURLcode result;
	char words[CURL_ERROR_SIZE];
	struct err why; /* raised in a callback */
};

static void
global_init(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int
copy_string(char **to, const char *from)
{
	if (from == NULL)
		return 0;
	*to = strdup(from);
	return *to != NULL ? 0 : -1;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

int
http_new(const struct http_opts *o, struct http **ret, struct err *e)
{
	AUTO_HTTP struct http *h = calloc(1, sizeof(*h));

	(void)pthread_once(&once, global_init);
	if (h == NULL || (h->multi = curl_multi_init()) == NULL ||
	    copy_string(&h->unix_socket, o->unix_socket) < 0 ||
	    copy_string(&h->ca_file, o->ca_file) < 0 ||
	    copy_string(&h->cert_file, o->cert_file) < 0 ||
	    copy_string(&h->key_file, o->key_file) < 0)
		return err_nomem(e);
	h->o = *o;
	if (h->o.connect_ms == 0)
		h->o.connect_ms = CONNECT_MS;
	if (h->o.idle_ms == 0)
		h->o.idle_ms = IDLE_MS;
	*ret = TAKE_PTR(h);
	return 0;
}

void
http_free(struct http **h)
{
	if (*h == NULL)
		return;
	if ((*h)->multi != NULL)
		(void)curl_multi_cleanup((*h)->multi);
	free((*h)->unix_socket);
	free((*h)->ca_file);
	free((*h)->cert_file);
	free((*h)->key_file);
	free(*h);
	*h = NULL;
}

/* --- what libcurl calls ---------------------------------------------- */

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	struct view line = view_trim((struct view){ p, size * n }), name;

	if (view_starts(line, "HTTP/")) {
		buf_reset(&s->head);
		s->head_done = false;
		return size * n;
	}
	if (line.n == 0) {
		long status = 0;

		(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
		/* 1xx is followed by the real answer */
		s->head_done = status >= 200;
		return size * n;
	}
	if (!view_cut(&line, ':', &name))
		return size * n;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		buf_addc(&s->head, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	line = view_trim(line);
	buf_adds(&s->head, ": ");
	buf_add(&s->head, line.p, line.n);
	buf_addc(&s->head, '\n');
	return buf_ok(&s->head, "header block", &s->why) < 0 ? 0 : size * n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;

	if (!s->keep_body && s->in.len - s->in_at >= HOLD_BYTES) {
		s->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	/* what was read makes room, once room is needed */
	if (s->in_at > 0 && (s->in_at == s->in.len || s->in.len + size * n > s->in.max)) {
		memmove(s->in.data, s->in.data + s->in_at, s->in.len - s->in_at);
		s->in.len -= s->in_at;
		s->in_at = 0;
	}
	buf_add(&s->in, p, size * n);
	return buf_ok(&s->in, "answer", &s->why) < 0 ? 0 : size * n;
}

static size_t
on_send(char *p, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	size_t want = size * n;

	if (s->q->body_fn != NULL) {
		long got = s->q->body_fn(s->q->body_arg, p, want, &s->why);

		if (got < 0)
			return CURL_READFUNC_ABORT;
		s->sent += (size_t)got;
		return (size_t)got;
	}
	if (want > s->q->body_len - s->sent)
		want = s->q->body_len - s->sent;
	memcpy(p, (const char *)s->q->body + s->sent, want);
	s->sent += want;
	return want;
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http_stream *s = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return s->h->o.stop != NULL && *s->h->o.stop;
}

/* --- one attempt ------------------------------------------------------ */

static void
stream_free(struct http_stream *s)
{
	if (s->easy != NULL) {
		(void)curl_multi_remove_handle(s->h->multi, s->easy);
		curl_easy_cleanup(s->easy);
	}
	curl_slist_free_all(s->headers);
	http_resp_clear(&s->resp);
	buf_clear(&s->head);
	buf_clear(&s->in);
	free(s);
}

void
http_close(struct http_stream **s)
{
	if (*s != NULL)
		stream_free(*s);
	*s = NULL;
}

static bool
add_header(struct http_stream *s, const char *line)
{
	struct curl_slist *more = curl_slist_append(s->headers, line);

	if (more == NULL)
		return false;
	s->headers = more;
	return true;
}

static int
set_headers(struct http_stream *s, const struct http_req *q, bool authorized, struct err *e)
{
	AUTO_BUF struct buf line = BUF_INIT(HTTP_HEADERS_MAX);
	bool ok = add_header(s, "Expect:");

	for (const char *const *p = q->headers; ok && p != NULL && *p != NULL; p++)
		ok = add_header(s, *p);
	if (ok && authorized && q->authorization != NULL) {
		buf_addf(&line, "Authorization: %s", q->authorization);
		ok = buf_ok(&line, "authorization", e) == 0 && add_header(s, buf_cstr(&line));
	}
	return ok ? 0 : err_nomem(e);
}

static void
set_body(struct http_stream *s, const struct http_req *q, const char *method)
{
	bool sends = q->body != NULL || q->body_fn != NULL;
	curl_off_t size = q->body_fn != NULL ? (curl_off_t)q->body_size : (curl_off_t)q->body_len;

	if (strcmp(method, "HEAD") == 0) {
		(void)curl_easy_setopt(s->easy, CURLOPT_NOBODY, 1L);
	} else if (strcmp(method, "POST") == 0) {
		(void)curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
	} else if (sends) {
		(void)curl_easy_setopt(s->easy, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(s->easy, CURLOPT_INFILESIZE_LARGE, size);
	}
	(void)curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, on_send);
	(void)curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
}

static curl_socket_t
on_dial(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_stream *s = arg;
	int fd = s->h->o.dial.open(s->h->o.dial.arg, &s->why);

	(void)purpose;
	(void)address;
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

/* Called when the stream may be gone already: connections are the session's. */
static int
on_hang_up(void *arg, curl_socket_t fd)
{
	const struct http *h = arg;

	h->o.dial.close(h->o.dial.arg, fd);
	return 0;
}

static void
set_dial(struct http_stream *s)
{
	(void)curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETFUNCTION, on_dial);
	(void)curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETDATA, s);
	(void)curl_easy_setopt(s->easy, CURLOPT_CLOSESOCKETFUNCTION, on_hang_up);
	(void)curl_easy_setopt(s->easy, CURLOPT_CLOSESOCKETDATA, s->h);
}

static void
set_session(struct http_stream *s)
{
	const struct http *h = s->h;
	CURL *c = s->easy;

	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)h->o.connect_ms);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)((h->o.idle_ms + 999) / 1000));
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "gantry/" GANTRY_VERSION);
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (h->unix_socket != NULL)
		(void)curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, h->unix_socket);
	if (h->o.dial.open != NULL)
		set_dial(s);
	if (h->ca_file != NULL) {
		/* instead of the system's, whose folder would count besides */
		(void)curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
		(void)curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
	}
	if (h->cert_file != NULL)
		(void)curl_easy_setopt(c, CURLOPT_SSLCERT, h->cert_file);
	if (h->key_file != NULL)
		(void)curl_easy_setopt(c, CURLOPT_SSLKEY, h->key_file);
	if (h->o.tls12)
		(void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_MAX_TLSv1_2);
	if (h->o.insecure) {
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (h->o.limit_rate > 0) {
		(void)curl_easy_setopt(c, CURLOPT_MAX_RECV_SPEED_LARGE,
				       (curl_off_t)h->o.limit_rate);
		(void)curl_easy_setopt(c, CURLOPT_MAX_SEND_SPEED_LARGE,
				       (curl_off_t)h->o.limit_rate);
	}
	if (h->o.stop != NULL) {
		(void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
		(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
		(void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	}
}

/* Let libcurl do what it can now, and take note of what has ended. */
static int
pump(struct http *h, struct err *e)
{
	CURLMsg *m;
	int running, left;

	if (curl_multi_perform(h->multi, &running) != CURLM_OK)
		return err_set(e, ERR_SYS, "the HTTP library gave up");
	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct http_stream *s = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		s->result = m->data.result;
		s->done = true;
	}
	return 0;
}

static int
wait_for_more(struct http *h, int64_t ms, struct err *e)
{
	if (curl_multi_poll(h->multi, NULL, 0, (int)ms, NULL) != CURLM_OK)
		return err_set(e, ERR_SYS, "the HTTP library gave up");
	return 0;
}

static int
start(struct http *h, const struct http_req *q, const char *url, bool authorized, bool keep_body,
      struct http_stream **ret, struct err *e)
{
	const char *method = q->method != NULL ? q->method : "GET";
	struct http_stream *s = calloc(1, sizeof(*s));
	int running;

	if (s == NULL)
		return err_nomem(e);
	s->h = h;
	s->q = q;
	s->keep_body = keep_body;
	s->head.max = HTTP_HEADERS_MAX;
	s->in.max = keep_body ? (q->max != 0 ? q->max : HTTP_BODY_MAX)
			      : HOLD_BYTES + CURL_MAX_WRITE_SIZE;
	s->easy = curl_easy_init();
	if (s->easy == NULL || set_headers(s, q, authorized, e) < 0) {
		stream_free(s);
		return err_nomem(e);
	}
	set_session(s);
	set_body(s, q, method);
	(void)curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	(void)curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
	(void)curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	(void)curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	(void)curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->words);
	if (q->deadline.at_ms != 0)
		(void)curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS,
				       (long)clock_left_ms(q->deadline, INT32_MAX) + 1);
	if (curl_easy_setopt(s->easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, s->easy) != CURLM_OK ||
	    curl_multi_perform(h->multi, &running) != CURLM_OK) {
		stream_free(s);
		return err_set(e, ERR_SYS, "the HTTP library gave up");
	}
	*ret = s;
	return 0;
}

static int
failure(const struct http_stream *s, struct err *e)
{
	const char *words = s->words[0] != '\0' ? s->words : curl_easy_strerror(s->result);

	if (s->why.code != ERR_NONE)
		return err_set(e, s->why.code, "%s", s->why.msg);
	switch (s->result) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE: /* more headers than it takes */
#endif
		return err_set(e, ERR_DATA, "%s", words);
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return err_set(e, ERR_CONFIG, "%s", words);
	case CURLE_OUT_OF_MEMORY:
		return err_nomem(e);
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(e, ERR_TEMP, "stopped by a signal");
	default:
		return err_set(e, ERR_TEMP, "%s", words);
	}
}

/* Until the header block is there (or, for whole answers, all of it). */
static int
finish(struct http_stream *s, struct err *e)
{
	for (;;) {
		if (pump(s->h, e) < 0)
			return -1;
		if (s->done || (s->head_done && !s->keep_body))
			break;
		if (wait_for_more(s->h, POLL_MS, e) < 0)
			return -1;
	}
	/* a stream's body may be cut already: that is for http_read to say */
	if (s->done && s->result != CURLE_OK && (s->keep_body || !s->head_done))
		return failure(s, e);
	return 0;
}

static int
take_head(struct http_stream *s, struct err *e)
{
	curl_off_t length = -1;
	const char *url = NULL;
	long status = 0;

	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(s->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	(void)curl_easy_getinfo(s->easy, CURLINFO_EFFECTIVE_URL, &url);
	s->resp.status = (int)status;
	s->resp.length = length;
	s->resp.headers = buf_take(&s->head);
	s->resp.url = strdup(url != NULL ? url : "");
	if (s->resp.headers == NULL || s->resp.url == NULL)
		return err_nomem(e);
	s->q = NULL;
	return 0;
}

int
http_exchange(struct http *h, const struct http_req *q, const char *url, bool authorized,
	      bool keep_body, struct http_stream **ret, struct err *e)
{
	AUTO_STREAM struct http_stream *s = NULL;

	if (start(h, q, url, authorized, keep_body, &s, e) < 0 || finish(s, e) < 0 ||
	    take_head(s, e) < 0)
		return -1;
	*ret = TAKE_PTR(s);
	return 0;
}

const struct http_opts *
http_settings(const struct http *h)
{
	return &h->o;
}

void
http_take(struct http_stream *s, struct http_resp *ret)
{
	*ret = s->resp;
	ret->body = s->in;
	s->resp = (struct http_resp){ 0 };
	s->in = (struct buf){ 0 };
}

/* --- reading ---------------------------------------------------------- */

const struct http_resp *
http_stream_resp(const struct http_stream *s)
{
	return &s->resp;
}

int
http_wait(struct http_stream *s, int64_t ms, struct err *e)
{
	struct deadline until = clock_deadline(ms);

	while (s->in_at == s->in.len && !s->done) {
		if (s->paused) {
			s->paused = false;
			(void)curl_easy_pause(s->easy, CURLPAUSE_CONT);
		}
		if (pump(s->h, e) < 0)
			return -1;
		if (s->in_at < s->in.len || s->done)
			break;
		if (ms <= 0 || clock_over(until))
			return 0;
		if (wait_for_more(s->h, clock_left_ms(until, POLL_MS), e) < 0)
			return -1;
	}
	return 1;
}

long
http_read(struct http_stream *s, void *p, size_t n, struct err *e)
{
	int ready;

	do {
		ready = http_wait(s, POLL_MS, e);
		if (ready < 0)
			return -1;
	} while (ready == 0);
	if (s->in_at == s->in.len)
		return s->result == CURLE_OK ? 0 : failure(s, e);
	if (n > s->in.len - s->in_at)
		n = s->in.len - s->in_at;
	memcpy(p, s->in.data + s->in_at, n);
	s->in_at += n;
	return (long)n;
}
