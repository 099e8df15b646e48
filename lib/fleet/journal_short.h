/*
 * journal_short: what a long journal is rewritten to, see journal.h.
 */
#ifndef GANTRY_FLEET_JOURNAL_SHORT_H
#define GANTRY_FLEET_JOURNAL_SHORT_H

#include "fleet/journal.h"

/* It has grown to twice of what was left the last time, and to JOURNAL_COMPACT. */
bool journal_is_long(const struct journal *j, size_t bytes);
/* *ret: the records that stay, the caller's; out: their lines. */
int journal_short(const struct journal *j, struct json_t **ret, struct buf *out, struct err *e);

#endif
