#include "net/otlp.h"

#include "net/http.h"

struct otlp {
	const struct trace_settings *settings;
	const char *headers[TRACE_HEADERS_MAX + 2];
	struct http *http; /* made with the first post */
};

int
otlp_new(const struct trace_settings *settings, struct otlp **ret, struct err *e)
{
	struct otlp *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return err_nomem(e);
	o->settings = settings;
	o->headers[0] = "Content-Type: application/json";
	for (size_t i = 0; settings->headers[i] != NULL; i++)
		o->headers[i + 1] = settings->headers[i];
	*ret = o;
	return 0;
}

void
otlp_free(struct otlp **o)
{
	if (*o == NULL)
		return;
	http_free(&(*o)->http);
	free(*o);
	*o = NULL;
}

int
otlp_post(void *otlp, const struct trace_post *p, struct trace_reply *ret, struct err *e)
{
	struct otlp *o = otlp;
	AUTO_RESP struct http_resp r = { 0 };
	const struct http_opts opts = { .ca_file = o->settings->ca_file,
					.cert_file = o->settings->cert_file,
					.stop = p->stop };
	const struct http_req q = { .method = "POST",
				    .url = o->settings->url,
				    .headers = o->headers,
				    .body = p->body.p,
				    .body_len = p->body.n,
				    .max = TRACE_REPLY_MAX,
				    .deadline = p->deadline,
				    .any_status = true };

	if (o->http == NULL && http_new(&opts, &o->http, e) < 0)
		return -1;
	if (http_do(o->http, &q, &r, e) < 0)
		return -1;
	ret->status = r.status;
	ret->retry_after_ms = http_retry_after(&r);
	buf_add(&ret->body, r.body.data, r.body.len);
	return 0;
}
