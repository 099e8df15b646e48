#include "net/http.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/jsn.h"

#define CONNECT_MS     10000
#define IDLE_MS	       60000
#define BACKOFF_MS     250
#define BACKOFF_MAX_MS 15000
#define RETRY_AFTER_MS 120000
#define HOLD_BYTES     (1U << 20) /* a stream's own memory */
#define POLL_MS	       1000
#define EXPLAIN_BODY   (16U << 10)

struct http {
	CURLM *multi;
	struct http_opts o;
	char *unix_socket, *ca_file, *cert_file;
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
	    copy_string(&h->cert_file, o->cert_file) < 0)
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
	free(*h);
	*h = NULL;
}

void
http_resp_clear(struct http_resp *r)
{
	free(r->headers);
	free(r->url);
	buf_clear(&r->body);
	*r = (struct http_resp){ 0 };
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
	/* what was read makes room, or a slow reader would meet the limit */
	if (s->in_at > 0) {
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
	if (h->ca_file != NULL)
		(void)curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
	if (h->cert_file != NULL)
		(void)curl_easy_setopt(c, CURLOPT_SSLCERT, h->cert_file);
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

/* --- redirects -------------------------------------------------------- */

static char *
url_part(CURLU *u, CURLUPart part, unsigned int flags)
{
	char *s = NULL;

	return curl_url_get(u, part, &s, flags) == CURLUE_OK ? s : NULL;
}

static bool
part_equal(CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = url_part(a, part, CURLU_DEFAULT_PORT), *y = url_part(b, part, CURLU_DEFAULT_PORT);
	bool same = x != NULL && y != NULL && strcasecmp(x, y) == 0;

	curl_free(x);
	curl_free(y);
	return same;
}

/* Where an answer points to.  *authorized becomes false when that is another
 * scheme, host or port. */
static int
follow(const char *from, const char *location, char **ret, bool *authorized, struct err *e)
{
	CURLU *a = curl_url(), *b = curl_url();
	char *scheme_a = NULL, *scheme_b = NULL, *full = NULL;
	int status = -1;

	if (a == NULL || b == NULL || curl_url_set(a, CURLUPART_URL, from, 0) != CURLUE_OK ||
	    curl_url_set(b, CURLUPART_URL, from, 0) != CURLUE_OK ||
	    curl_url_set(b, CURLUPART_URL, location, 0) != CURLUE_OK) {
		err_set(e, ERR_DATA, "redirected to '%s', which is no address", location);
		goto out;
	}
	scheme_a = url_part(a, CURLUPART_SCHEME, 0);
	scheme_b = url_part(b, CURLUPART_SCHEME, 0);
	full = url_part(b, CURLUPART_URL, 0);
	if (scheme_a == NULL || scheme_b == NULL || full == NULL) {
		err_nomem(e);
		goto out;
	}
	if (strcmp(scheme_a, "https") == 0 && strcmp(scheme_b, "https") != 0) {
		err_set(e, ERR_DATA, "redirected from https to '%s'", full);
		goto out;
	}
	if (strcmp(scheme_a, scheme_b) != 0 || !part_equal(a, b, CURLUPART_HOST) ||
	    !part_equal(a, b, CURLUPART_PORT))
		*authorized = false;
	*ret = strdup(full);
	status = *ret != NULL ? 0 : err_nomem(e);
out:
	curl_free(scheme_a);
	curl_free(scheme_b);
	curl_free(full);
	curl_url_cleanup(a);
	curl_url_cleanup(b);
	return status;
}

static bool
is_redirect(const struct http_req *q, int status)
{
	bool reads = q->method == NULL || strcmp(q->method, "GET") == 0 ||
		     strcmp(q->method, "HEAD") == 0;

	return reads && !q->no_redirects &&
	       (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static int
attempt(struct http *h, const struct http_req *q, bool keep_body, struct http_stream **ret,
	struct err *e)
{
	AUTO_FREE char *url = strdup(q->url);
	bool authorized = true;

	if (url == NULL)
		return err_nomem(e);
	for (int hops = 0;; hops++) {
		AUTO_STREAM struct http_stream *s = NULL;
		char location[4096];
		char *next = NULL;

		if (start(h, q, url, authorized, keep_body, &s, e) < 0 || finish(s, e) < 0 ||
		    take_head(s, e) < 0)
			return -1;
		if (!is_redirect(q, s->resp.status) ||
		    !http_header(&s->resp, "location", location, sizeof(location))) {
			*ret = TAKE_PTR(s);
			return 0;
		}
		if (hops == HTTP_REDIRECTS_MAX)
			return err_set(e, ERR_DATA, "more than %d redirects", HTTP_REDIRECTS_MAX);
		if (follow(url, location, &next, &authorized, e) < 0)
			return -1;
		free(url);
		url = next;
	}
}

/* --- retries ---------------------------------------------------------- */

static bool
may_repeat(const struct http_req *q)
{
	if (q->body_fn != NULL)
		return false;
	return q->repeatable || q->method == NULL || strcmp(q->method, "POST") != 0;
}

static bool
is_transient(int status)
{
	return status == 408 || status == 429 || (status >= 500 && status != 501 && status <= 504);
}

static int64_t
retry_after_ms(const struct http_resp *r)
{
	char value[128];
	char *end;
	long seconds;
	time_t at;
	int64_t ms;

	if (r == NULL || !http_header(r, "retry-after", value, sizeof(value)))
		return -1;
	seconds = strtol(value, &end, 10);
	if (end != value && *end == '\0') {
		ms = (int64_t)seconds * 1000;
	} else {
		at = curl_getdate(value, NULL);
		if (at < 0)
			return -1;
		ms = ((int64_t)at - clock_wall_ns() / 1000000000) * 1000;
	}
	if (ms < 0)
		ms = 0;
	return ms < RETRY_AFTER_MS ? ms : RETRY_AFTER_MS;
}

static int64_t
backoff_ms(int tries)
{
	int64_t cap = BACKOFF_MS;
	uint32_t r = 0;

	while (tries-- > 0 && cap < BACKOFF_MAX_MS)
		cap *= 2;
	if (cap > BACKOFF_MAX_MS)
		cap = BACKOFF_MAX_MS;
	if (getrandom(&r, sizeof(r), 0) < 0)
		r = 0;
	return r % (uint32_t)cap;
}

static int
wait_before_retry(struct http *h, const struct http_req *q, const struct http_resp *r, int tries)
{
	int64_t ms = retry_after_ms(r);

	if (ms < 0)
		ms = backoff_ms(tries);
	if (q->deadline.at_ms != 0 && clock_left_ms(q->deadline, INT64_MAX) <= ms)
		return -1;
	clock_sleep_ms(ms, h->o.stop);
	return h->o.stop != NULL && *h->o.stop ? -1 : 0;
}

static int
request(struct http *h, const struct http_req *q, bool keep_body, struct http_stream **ret,
	struct err *e)
{
	for (int tries = 0;; tries++) {
		AUTO_STREAM struct http_stream *s = NULL;
		struct err why = { 0 };
		char words[ERR_MSG_MAX / 2];
		bool again = tries < h->o.retries && may_repeat(q);

		if (attempt(h, q, keep_body, &s, &why) < 0) {
			if (why.code != ERR_TEMP || !again ||
			    wait_before_retry(h, q, NULL, tries) < 0)
				return err_set(e, why.code, "%s", why.msg);
			continue;
		}
		if (q->any_status || !is_transient(s->resp.status)) {
			*ret = TAKE_PTR(s);
			return 0;
		}
		if (again && wait_before_retry(h, q, &s->resp, tries) == 0)
			continue;
		s->resp.body = s->in;
		s->in = (struct buf){ 0 };
		http_explain(&s->resp, words, sizeof(words));
		return err_set(e, ERR_TEMP, "%s", words);
	}
}

int
http_do(struct http *h, const struct http_req *q, struct http_resp *ret, struct err *e)
{
	AUTO_STREAM struct http_stream *s = NULL;

	http_resp_clear(ret);
	if (request(h, q, true, &s, e) < 0)
		return -1;
	*ret = s->resp;
	ret->body = s->in;
	s->resp = (struct http_resp){ 0 };
	s->in = (struct buf){ 0 };
	return 0;
}

int
http_open(struct http *h, const struct http_req *q, struct http_stream **ret, struct err *e)
{
	return request(h, q, false, ret, e);
}

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

/* --- answers ---------------------------------------------------------- */

bool
http_header_n(const struct http_resp *r, const char *name, size_t i, char *out, size_t size)
{
	struct view rest = view_of(r->headers != NULL ? r->headers : ""), line, key;

	while (view_cut(&rest, '\n', &line)) {
		if (!view_cut(&line, ':', &key) || !view_eq(key, name) || i-- > 0)
			continue;
		line = view_trim(line);
		(void)snprintf(out, size, VIEW_FMT, VIEW_ARG(line));
		return true;
	}
	return false;
}

bool
http_header(const struct http_resp *r, const char *name, char *out, size_t size)
{
	return http_header_n(r, name, 0, out, size);
}

void
http_explain(const struct http_resp *r, char *out, size_t size)
{
	AUTO_JSN struct json_t *v = jsn_parse(view_buf(&r->body), "answer", NULL);
	const struct json_t *first = jsn_at(jsn_get(v, "errors"), 0);
	const char *code = jsn_str_or(first, "code", ""), *words = jsn_str(first, "message");
	char type[128];

	if (words == NULL)
		words = jsn_str(v, "message");
	if (words != NULL) {
		(void)snprintf(out, size, "%d %s%s%s", r->status, code, code[0] != '\0' ? ": " : "",
			       words);
		return;
	}
	if (r->body.len > 0 && http_header(r, "content-type", type, sizeof(type))) {
		type[strcspn(type, ";")] = '\0';
		(void)snprintf(out, size, "%d, answered %s", r->status, type);
		return;
	}
	/* an answer to HEAD has only its number */
	(void)snprintf(out, size, "%d%s", r->status,
		       r->status == 401	  ? ": credentials are needed"
		       : r->status == 403 ? ": not allowed"
		       : r->status == 404 ? ": not found"
					  : "");
}

void
http_quote(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", c) != NULL)
			buf_addc(b, (char)c);
		else
			buf_addf(b, "%%%02X", c);
	}
}
