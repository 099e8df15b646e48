#include "fleet/passed.h"

#include <string.h>

#include "base/jsn.h"
#include "fleet/health.h"
#include "fleet/images.h"

#define SOON_MS 1 /* one question */

int
passed_mark(struct journal *j, const char *txn, const char *service, const struct move_goal *goal,
	    const char *reason, struct err *e)
{
	struct json_t *f = images_fields(goal);

	jsn_set_str(f, "service", service);
	jsn_set_str(f, "reason", reason);
	return journal_write(j, "passed", txn, f, e);
}

static bool
has(const struct json_t *r, const char *key, const char *value)
{
	return strcmp(jsn_str_or(r, key, ""), value) == 0;
}

const struct json_t *
passed_find(const struct journal *j, const char *service, const struct move_goal *goal)
{
	if (!digest_is_set(&goal->digest))
		return NULL;
	for (size_t i = journal_len(j); i-- > 0;) {
		const struct json_t *r = journal_at(j, i);
		bool same = has(r, "digest", goal->digest.str);

		if (same && has(r, "event", "lift"))
			return NULL;
		if (service != NULL && !has(r, "service", service))
			continue;
		if (same && has(r, "event", "passed"))
			return r;
		if (service != NULL && has(r, "event", "moved"))
			return NULL;
	}
	return NULL;
}

const struct json_t *
passed_still(const struct journal *j, const struct service *s, const struct move_goal *goal)
{
	const struct json_t *mark = passed_find(j, s->name, goal);
	AUTO_JSN struct json_t *c = NULL;
	char url[SERVICE_URL_MAX];

	if (mark == NULL || service_look(s, SERVICE_NOW, j, &c, NULL) < 0 || c == NULL ||
	    service_url(s, c, url, NULL) < 0)
		return mark;
	return health_is_now(c, url, SOON_MS) ? NULL : mark;
}
