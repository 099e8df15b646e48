/*
 * http: one request, answered or explained, retried where that is safe.
 *
 * A session (struct http) keeps connections and the settings that its requests
 * share.  It belongs to one thread at a time; any number of its streams may be
 * open, but a stream's body must not be sent by a request of the same session
 * (use two sessions to copy from one server to another, or to the same one).
 *
 * Follows RFC 9110 and 9112 by libcurl.  Redirects (301, 302, 303, 307, 308)
 * are followed for GET and HEAD, at most HTTP_REDIRECTS_MAX; Authorization,
 * and any header marked secret, goes no further than the scheme, host and port
 * it was given for, and https never becomes http.
 *
 * Retries: connection failures, cut answers, 408, 429, 500, 502, 503 and 504
 * are tried again up to `retries` times for GET, HEAD, PUT, DELETE (and for
 * POST and PATCH if the request says that it may be repeated), after a backoff of
 * 0.25 s, doubled each time up to 15 s, with full jitter; Retry-After
 * (seconds or a date) is honoured up to 120 s, more is given up at once.  A body that comes from a
 * callback is sent once.  All of it ends at the deadline.
 *
 * Errors: ERR_TEMP if the other side was not reached, did not finish in time
 * or stays at 5xx or 429; ERR_DATA for an answer over a limit, a broken one or
 * a bad URL; ERR_CONFIG for an unusable CA file; ERR_SYS for this machine.
 * Other answers are no error here: the caller reads the status.
 */
#ifndef GANTRY_NET_HTTP_H
#define GANTRY_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

#define HTTP_REDIRECTS_MAX 5
#define HTTP_HEADERS_MAX   (64U << 10) /* bytes of one answer's header block */
#define HTTP_BODY_MAX	   (8U << 20)  /* if a request does not say */

/* Told of connections to a unix socket: somebody else must answer there. */
struct http_dial {
	int (*open)(void *arg, struct err *e); /* a socket to connect with, or -1 */
	void (*close)(void *arg, int fd);
	void *arg; /* must outlive the session */
};

struct http_opts {
	const char *unix_socket;   /* connect here whatever the URL's host is */
	struct http_dial dial;	   /* with sockets of these; {0}: our own */
	const char *ca_file;	   /* PEM, instead of the system's */
	const char *cert_file;	   /* PEM, client certificate, and its key if key_file is NULL */
	const char *key_file;	   /* PEM */
	bool tls12;		   /* no newer TLS */
	bool insecure;		   /* do not verify the server's certificate */
	int64_t connect_ms;	   /* default 10 s */
	int64_t idle_ms;	   /* no byte for so long is a failure; default 60 s */
	int retries;		   /* default 0: try once */
	int64_t limit_rate;	   /* bytes a second in each direction; 0: none */
	const volatile bool *stop; /* gives up with ERR_TEMP when it becomes true; may be NULL */
};

struct http;
int http_new(const struct http_opts *o, struct http **ret, struct err *e);
void http_free(struct http **h);
#define AUTO_HTTP AUTO(http_free)

/* The next n bytes of a request's body into p: what it gave, 0 at the end, -1
 * with *e. */
typedef long http_body_fn(void *arg, void *p, size_t n, struct err *e);

struct http_req {
	const char *method; /* "GET" if NULL */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const char *authorization;  /* the header's value, or NULL */
	const void *body;	    /* bytes to send, or NULL */
	size_t body_len;
	http_body_fn *body_fn;			     /* or from here, body_size bytes in all */
	int (*body_again)(void *arg, struct err *e); /* begin with it anew; may be NULL */
	void *body_arg;
	int64_t body_size;
	size_t max;		  /* bytes of the answer's body; 0: HTTP_BODY_MAX */
	struct deadline deadline; /* {0}: none but idle_ms */
	bool repeatable;	  /* this POST or PATCH may be sent again */
	bool no_redirects;
	bool any_status; /* 5xx and 429 are answers as well: not retried, no error */
};

struct http_resp {
	int status;
	char *headers;	 /* "name: value\n" lines, names in lower case */
	struct buf body; /* empty for HEAD and for streams */
	char *url;	 /* after redirects */
	int64_t length;	 /* Content-Length, -1 if not given */
};
void http_resp_clear(struct http_resp *r);
#define AUTO_RESP AUTO(http_resp_clear)

/* One answer, whole.  *ret is overwritten; {0} or cleared before. */
int http_do(struct http *h, const struct http_req *q, struct http_resp *ret, struct err *e);

/* The first header of that name (in lower case), copied to out and cut to its
 * size; false if there is none.  http_header_n gives the i-th. */
bool http_header(const struct http_resp *r, const char *name, char *out, size_t size);
bool http_header_n(const struct http_resp *r, const char *name, size_t i, char *out, size_t size);
/* What Retry-After says (seconds or a date), in milliseconds; -1 if it does not. */
int64_t http_retry_after(const struct http_resp *r);
/* "401 UNAUTHORIZED: authentication required", "429: the first line" or "502,
 * answered text/html": an answer's error in words, from OCI or Docker error
 * JSON or plain text if that is what it is. */
void http_explain(const struct http_resp *r, char *out, size_t size);

/* One answer as a stream: the header block now, the body by http_read.  What
 * is not read waits in the kernel; a stream holds at most 128 KiB of its own. */
struct http_stream;
int http_open(struct http *h, const struct http_req *q, struct http_stream **ret, struct err *e);
const struct http_resp *http_stream_resp(const struct http_stream *s);
/* Up to n bytes: what came, 0 at the end, -1 with *e (a body shorter than
 * Content-Length is ERR_TEMP). */
long http_read(struct http_stream *s, void *p, size_t n, struct err *e);
/* Wait at most ms for something to read: 1 yes (or the end), 0 no, -1 error. */
int http_wait(struct http_stream *s, int64_t ms, struct err *e);
void http_close(struct http_stream **s);
#define AUTO_STREAM AUTO(http_close)

/* Percent-encode s for a query value or a path segment, appended to b. */
void http_quote(struct buf *b, const char *s);

#endif
