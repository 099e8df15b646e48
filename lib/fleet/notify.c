#include "fleet/notify.h"

#include <string.h>

#include "base/jsn.h"
#include "net/http.h"

#define RETRIES	   3
#define TEXT_MAX   2048
#define ANSWER_MAX (64U << 10)

static const char *
word(const struct json_t *r, const char *key)
{
	return jsn_str_or(r, key, "");
}

/* Something was done at all: a release that everybody runs is no news. */
static bool
moved_any(const struct journal *j, const char *txn)
{
	return journal_first(j, txn, "moved", NULL) != NULL;
}

static const char *
event_of(const struct json_t *end)
{
	const char *result = word(end, "result");

	if (end == NULL)
		return "stuck";
	if (strcmp(result, "done") == 0)
		return "deployed";
	return strcmp(result, "rolled-back") == 0 ? "rolled-back" : "failed";
}

static void
sentence(struct buf *out, const struct json_t *begin, const struct json_t *end,
	 const char *evidence, const char *host)
{
	const char *tag = word(begin, "tag"), *reason = word(end, "reason");
	const char *event = event_of(end);

	buf_addf(out, "%s: %s of %s:%s ", host, word(begin, "kind"), word(begin, "image"),
		 tag[0] != '\0' ? tag : word(begin, "digest"));
	if (strcmp(event, "deployed") == 0)
		buf_adds(out, "is done");
	else if (strcmp(event, "rolled-back") == 0)
		buf_adds(out, "failed and was rolled back");
	else if (strcmp(event, "failed") == 0)
		buf_adds(out, "stopped");
	else
		buf_adds(out, "is unfinished: a service needs a person");
	if (reason[0] != '\0')
		buf_addf(out, ": %s", reason);
	if (evidence != NULL)
		buf_addf(out, " (evidence in %s)", evidence);
}

static struct json_t *
make(const struct journal *j, const struct json_t *begin, const struct json_t *end,
     const char *host)
{
	static const char *const keys[] = { "kind", "image", "tag", "digest", "services" };
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	const char *evidence =
		jsn_str(journal_last(j, word(begin, "txn"), "evidence", NULL), "path");
	struct json_t *r = jsn_object();

	sentence(&text, begin, end, evidence, host);
	jsn_set_str(r, "event", event_of(end));
	jsn_set_str(r, "text", buf_cstr(&text));
	jsn_set_str(r, "host", host);
	jsn_set_str(r, "deployment", word(begin, "txn"));
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (jsn_get(begin, keys[i]) != NULL)
			jsn_set(r, keys[i], jsn_copy(jsn_get(begin, keys[i])));
	jsn_set_str(r, "result", end != NULL ? word(end, "result") : "unfinished");
	jsn_set_str(r, "reason", word(end, "reason"));
	if (evidence != NULL)
		jsn_set_str(r, "evidence", evidence);
	jsn_set_str(r, "time", word(end != NULL ? end : begin, "time"));
	return r;
}

int
notify_news(const struct journal *j, size_t n, const char *host, struct json_t **ret, struct err *e)
{
	const struct json_t *open = journal_unfinished(j);
	struct json_t *all = jsn_array();

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = n; i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);
		const char *txn = word(r, "txn");

		if (strcmp(word(r, "event"), "end") == 0 &&
		    (moved_any(j, txn) || strcmp(word(r, "result"), "done") != 0))
			jsn_push(all, make(j, journal_first(j, txn, "begin", NULL), r, host));
	}
	if (open != NULL && journal_len(j) > n)
		jsn_push(all, make(j, open, NULL, host));
	*ret = all;
	return 0;
}

int
notify_send(const struct notify *n, const struct json_t *news, struct err *e)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const struct http_opts o = {
		.retries = RETRIES, .connect_ms = n->ms, .idle_ms = n->ms, .stop = n->stop
	};
	AUTO_HTTP struct http *h = NULL;
	AUTO_RESP struct http_resp resp = { 0 };
	AUTO_JSN struct json_t *slack = NULL;
	AUTO_FREE char *body = NULL;
	struct http_req q = { .method = "POST",
			      .url = n->url,
			      .headers = headers,
			      .max = ANSWER_MAX,
			      .repeatable = true,
			      .no_redirects = true,
			      .deadline = clock_deadline(n->ms) };
	struct err why = { 0 };

	if (n->channel != NULL && n->channel[0] != '\0') {
		slack = jsn_object();
		jsn_set_str(slack, "channel", n->channel);
		jsn_set_str(slack, "text", word(news, "text"));
	}
	body = jsn_dump(slack != NULL ? slack : news);
	if (body == NULL)
		return err_nomem(e);
	q.body = body;
	q.body_len = strlen(body);
	if (http_new(&o, &h, e) < 0)
		return -1;
	if (http_do(h, &q, &resp, &why) < 0)
		return err_set(e, why.code, "the webhook cannot be told: %s", why.msg);
	if (resp.status < 200 || resp.status > 299)
		return err_set(e, ERR_DATA, "the webhook answers %d", resp.status);
	return 0;
}
