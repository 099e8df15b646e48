#include "show.h"

#include "base/jsn.h"
#include "base/log.h"
#include "fleet/report.h"

static const struct table_column status_columns[] = {
	{ "service", "SERVICE" }, { "tag", "VERSION" },	  { "digest", "DIGEST" },
	{ "state", "STATE" },	  { "health", "HEALTH" }, { "rung", "RUNG" },
	{ "since", "SINCE" },
};

static const struct table_column history_columns[] = {
	{ "time", "TIME" },	{ "kind", "KIND" }, { "tag", "VERSION" },   { "digest", "DIGEST" },
	{ "result", "RESULT" }, { "rung", "RUNG" }, { "reason", "REASON" },
};

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
	}
	return 0;
}
