/*
 * records: what reg-sync says on standard output, one line each.
 */
#ifndef GANTRY_REG_SYNC_RECORDS_H
#define GANTRY_REG_SYNC_RECORDS_H

#include "run.h"

/* HOST/REPO:TAG@DIGEST */
void records_ref(const struct run *o, const struct ref *r);
/* "copied REF", "failed REF REASON", counted in the run's tally; reason may be
 * NULL. */
void
records_result(const struct run *o, enum tally_state result, const char *ref, const char *reason);

#endif
