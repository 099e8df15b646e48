#include "net/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "net/http_exchange.h"

#define BACKOFF_MS     250
#define BACKOFF_MAX_MS 15000
#define RETRY_AFTER_MS 120000

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
		const struct http_resp *r;

		if (http_exchange(h, q, url, authorized, keep_body, &s, e) < 0)
			return -1;
		r = http_stream_resp(s);
		if (!is_redirect(q, r->status) ||
		    !http_header(r, "location", location, sizeof(location))) {
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
	return q->repeatable || q->method == NULL ||
	       (strcmp(q->method, "POST") != 0 && strcmp(q->method, "PATCH") != 0);
}

static bool
is_transient(int status)
{
	return status == 408 || status == 429 || (status >= 500 && status != 501 && status <= 504);
}

int64_t
http_retry_after(const struct http_resp *r)
{
	char value[128];
	char *end;
	long seconds;
	time_t at;
	int64_t ms;

	if (!http_header(r, "retry-after", value, sizeof(value)))
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
	return ms < 0 ? 0 : ms;
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
	int64_t ms = r != NULL ? http_retry_after(r) : -1;

	if (ms < 0)
		ms = backoff_ms(tries);
	/* a quota that is used up for hours */
	if (ms > RETRY_AFTER_MS)
		return -1;
	if (q->deadline.at_ms != 0 && clock_left_ms(q->deadline, INT64_MAX) <= ms)
		return -1;
	clock_sleep_ms(ms, http_settings(h)->stop);
	return http_settings(h)->stop != NULL && *http_settings(h)->stop ? -1 : 0;
}

static int
request(struct http *h, const struct http_req *q, bool keep_body, struct http_stream **ret,
	struct err *e)
{
	for (int tries = 0;; tries++) {
		AUTO_STREAM struct http_stream *s = NULL;
		AUTO_RESP struct http_resp r = { 0 };
		struct err why = { 0 };
		char words[ERR_MSG_MAX / 2];
		bool again = tries < http_settings(h)->retries && may_repeat(q);

		if (attempt(h, q, keep_body, &s, &why) < 0) {
			if (why.code != ERR_TEMP || !again ||
			    wait_before_retry(h, q, NULL, tries) < 0)
				return err_set(e, why.code, "%s", why.msg);
			continue;
		}
		if (q->any_status || !is_transient(http_stream_resp(s)->status)) {
			*ret = TAKE_PTR(s);
			return 0;
		}
		if (again && wait_before_retry(h, q, http_stream_resp(s), tries) == 0)
			continue;
		http_take(s, &r);
		http_explain(&r, words, sizeof(words));
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
	http_take(s, ret);
	return 0;
}

int
http_open(struct http *h, const struct http_req *q, struct http_stream **ret, struct err *e)
{
	return request(h, q, false, ret, e);
}
