#include "fleet/probe.h"

#include <stdlib.h>
#include <string.h>

#include "engine/local.h"
#include "fleet/probe_parts.h"

#define DOCKER_HOST "unix:///var/run/docker.sock"
#define WAIT_MS	    1000
#define STATUS_OK   200
#define STATUS_NONE 404

struct probe_many {
	struct probe_opts o;
	struct regex *re;
	struct http_many *http;
	struct asked *open;
};

/* One target on its way to an answer: its engine may have to be asked first. */
struct asked {
	struct asked *next, **link;
	struct probe_target t;
	void *arg;
	int64_t start_ms;
	struct deadline end;
	int netns;
	bool peeking;
};

static bool
is_token(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return false;
	return v.n > 0;
}

int
probe_check_opts(const struct probe_opts *o, struct err *e)
{
	AUTO_REGEX struct regex *re = NULL;

	if (o->status != NULL && probe_status_in(o->status, 0, e) < 0)
		return -1;
	for (const char *const *p = o->json; p != NULL && *p != NULL; p++)
		if (strchr(*p, '=') == NULL || **p == '=')
			return err_set(e, ERR_USAGE, "'%s' is not PATH=VALUE", *p);
	for (const char *const *p = o->headers; p != NULL && *p != NULL; p++) {
		struct view rest = view_of(*p), name;

		if (!view_cut(&rest, ':', &name) || !is_token(name) || strpbrk(*p, "\r\n") != NULL)
			return err_set(e, ERR_USAGE, "'%s' is not a header ('Name: value')", *p);
	}
	return o->body_re != NULL ? regex_new(o->body_re, &re, e) : 0;
}

int
probe_check(const char *target, struct err *e)
{
	AUTO_TARGET struct probe_target t = { 0 };

	return probe_target_parse(target, &t, e);
}

int
probe_many_new(const struct probe_opts *o, struct probe_many **ret, struct err *e)
{
	AUTO_PROBES struct probe_many *m = calloc(1, sizeof(*m));
	struct http_opts ho = { .ca_file = o->ca_file,
				.cert_file = o->cert_file,
				.insecure = o->insecure };

	if (m == NULL)
		return err_nomem(e);
	m->o = *o;
	if (m->o.docker_host == NULL || m->o.docker_host[0] == '\0')
		m->o.docker_host = DOCKER_HOST;
	if (probe_check_opts(o, e) < 0 ||
	    (o->body_re != NULL && regex_new(o->body_re, &m->re, e) < 0) ||
	    http_many_new(&ho, &m->http, e) < 0)
		return -1;
	*ret = TAKE_PTR(m);
	return 0;
}

static void
asked_free(struct asked *a)
{
	if (a->link != NULL) {
		*a->link = a->next;
		if (a->next != NULL)
			a->next->link = a->link;
	}
	if (a->netns >= 0)
		(void)close(a->netns);
	probe_target_clear(&a->t);
	free(a);
}

void
probe_many_free(struct probe_many **m)
{
	if (*m == NULL)
		return;
	http_many_free(&(*m)->http);
	while ((*m)->open != NULL)
		asked_free((*m)->open);
	regex_free(&(*m)->re);
	free(*m);
	*m = NULL;
}

/* --- asking ------------------------------------------------------------ */

static int
ask_engine(struct probe_many *m, struct asked *a, struct err *e)
{
	char url[PEEK_URL_MAX];
	struct http_many_req q = { .url = url,
				   .netns = -1,
				   .body = PEEK_ANSWER_MAX,
				   .timeout_ms = clock_left_ms(a->end, INT32_MAX) + 1,
				   .arg = a };

	a->peeking = true;
	if (peek_where(m->o.docker_host, a->t.container, &q.unix_socket, url, e) < 0)
		return -1;
	return http_many_add(m->http, &q, e);
}

static int
ask_itself(struct probe_many *m, struct asked *a, struct err *e)
{
	bool reads = m->re != NULL || (m->o.json != NULL && m->o.json[0] != NULL);
	struct http_many_req q = { .url = a->t.url,
				   .unix_socket = a->t.socket[0] != '\0' ? a->t.socket : NULL,
				   .netns = a->netns,
				   .connect_only = a->t.kind == PROBE_TCP,
				   .headers = m->o.headers,
				   .body = reads ? PROBE_BODY_MAX : 0,
				   .timeout_ms = clock_left_ms(a->end, INT32_MAX) + 1,
				   .arg = a };

	a->peeking = false;
	return http_many_add(m->http, &q, e);
}

int
probe_many_add(struct probe_many *m, const char *target, int64_t timeout_ms, void *arg,
	       struct err *e)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->arg = arg;
	a->netns = -1;
	a->start_ms = clock_mono_ms();
	a->end = clock_deadline(timeout_ms);
	if (probe_target_parse(target, &a->t, e) < 0 ||
	    (a->t.container[0] != '\0' ? ask_engine : ask_itself)(m, a, e) < 0) {
		asked_free(a);
		return -1;
	}
	a->next = m->open;
	a->link = &m->open;
	if (a->next != NULL)
		a->next->link = &a->next;
	m->open = a;
	return 0;
}

/* --- what came ----------------------------------------------------------- */

/* No answer, a late one or a broken one are answers to our question too. */
static bool
is_answer(enum err_code code)
{
	return code == ERR_TEMP || code == ERR_DATA;
}

/* What the engine says of a container: 1 that is the answer, 0 the container
 * itself is asked now, -1. */
static int
judge_peek(struct probe_many *m, struct asked *a, const struct http_many_answer *got,
	   struct probe_result *r, struct err *e)
{
	char words[PEEK_WORDS_MAX];
	struct err why = { 0 };
	struct peek p;

	if (got->status != STATUS_OK) {
		peek_refusal(view_buf(&got->body), words);
		probe_unhealthy(r, "the engine answers %d%s%s", got->status,
				words[0] != '\0' ? ": " : "", words);
		return 1;
	}
	if (peek_read(view_buf(&got->body), &p, &why) < 0) {
		probe_unhealthy(r, "%s", why.msg);
		return 1;
	}
	if (a->t.kind == PROBE_CONTAINER) {
		probe_judge_container(&p, r);
		return 1;
	}
	p.health[0] = '\0'; /* it is asked itself: only that it runs counts */
	probe_judge_container(&p, r);
	if (!r->healthy)
		return 1;
	if (local_network(p.pid, p.id, &a->netns, &why) == 0)
		return ask_itself(m, a, e);
	if (!is_answer(why.code))
		return err_set(e, why.code, "%s", why.msg);
	probe_unhealthy(r, "%s", why.msg);
	return 1;
}

/* 1 the answer is in *r, 0 there is none yet, -1. */
static int
judge_answer(struct probe_many *m, struct asked *a, const struct http_many_answer *got,
	     struct probe_result *r, struct err *e)
{
	*r = (struct probe_result){ .healthy = true, .ms = clock_mono_ms() - a->start_ms };
	if (got->e.code != ERR_NONE && !is_answer(got->e.code))
		return err_set(e, got->e.code, "%s", got->e.msg);
	if (!a->peeking) {
		r->status = got->status;
		r->cert_until = got->cert_until;
		memcpy(r->peer, got->peer, sizeof(r->peer));
	}
	if (got->e.code != ERR_NONE) {
		probe_unhealthy(r, "%s%s", a->peeking ? "ask the engine: " : "", got->e.msg);
		return 1;
	}
	if (a->peeking)
		return judge_peek(m, a, got, r, e);
	probe_judge(&m->o, m->re, &a->t, &got->body, r);
	return 1;
}

int
probe_many_next(struct probe_many *m, int64_t ms, void **ret_arg, struct probe_result *ret,
		struct err *ret_why, struct err *e)
{
	AUTO_ANSWER struct http_many_answer got = { 0 };
	struct asked *a;
	int n = http_many_next(m->http, ms, &got, e);

	if (n <= 0)
		return n;
	a = got.arg;
	n = judge_answer(m, a, &got, ret, ret_why);
	if (n == 0)
		return 0;
	*ret_arg = a->arg;
	asked_free(a);
	return 1;
}

int
probe_once(const char *target, const struct probe_opts *o, struct probe_result *ret, struct err *e)
{
	AUTO_PROBES struct probe_many *m = NULL;
	struct probe_result r;
	struct err why = { 0 };
	void *arg;
	int n;

	if (probe_many_new(o, &m, e) < 0 || probe_many_add(m, target, o->timeout_ms, NULL, e) < 0)
		return -1;
	do {
		n = probe_many_next(m, WAIT_MS, &arg, &r, &why, e);
	} while (n == 0);
	if (n < 0)
		return -1;
	if (why.code != ERR_NONE)
		return err_set(e, why.code, "probe '%s': %s", target, why.msg);
	*ret = r;
	return 0;
}
