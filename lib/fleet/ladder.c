#include "fleet/ladder.h"

#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"
#include "trust/period.h"

#define NS_PER_MS 1000000

struct climb {
	enum rung rung;
	int64_t since_ms; /* it has run, proven, without a break; 0: it does not */
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
has_run_until(struct climb *c, int64_t ms)
{
	if (c->since_ms > 0 && ms - c->since_ms >= c->stable_ms)
		reach(c, RUNG_STABLE);
}

/* Of the image itself. */
static void
own_record(struct climb *c, const char *event, int64_t ms)
{
	if (strcmp(event, "quarantine") == 0) {
		c->rung = RUNG_CANDIDATE;
		c->since_ms = 0;
	} else if (strcmp(event, "begin") == 0 || strcmp(event, "staged") == 0) {
		reach(c, RUNG_CANDIDATE);
	} else if (strcmp(event, "healthy") == 0 || strcmp(event, "moved") == 0) {
		reach(c, RUNG_HEALTHY);
		/* gone back to */
		if (c->rung >= RUNG_SOAKED && c->since_ms == 0)
			c->since_ms = ms;
	} else if (strcmp(event, "proven") == 0) {
		reach(c, RUNG_SOAKED);
		if (c->since_ms == 0)
			c->since_ms = ms;
	}
}

enum rung
ladder_now(const struct journal *j, const char *digest, int64_t stable_ms)
{
	struct climb c = { .stable_ms = stable_ms };

	for (size_t i = 0; digest[0] != '\0' && i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);
		int64_t ms = 0;

		(void)period_parse_time(view_of(field(r, "time")), &ms);
		if (strcmp(field(r, "digest"), digest) == 0) {
			own_record(&c, field(r, "event"), ms);
		} else if (strcmp(field(r, "event"), "moved") == 0) {
			has_run_until(&c, ms);
			c.since_ms = 0;
		}
	}
	has_run_until(&c, clock_wall_ns() / NS_PER_MS);
	return c.rung;
}

enum rung
ladder_in(const struct journal *j, const struct json_t *begin, int64_t stable_ms)
{
	const char *txn = field(begin, "txn"), *digest = field(begin, "digest");
	struct climb c = { .rung = RUNG_CANDIDATE };

	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);
		const char *event = field(r, "event");

		if (strcmp(field(r, "txn"), txn) == 0 && strcmp(field(r, "digest"), digest) == 0 &&
		    strcmp(event, "quarantine") != 0)
			own_record(&c, event, 0);
	}
	return c.rung == RUNG_SOAKED && ladder_now(j, digest, stable_ms) == RUNG_STABLE
		       ? RUNG_STABLE
		       : c.rung;
}
