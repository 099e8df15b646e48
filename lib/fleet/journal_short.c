#include "fleet/journal_short.h"

#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"

#define EVENT "shortened"

/* In the order in which they go. */
enum worth { WORTH_NOTHING, WORTH_DETAIL, WORTH_HISTORY, WORTH_NEEDED };

struct part {
	struct json_t *record; /* NULL: gone */
	enum worth worth;
	size_t bytes;
};

struct work {
	const struct journal *j;
	const struct json_t *open; /* the begin of what is unfinished, or NULL */
	size_t n, bytes;
	struct part *parts;
};

static void
work_clear(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		jsn_free(&w->parts[i].record);
	free(w->parts);
}

static const char *
field(const struct json_t *r, const char *key)
{
	return jsn_str_or(r, key, "");
}

static bool
is_event(const struct json_t *r, const char *event)
{
	return strcmp(field(r, "event"), event) == 0;
}

/* Of its event, and of the service or digest that key names. */
static bool
is_newest(const struct journal *j, size_t i, const char *key)
{
	const struct json_t *r = journal_at(j, i);

	for (i++; i < journal_len(j); i++)
		if (is_event(journal_at(j, i), field(r, "event")) &&
		    strcmp(field(journal_at(j, i), key), field(r, key)) == 0)
			return false;
	return true;
}

/* Another image took the place of the one that was proven last before it: without this, that one,
 * whose proof stays, would seem to have run on. */
static bool
ends_a_run(const struct journal *j, size_t i)
{
	const char *digest = field(journal_at(j, i), "digest");

	while (i-- > 0) {
		const struct json_t *r = journal_at(j, i);

		if (is_event(r, "moved") && strcmp(field(r, "digest"), digest) == 0)
			return false;
		if (is_event(r, "proven"))
			return strcmp(field(r, "digest"), digest) != 0 && is_newest(j, i, "digest");
	}
	return false;
}

static enum worth
worth_of(const struct work *w, size_t i)
{
	static const struct {
		const char *event, *key;
	} newest[] = { { "service", "service" }, { "moved", "service" }, { "passed", "service" },
		       { "proven", "digest" },	 { "lift", "digest" },	 { "staged", "event" } };
	const struct json_t *r = journal_at(w->j, i);

	if (w->open != NULL && strcmp(field(r, "txn"), field(w->open, "txn")) == 0)
		return WORTH_NEEDED;
	if (is_event(r, "step") || is_event(r, "resume") || is_event(r, EVENT))
		return WORTH_NOTHING;
	for (size_t k = 0; k < COUNT_OF(newest); k++)
		if (is_event(r, newest[k].event) && is_newest(w->j, i, newest[k].key))
			return WORTH_NEEDED;
	if (is_event(r, "moved") && ends_a_run(w->j, i))
		return WORTH_NEEDED;
	if (is_event(r, "quarantine"))
		return journal_quarantined(w->j, field(r, "digest")) == r ? WORTH_NEEDED
									  : WORTH_HISTORY;
	return is_event(r, "begin") || is_event(r, "end") || is_event(r, "back") ? WORTH_HISTORY
										 : WORTH_DETAIL;
}

static size_t
length(const struct json_t *r)
{
	AUTO_FREE char *line = jsn_dump(r);

	return line != NULL ? strlen(line) + 1 : 0;
}

/* How to make a service's container again, if it is removed one day, the newest record of it
 * tells. */
static bool
needs_spec(const struct part *p)
{
	return p->worth == WORTH_NEEDED && is_event(p->record, "service");
}

static int
take(struct work *w, struct err *e)
{
	size_t n = journal_len(w->j);

	w->parts = calloc(n + 1, sizeof(*w->parts));
	if (w->parts == NULL)
		return err_nomem(e);
	for (; w->n < n; w->n++) {
		struct part *p = &w->parts[w->n];

		p->worth = worth_of(w, w->n);
		if (p->worth == WORTH_NOTHING)
			continue;
		p->record = jsn_copy(journal_at(w->j, w->n));
		if (!needs_spec(p))
			jsn_remove(p->record, "spec");
		p->bytes = length(p->record);
		w->bytes += p->bytes;
	}
	return 0;
}

/* The oldest go, until what is left is short enough. */
static void
drop(struct work *w, enum worth worth)
{
	for (size_t i = 0; i < w->n && w->bytes > JOURNAL_COMPACT / 2; i++) {
		struct part *p = &w->parts[i];

		if (p->record == NULL || p->worth != worth)
			continue;
		w->bytes -= p->bytes;
		jsn_free(&p->record);
		p->record = NULL;
	}
}

/* What has become of the deployments that are not told of any more. */
static struct json_t *
summary(const struct work *w)
{
	static const char *const results[] = { "done", "rolled-back", "stopped" };
	struct json_t *r = jsn_object();
	char now[CLOCK_RFC3339_MAX];

	clock_rfc3339(clock_wall_ns(), now);
	jsn_set_str(r, "time", now);
	jsn_set_str(r, "event", EVENT);
	jsn_set_int(r, "bytes", (int64_t)w->bytes);
	for (size_t k = 0; k < COUNT_OF(results); k++) {
		int64_t gone = 0;

		for (size_t i = 0; i < w->n; i++) {
			const struct json_t *was = journal_at(w->j, i);

			if (is_event(was, EVENT))
				gone += jsn_int(was, results[k], 0);
			else
				gone += w->parts[i].record == NULL && is_event(was, "end") &&
					strcmp(field(was, "result"), results[k]) == 0;
		}
		jsn_set_int(r, results[k], gone);
	}
	return r;
}

static int
put(struct json_t *all, struct json_t *record, struct buf *out, struct err *e)
{
	AUTO_FREE char *line = jsn_dump(record);

	jsn_push(all, record);
	if (line == NULL)
		return err_nomem(e);
	buf_adds(out, line);
	buf_addc(out, '\n');
	return buf_ok(out, JOURNAL_FILE, e);
}

bool
journal_is_long(const struct journal *j, size_t bytes)
{
	int64_t left = jsn_int(journal_last(j, NULL, EVENT, NULL), "bytes", 0);

	return bytes > JOURNAL_COMPACT && bytes / 2 > (size_t)left;
}

int
journal_short(const struct journal *j, struct json_t **ret, struct buf *out, struct err *e)
{
	AUTO(work_clear) struct work w = { .j = j, .open = journal_unfinished(j) };
	AUTO_JSN struct json_t *all = jsn_array();

	if (take(&w, e) < 0)
		return -1;
	drop(&w, WORTH_DETAIL);
	drop(&w, WORTH_HISTORY);
	if (put(all, summary(&w), out, e) < 0)
		return -1;
	for (size_t i = 0; i < w.n; i++)
		if (w.parts[i].record != NULL && put(all, TAKE_PTR(w.parts[i].record), out, e) < 0)
			return -1;
	*ret = TAKE_PTR(all);
	return 0;
}
