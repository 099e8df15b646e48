#include "show.h"

#include <string.h>

#include "base/jsn.h"
#include "base/log.h"
#include "fleet/report.h"
#include "fleet/target.h"

#define QUARANTINED_MAX 10 /* said one by one */

static const struct table_column status_columns[] = {
	{ "service", "SERVICE" }, { "tag", "VERSION" },	  { "digest", "DIGEST" },
	{ "state", "STATE" },	  { "health", "HEALTH" }, { "rung", "RUNG" },
	{ "since", "SINCE" },
};

static const struct table_column history_columns[] = {
	{ "time", "TIME" },	{ "kind", "KIND" }, { "tag", "VERSION" },   { "digest", "DIGEST" },
	{ "result", "RESULT" }, { "rung", "RUNG" }, { "reason", "REASON" },
};

/* The newest first: why a release does not come is what people ask. */
static void
say_quarantined(const struct journal *j)
{
	char words[TARGET_WORDS_MAX];
	size_t n = 0;

	for (size_t i = journal_len(j); i-- > 0;) {
		const struct json_t *r = journal_at(j, i);

		if (strcmp(jsn_str_or(r, "event", ""), "quarantine") != 0 ||
		    journal_quarantined(j, jsn_str_or(r, "digest", "")) != r ||
		    n++ >= QUARANTINED_MAX)
			continue;
		target_explain(r, jsn_str_or(r, "tag", ""), words);
		log_info("%s", words);
	}
	if (n > QUARANTINED_MAX)
		log_info("and %zu older ones are quarantined", n - QUARANTINED_MAX);
}

int
show(const struct options *o, struct site_opts *so, struct err *e)
{
	AUTO_SITE struct site s = { .lock = -1 };
	AUTO_JSN struct json_t *all = NULL;

	so->offline = o->mode == MODE_HISTORY;
	so->look = true;
	if (site_open(so, &s, e) < 0)
		return -1;
	if (journal_unfinished(s.journal) != NULL)
		log_warn("a deployment is unfinished; the next deploy goes on with it");
	if (o->mode == MODE_HISTORY) {
		if (report_history(s.journal, s.stable_ms, &all, e) < 0)
			return -1;
		report_print_all(all, history_columns, COUNT_OF(history_columns), o->cli.json);
	} else {
		if (report_status(s.fleet, s.journal, s.stable_ms, &all, e) < 0)
			return -1;
		report_print_all(all, status_columns, COUNT_OF(status_columns), o->cli.json);
		say_quarantined(s.journal);
	}
	return 0;
}
