/*
 * tally: what a run counts, and the file that it leaves for monitoring.
 */
#ifndef GANTRY_REG_SYNC_TALLY_H
#define GANTRY_REG_SYNC_TALLY_H

#include <stdint.h>

#include "base/err.h"

enum tally_state {
	TALLY_CURRENT,
	TALLY_COPIED,
	TALLY_REFUSED,
	TALLY_FAILED,
	TALLY_DELETED,
	TALLY_STATES,
};

struct tally {
	int64_t tags[TALLY_STATES];
	int64_t bytes; /* of blobs, from sources */
};

/* The word of a state's record and label. */
const char *tally_word(enum tally_state state);
/* The metrics of a run that ended with this exit status, into a file that may
 * have those of runs before. */
int tally_write(const struct tally *t, int status, const char *path, struct err *e);

#endif
