/*
 * records: what reg-sync says on standard output, one line each.
 */
#ifndef GANTRY_REG_SYNC_RECORDS_H
#define GANTRY_REG_SYNC_RECORDS_H

#include <stdbool.h>

#include "oci/ref.h"

/* HOST/REPO:TAG@DIGEST */
void records_ref(bool json, const struct ref *r);
/* "copied REF", "failed REF REASON"; reason may be NULL. */
void records_result(bool json, const char *result, const char *ref, const char *reason);

#endif
