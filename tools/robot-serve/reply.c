#include "reply.h"

#include <microhttpd.h>
#include <pthread.h>
#include <string.h>

struct kept {
	pthread_mutex_t lock;
	struct MHD_Response *response; /* NULL: none yet */
	int status;
	const char *type;
	struct view body; /* response's own */
};

struct replies {
	struct kept kept[ENDPOINTS];
};

static const char *const every_answer[][2] = {
	{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-store" },
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
	  "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

int
replies_new(struct replies **ret, struct err *e)
{
	struct replies *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < ENDPOINTS; i++)
		(void)pthread_mutex_init(&r->kept[i].lock, NULL);
	*ret = r;
	return 0;
}

void
replies_free(struct replies **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < ENDPOINTS; i++) {
		if ((*r)->kept[i].response != NULL)
			MHD_destroy_response((*r)->kept[i].response);
		(void)pthread_mutex_destroy(&(*r)->kept[i].lock);
	}
	free(*r);
	*r = NULL;
}

static void
add_headers(struct MHD_Response *m, const struct answer *a, bool last)
{
	for (size_t i = 0; i < COUNT_OF(every_answer); i++)
		(void)MHD_add_response_header(m, every_answer[i][0], every_answer[i][1]);
	(void)MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	if (a->allow != NULL)
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_ALLOW, a->allow);
	if (a->retry_later)
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (last)
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
}

static struct MHD_Response *
make(struct answer *a, bool last)
{
	size_t n = a->body.len;
	char *body = buf_take(&a->body);
	struct MHD_Response *m;

	if (body == NULL)
		return NULL;
	m = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
	if (m == NULL)
		free(body);
	else
		add_headers(m, a, last);
	return m;
}

static bool
queue(struct MHD_Connection *c, int status, struct MHD_Response *m)
{
	return MHD_queue_response(c, (unsigned int)status, m) == MHD_YES;
}

static bool
is_kept(const struct kept *k, const struct answer *a)
{
	return k->response != NULL && k->status == a->status && k->type == a->type &&
	       k->body.n == a->body.len && memcmp(k->body.p, a->body.data, k->body.n) == 0;
}

static void
keep(struct kept *k, struct answer *a)
{
	struct view body = view_buf(&a->body);
	struct MHD_Response *m = make(a, false);

	if (k->response != NULL)
		MHD_destroy_response(k->response);
	*k = (struct kept){
		.lock = k->lock, .response = m, .status = a->status, .type = a->type, .body = body
	};
}

bool
reply_stream(struct MHD_Connection *c, struct answer *a, struct MHD_Response *m, bool last)
{
	add_headers(m, a, last);
	return queue(c, a->status, m);
}

bool
reply_send(struct replies *r, struct MHD_Connection *c, struct answer *a, bool last)
{
	struct kept *k = &r->kept[a->endpoint];
	struct MHD_Response *m;
	bool queued;

	if (!a->lasting || last) {
		m = make(a, last);
		queued = m != NULL && queue(c, a->status, m);
		if (m != NULL)
			MHD_destroy_response(m);
		return queued;
	}
	(void)pthread_mutex_lock(&k->lock);
	if (!is_kept(k, a))
		keep(k, a);
	queued = k->response != NULL && queue(c, a->status, k->response);
	(void)pthread_mutex_unlock(&k->lock);
	return queued;
}
