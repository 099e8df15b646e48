#include "fleet/inhibit.h"

#include <stdio.h>

#include "base/conf.h"
#include "trust/period.h"

#define PATH_BYTES 1024

static const struct conf_key keys[] = {
	{ "OWNER", "somebody" }, { "REASON", "" }, { "UNTIL", "" }, { NULL, NULL }
};

int
inhibit_read(const char *state_dir, int64_t now_ms, char out[INHIBIT_WORDS_MAX], struct err *e)
{
	AUTO_CONF struct conf *c = NULL;
	struct err why = { 0 };
	const char *until, *reason;
	char path[PATH_BYTES];
	int64_t end = INT64_MAX;

	(void)snprintf(path, sizeof(path), "%s/" INHIBIT_FILE, state_dir);
	if (conf_new(keys, &c, e) < 0)
		return -1;
	if (conf_load(c, path, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	until = conf_get(c, "UNTIL");
	reason = conf_get(c, "REASON");
	if (until[0] != '\0' && !period_parse_time(view_of(until), &end))
		return conf_bad(c, "UNTIL", e, "'%s' is not a time like 2026-11-21T18:00:00Z",
				until);
	if (end <= now_ms)
		return 0;
	(void)snprintf(out, INHIBIT_WORDS_MAX, "inhibited by %.100s%s%.40s%s%.300s",
		       conf_get(c, "OWNER"), until[0] != '\0' ? " until " : "", until,
		       reason[0] != '\0' ? ": " : "", reason);
	return 1;
}
