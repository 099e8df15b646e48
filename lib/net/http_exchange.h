/*
 * http_exchange: one request and its answer through libcurl, without redirects
 * and without a second try.  For http.c alone.
 */
#ifndef GANTRY_NET_HTTP_EXCHANGE_H
#define GANTRY_NET_HTTP_EXCHANGE_H

#include "net/http.h"

/* Until the header block is there, or the whole answer with keep_body.
 * authorized: whether q's Authorization goes along. */
int http_exchange(struct http *h, const struct http_req *q, const char *url, bool authorized,
		  bool keep_body, struct http_stream **ret, struct err *e);
/* The answer with the body that was kept; the stream is only to be closed. */
void http_take(struct http_stream *s, struct http_resp *ret);
const struct http_opts *http_settings(const struct http *h);

#endif
