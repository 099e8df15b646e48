#include "net/http_many.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "net/netns.h"

#define BUFFER_BYTES 4096L /* answers are small and connections many */

struct http_many {
	CURLM *multi;
	struct http_opts o;
	struct question *open; /* all that are not answered yet */
};

struct question {
	struct question *next, **link;
	CURL *easy;
	struct curl_slist *headers;
	void *arg;
	char *socket;
	int netns, net_errno;
	int64_t start_ms;
	size_t want, head;
	bool connect_only, enough; /* enough: the rest was not wanted */
	struct buf body;
	char words[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
global_init(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
http_many_answer_clear(struct http_many_answer *a)
{
	buf_clear(&a->body);
}

int
http_many_new(const struct http_opts *o, struct http_many **ret, struct err *e)
{
	AUTO_MANY struct http_many *m = calloc(1, sizeof(*m));

	(void)pthread_once(&once, global_init);
	if (m == NULL || (m->multi = curl_multi_init()) == NULL)
		return err_nomem(e);
	m->o = *o;
	*ret = TAKE_PTR(m);
	return 0;
}

static void
question_free(struct http_many *m, struct question *q)
{
	if (q->link != NULL) {
		*q->link = q->next;
		if (q->next != NULL)
			q->next->link = q->link;
	}
	if (q->easy != NULL) {
		(void)curl_multi_remove_handle(m->multi, q->easy);
		curl_easy_cleanup(q->easy);
	}
	curl_slist_free_all(q->headers);
	buf_clear(&q->body);
	free(q->socket);
	free(q);
}

void
http_many_free(struct http_many **m)
{
	if (*m == NULL)
		return;
	while ((*m)->open != NULL)
		question_free(*m, (*m)->open);
	if ((*m)->multi != NULL)
		(void)curl_multi_cleanup((*m)->multi);
	free(*m);
	*m = NULL;
}

/* --- what libcurl calls ---------------------------------------------- */

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct question *q = arg;
	long status = 0;

	q->head += size * n;
	if (q->head > HTTP_MANY_HEAD_MAX)
		return 0;
	if (size * n > 2 || *p != '\r' || q->want > 0)
		return size * n;
	(void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	/* 1xx is followed by the real answer */
	q->enough = status >= 200;
	return q->enough ? 0 : size * n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct question *q = arg;
	size_t room = q->want - q->body.len, take = size * n < room ? size * n : room;

	buf_add(&q->body, p, take);
	q->enough = q->body.len == q->want;
	return q->enough ? 0 : size * n;
}

static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct question *q = arg;
	int fd = netns_socket(q->netns, a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

	(void)purpose;
	if (fd < 0)
		q->net_errno = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* --- asking ------------------------------------------------------------ */

static int
set_headers(struct question *q, const char *const *headers)
{
	for (const char *const *p = headers; p != NULL && *p != NULL; p++) {
		struct curl_slist *more = curl_slist_append(q->headers, *p);

		if (more == NULL)
			return -1;
		q->headers = more;
	}
	return 0;
}

static void
set_options(const struct http_many *m, struct question *q, const struct http_many_req *r)
{
	CURL *c = q->easy;

	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	if (r->connect_only || r->netns >= 0 || r->unix_socket != NULL)
		(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)r->timeout_ms);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "gantry/" GANTRY_VERSION);
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	(void)curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	(void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	(void)curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
	(void)curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, r->connect_only ? 1L : 0L);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, q->headers);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, q);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, q);
	(void)curl_easy_setopt(c, CURLOPT_PRIVATE, q);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, q->words);
	if (r->netns >= 0) {
		(void)curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
		(void)curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, q);
	}
	if (r->unix_socket != NULL)
		(void)curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
	/* one file and no folder: then libcurl reads it once for all */
	(void)curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	if (m->o.ca_file != NULL)
		(void)curl_easy_setopt(c, CURLOPT_CAINFO, m->o.ca_file);
	if (m->o.cert_file != NULL)
		(void)curl_easy_setopt(c, CURLOPT_SSLCERT, m->o.cert_file);
	if (m->o.insecure) {
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void
keep(struct http_many *m, struct question *q)
{
	q->next = m->open;
	q->link = &m->open;
	if (q->next != NULL)
		q->next->link = &q->next;
	m->open = q;
}

int
http_many_add(struct http_many *m, const struct http_many_req *r, struct err *e)
{
	struct question *q;

	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return err_nomem(e);
	q->arg = r->arg;
	q->netns = r->netns;
	q->connect_only = r->connect_only;
	q->want = r->body < HTTP_MANY_BODY_MAX ? r->body : HTTP_MANY_BODY_MAX;
	q->body.max = q->want;
	q->start_ms = clock_mono_ms();
	q->easy = curl_easy_init();
	if (r->unix_socket != NULL)
		q->socket = strdup(r->unix_socket);
	if (q->easy == NULL || set_headers(q, r->headers) < 0 ||
	    (r->unix_socket != NULL && q->socket == NULL)) {
		question_free(m, q);
		return err_nomem(e);
	}
	set_options(m, q, r);
	if (curl_easy_setopt(q->easy, CURLOPT_URL, r->url) != CURLE_OK ||
	    curl_multi_add_handle(m->multi, q->easy) != CURLM_OK) {
		question_free(m, q);
		return err_set(e, ERR_SYS, "the HTTP library gave up");
	}
	keep(m, q);
	return 0;
}

/* --- the answer ---------------------------------------------------------- */

/* The first certificate is the server's own. */
static int64_t
cert_until(CURL *easy)
{
	static const char key[] = "Expire date:";
	struct curl_certinfo *all = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &all) != CURLE_OK || all == NULL ||
	    all->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *s = all->certinfo[0]; s != NULL; s = s->next)
		if (strncasecmp(s->data, key, sizeof(key) - 1) == 0)
			return (int64_t)curl_getdate(s->data + sizeof(key) - 1, NULL);
	return 0;
}

static int
no_connection(const struct question *q, struct err *e)
{
	CURLU *u = curl_url();
	char *url = NULL, *host = NULL, *port = NULL;
	long why = q->net_errno;
	const char *words;

	if (why == EPERM) {
		curl_url_cleanup(u);
		return err_set(e, ERR_SYS, "enter the container's network: %s", strerror(EPERM));
	}
	if (why == 0)
		(void)curl_easy_getinfo(q->easy, CURLINFO_OS_ERRNO, &why);
	words = strerror(why != 0 ? (int)why : ECONNREFUSED);
	(void)curl_easy_getinfo(q->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (q->socket != NULL)
		err_set(e, ERR_TEMP, "connect to '%s': %s", q->socket, words);
	else if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		 curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		 curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		err_set(e, ERR_TEMP, "connect to '%s' port %s: %s", host, port, words);
	else
		err_set(e, ERR_TEMP, "%s", q->words);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return -1;
}

static int
failure(const struct question *q, CURLcode result, struct err *e)
{
	const char *words = q->words[0] != '\0' ? q->words : curl_easy_strerror(result);

	if (q->head > HTTP_MANY_HEAD_MAX)
		return err_set(e, ERR_DATA, "header block is larger than %u bytes",
			       HTTP_MANY_HEAD_MAX);
	switch (result) {
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
	case CURLE_COULDNT_CONNECT:
		return no_connection(q, e);
	default:
		return err_set(e, ERR_TEMP, "%s", words);
	}
}

/* What an ended question has to say; the question is gone. */
static void
conclude(struct http_many *m, struct question *q, CURLcode result, struct http_many_answer *a)
{
	const char *peer = NULL;
	long status = 0;

	*a = (struct http_many_answer){ .arg = q->arg, .ms = clock_mono_ms() - q->start_ms };
	if (result != CURLE_OK && !(result == CURLE_WRITE_ERROR && q->enough))
		(void)failure(q, result, &a->e);
	(void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(q->easy, CURLINFO_PRIMARY_IP, &peer);
	(void)snprintf(a->peer, sizeof(a->peer), "%s", peer != NULL ? peer : "");
	a->status = (int)status;
	a->cert_until = cert_until(q->easy);
	a->body = q->body;
	q->body = (struct buf){ 0 };
	question_free(m, q);
}

static int
poll_once(struct http_many *m, int64_t ms, struct err *e)
{
	CURLMcode why = curl_multi_poll(m->multi, NULL, 0, (int)ms, NULL);
	int running;

	if (why == CURLM_OK)
		why = curl_multi_perform(m->multi, &running);
	if (why == CURLM_OUT_OF_MEMORY)
		return err_nomem(e);
	if (why != CURLM_OK)
		return err_set(e, ERR_SYS, "the HTTP library gave up");
	return 0;
}

int
http_many_next(struct http_many *m, int64_t ms, struct http_many_answer *ret, struct err *e)
{
	CURLMsg *msg;
	int left;

	msg = curl_multi_info_read(m->multi, &left);
	if (msg == NULL && poll_once(m, ms, e) < 0)
		return -1;
	if (msg == NULL)
		msg = curl_multi_info_read(m->multi, &left);
	if (msg == NULL || msg->msg != CURLMSG_DONE)
		return 0;
	struct question *q = NULL;
	(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&q);
	conclude(m, q, msg->data.result, ret);
	return 1;
}
