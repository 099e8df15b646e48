/*
 * period: from when to when something may be believed.
 *
 * Times are milliseconds since 1970, UTC.  Both ends belong to the period
 * (Sigstore's TimeRange is closed).
 */
#ifndef GANTRY_TRUST_PERIOD_H
#define GANTRY_TRUST_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct period {
	int64_t start_ms, end_ms; /* INT64_MIN and INT64_MAX: open */
};

#define PERIOD_OPEN                  \
	(struct period)              \
	{                            \
		INT64_MIN, INT64_MAX \
	}

bool period_has(struct period p, int64_t ms);
/* RFC 3339, any offset, any number of decimals (cut to milliseconds). */
bool period_parse_time(struct view text, int64_t *ret_ms);
/* Seconds since 1970 of a civil time in UTC; false if it is none. */
bool period_civil(int year, int month, int day, int hour, int minute, int second, int64_t *ret);
/* "2026-11-21T06:09:00Z" */
#define PERIOD_TEXT_MAX 40
const char *period_text(int64_t ms, char out[PERIOD_TEXT_MAX]);

#endif
