/*
 * http_many: many small questions at once, asked and answered on one thread.
 *
 * Each question has a connection of its own, which ends with its answer: who
 * asks whether somebody is there wants to be let in, not to be remembered.
 * Nothing is repeated and no redirect is followed.  Names are looked up beside
 * the thread, and a deadline holds for that too.  Certificates of authorities
 * are read once for all of them.
 *
 * Follows RFC 9110 and 9112 by libcurl.  Belongs to one thread at a time.
 */
#ifndef GANTRY_NET_HTTP_MANY_H
#define GANTRY_NET_HTTP_MANY_H

#include "net/http.h"

#define HTTP_MANY_BODY_MAX (1U << 20)	/* bytes of a body, whatever is asked for */
#define HTTP_MANY_HEAD_MAX (256U << 10) /* of a header block; it is not kept */

struct http_many_req {
	const char *url;
	const char *unix_socket;    /* connect here whatever the URL's host is; or NULL */
	int netns;		    /* the network to connect from (see netns.h); -1: our own */
	bool connect_only;	    /* whether the URL's host and port take a connection */
	const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
	size_t body;		    /* bytes of it that are wanted; 0: the status is all */
	int64_t timeout_ms;	    /* of everything; more than 0 */
	void *arg;		    /* comes back with the answer */
};

struct http_many_answer {
	void *arg;
	int status; /* 0 if there is none */
	int64_t ms;
	int64_t cert_until; /* seconds since 1970 when the server's certificate ends; 0: no TLS */
	char peer[64];	    /* address that answered, "" if none */
	struct buf body;    /* its beginning, as much as was wanted */
	struct err e;	    /* why there is no answer: codes as in http.h */
};
void http_many_answer_clear(struct http_many_answer *a);
#define AUTO_ANSWER AUTO(http_many_answer_clear)

struct http_many;
/* Of the options only ca_file, cert_file and insecure count; they are borrowed. */
int http_many_new(const struct http_opts *o, struct http_many **ret, struct err *e);
void http_many_free(struct http_many **m);
#define AUTO_MANY AUTO(http_many_free)

/* Of the request only netns must stay until the answer. */
int http_many_add(struct http_many *m, const struct http_many_req *q, struct err *e);
/* Wait at most ms for an answer, in the order in which they come: 1 and *ret,
 * to be cleared; 0 none yet; -1.  A signal ends the wait. */
int http_many_next(struct http_many *m, int64_t ms, struct http_many_answer *ret, struct err *e);

#endif
