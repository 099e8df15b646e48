#include "fleet/ladder.h"

#include <string.h>

#include "base/jsn.h"
#include "fleet/elapsed.h"

struct climb {
	enum rung rung;
	const struct json_t *since; /* it has run, proven, without a break; NULL: it does not */
	int64_t stable_ms;
};

const char *
ladder_name(enum rung r)
{
	static const char *const names[] = { [RUNG_NONE] = "-",
					     [RUNG_CANDIDATE] = "candidate",
					     [RUNG_HEALTHY] = "healthy",
					     [RUNG_SOAKED] = "soaked",
					     [RUNG_STABLE] = "stable" };

	return names[r];
}

static const char *
field(const struct json_t *r, const char *key)
{
	return jsn_str_or(r, key, "");
}

static void
reach(struct climb *c, enum rung r)
{
	if (c->rung < r)
		c->rung = r;
}

static void
has_run_until(struct climb *c, const struct json_t *r)
{
	if (c->since != NULL && elapsed_ms(c->since, r) >= c->stable_ms)
		reach(c, RUNG_STABLE);
}

/* Of the image itself. */
static void
own_record(struct climb *c, const struct json_t *r)
{
	const char *event = field(r, "event");

	if (strcmp(event, "quarantine") == 0) {
		c->rung = RUNG_CANDIDATE;
		c->since = NULL;
	} else if (strcmp(event, "begin") == 0 || strcmp(event, "staged") == 0) {
		reach(c, RUNG_CANDIDATE);
	} else if (strcmp(event, "healthy") == 0 || strcmp(event, "moved") == 0) {
		reach(c, RUNG_HEALTHY);
		/* gone back to */
		if (c->rung >= RUNG_SOAKED && c->since == NULL)
			c->since = r;
	} else if (strcmp(event, "proven") == 0) {
		reach(c, RUNG_SOAKED);
		if (c->since == NULL)
			c->since = r;
	}
}

enum rung
ladder_now(const struct journal *j, const char *digest, int64_t stable_ms)
{
	struct climb c = { .stable_ms = stable_ms };

	for (size_t i = 0; digest[0] != '\0' && i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);

		if (strcmp(field(r, "digest"), digest) == 0) {
			own_record(&c, r);
		} else if (strcmp(field(r, "event"), "moved") == 0) {
			has_run_until(&c, r);
			c.since = NULL;
		}
	}
	has_run_until(&c, NULL);
	return c.rung;
}

enum rung
ladder_in(const struct journal *j, const struct json_t *begin, int64_t stable_ms)
{
	const char *txn = field(begin, "txn"), *digest = field(begin, "digest");
	struct climb c = { .rung = RUNG_CANDIDATE };

	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);

		if (strcmp(field(r, "txn"), txn) == 0 && strcmp(field(r, "digest"), digest) == 0 &&
		    strcmp(field(r, "event"), "quarantine") != 0)
			own_record(&c, r);
	}
	return c.rung == RUNG_SOAKED && ladder_now(j, digest, stable_ms) == RUNG_STABLE
		       ? RUNG_STABLE
		       : c.rung;
}
