#include "fleet/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/jsn.h"
#include "fleet/ladder.h"

#define LINE_MAX_BYTES	16384 /* of a record: a reason and some names */
#define TABLE_MAX_BYTES (8U << 20)
#define NONE		"-"

static void
copy(struct json_t *to, const char *key, const struct json_t *from, const char *as)
{
	const char *s = jsn_str_or(from, key, "");

	jsn_set_str(to, as, s[0] != '\0' ? s : NONE);
}

static struct json_t *
deployment(const struct journal *j, const struct json_t *begin, int64_t stable_ms)
{
	const char *txn = jsn_str_or(begin, "txn", "");
	const struct json_t *end = journal_last(j, txn, "end", NULL);
	const struct json_t *back = journal_last(j, txn, "back", NULL);
	struct json_t *r = jsn_object();

	copy(r, "time", begin, "time");
	copy(r, "kind", begin, "kind");
	copy(r, "tag", begin, "tag");
	copy(r, "digest", begin, "digest");
	if (end == NULL)
		jsn_set_str(r, "result", "unfinished");
	else
		copy(r, "result", end, "result");
	jsn_set_str(r, "rung", ladder_name(ladder_in(j, begin, stable_ms)));
	copy(r, "reason", jsn_str(end, "reason") != NULL ? end : back, "reason");
	return r;
}

int
report_history(const struct journal *j, int64_t stable_ms, struct json_t **ret, struct err *e)
{
	struct json_t *all = jsn_array();

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < journal_len(j); i++)
		if (strcmp(jsn_str_or(journal_at(j, i), "event", ""), "begin") == 0)
			jsn_push(all, deployment(j, journal_at(j, i), stable_ms));
	*ret = all;
	return 0;
}

/* What the engine says of it; *ret_digest is what it runs, if that is known. */
static void
ask_engine(const struct service *s, struct json_t *r)
{
	AUTO_JSN struct json_t *c = NULL;
	struct service_image runs = { 0 };

	if (service_look(s, SERVICE_NOW, NULL, &c, NULL) < 0)
		return;
	jsn_set_str(r, "state", c != NULL ? jsn_str_or(c, "State.Status", "unknown") : "missing");
	copy(r, "State.Health.Status", c, "health");
	if (c != NULL && service_runs(s, &runs, NULL) == 0) {
		jsn_set_str(r, "tag", runs.tag[0] != '\0' ? runs.tag : NONE);
		jsn_set_str(r, "digest", digest_is_set(&runs.digest) ? runs.digest.str : NONE);
	}
}

static struct json_t *
service_status(const struct service *s, const struct journal *j, int64_t stable_ms)
{
	const struct json_t *moved = journal_last(j, NULL, "moved", s->name);
	struct json_t *r = jsn_object();

	jsn_set_str(r, "service", s->name);
	copy(r, "tag", moved, "tag");
	copy(r, "digest", moved, "digest");
	jsn_set_str(r, "state", "unknown");
	copy(r, "time", moved, "since");
	jsn_set_str(r, "health", NONE);
	if (s->engine != NULL)
		ask_engine(s, r);
	jsn_set_str(r, "rung", ladder_name(ladder_now(j, jsn_str_or(r, "digest", ""), stable_ms)));
	return r;
}

int
report_status(const struct fleet *f, const struct journal *j, int64_t stable_ms,
	      struct json_t **ret, struct err *e)
{
	struct json_t *all = jsn_array();

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++)
		jsn_push(all, service_status(&f->services[i], j, stable_ms));
	*ret = all;
	return 0;
}

static bool
runs(const struct digest *running, size_t n, const char *digest)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(running[i].str, digest) == 0)
			return true;
	return false;
}

int
report_targets(const struct journal *j, const struct digest *running, size_t n, int64_t stable_ms,
	       struct json_t **ret, struct err *e)
{
	struct json_t *all = jsn_array();
	const struct json_t *p;

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; (p = journal_proven(j, i)) != NULL; i++) {
		const char *digest = jsn_str_or(p, "digest", "");
		struct json_t *r = jsn_object();

		copy(r, "tag", p, "tag");
		copy(r, "digest", p, "digest");
		copy(r, "time", p, "since");
		jsn_set_str(r, "state",
			    runs(running, n, digest)		     ? "running"
			    : journal_quarantined(j, digest) != NULL ? "quarantined"
								     : "proven");
		jsn_set_str(r, "rung", ladder_name(ladder_now(j, digest, stable_ms)));
		jsn_push(all, r);
	}
	*ret = all;
	return 0;
}

static void
set_image(struct json_t *r, const struct move_goal *g)
{
	AUTO_BUF struct buf name = BUF_INIT(2 * REF_STR_MAX);

	if (!digest_is_set(&g->digest))
		buf_adds(&name, g->ref);
	else
		buf_addf(&name, "%s%s%s@%s", g->repo, g->tag[0] != '\0' ? ":" : "", g->tag,
			 g->digest.str);
	jsn_set_str(r, "image", buf_cstr(&name));
}

struct json_t *
report_result(enum rollout_result result, const char *service, const struct move_goal *image,
	      const char *reason)
{
	static const char *const words[] = { [ROLLOUT_MOVED] = "moved",
					     [ROLLOUT_CURRENT] = "current",
					     [ROLLOUT_BACK] = "back",
					     [ROLLOUT_FAILED] = "failed",
					     [ROLLOUT_WOULD] = "would-move" };
	struct json_t *r = jsn_object();

	jsn_set_str(r, "result", words[result]);
	jsn_set_str(r, "service", service);
	set_image(r, image);
	if (reason != NULL)
		jsn_set_str(r, "reason", reason);
	return r;
}

struct json_t *
report_image(const struct move_goal *image)
{
	struct json_t *r = jsn_object();

	set_image(r, image);
	return r;
}

static void
add_words(const struct json_t *record, struct buf *line)
{
	const char *sep = "";

	for (void *it = jsn_first(record); it != NULL; it = jsn_next(record, it)) {
		const char *s = jsn_str_or(jsn_value(it), "", NONE);
		char part[32];

		buf_addf(line, "%s%s", sep, table_cell(jsn_key(it), s, part));
		sep = " ";
	}
}

void
report_print(const struct json_t *record, bool json)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);
	AUTO_FREE char *text = json ? jsn_dump(record) : NULL;

	if (json)
		buf_adds(&line, text != NULL ? text : "{}");
	else
		add_words(record, &line);
	buf_addc(&line, '\n');
	cli_record(buf_cstr(&line));
}

void
report_print_all(const struct json_t *records, const struct table_column *columns, size_t n,
		 bool json)
{
	AUTO_BUF struct buf table = BUF_INIT(TABLE_MAX_BYTES);
	const char *no = getenv("NO_COLOR");

	if (json || !isatty(STDOUT_FILENO)) {
		for (size_t i = 0; i < jsn_len(records); i++)
			report_print(jsn_at(records, i), json);
		return;
	}
	table_make(records, columns, n, no == NULL || no[0] == '\0', &table);
	cli_record(buf_cstr(&table));
}
