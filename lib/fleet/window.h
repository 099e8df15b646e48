/*
 * window: the hours in which robots may be updated.
 *
 *     [DAYS] HH:MM-HH:MM [; …]
 *
 * DAYS is a day (Mon, Tue, Wed, Thu, Fri, Sat, Sun; case does not matter), a
 * range (Mon-Fri, Fri-Mon) or several with commas; without any it is every
 * day.  A window whose end is not after its beginning goes on over midnight
 * and belongs to the day on which it begins; 24:00 is the end of a day.  Times
 * are the machine's local ones.  "" is always.
 */
#ifndef GANTRY_FLEET_WINDOW_H
#define GANTRY_FLEET_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/err.h"

#define WINDOW_PARTS_MAX 16

struct window {
	size_t n; /* 0: always */
	struct window_part {
		unsigned int days; /* bit 0 is Sunday, as in tm_wday */
		int from, to;	   /* minutes of the day; to may be beyond 24 hours */
	} parts[WINDOW_PARTS_MAX];
};

/* ERR_CONFIG says what is wrong with which part. */
int window_parse(const char *text, struct window *ret, struct err *e);
bool window_is_open(const struct window *w, const struct tm *now);

#endif
