/*
 * tlog: is a log entry really in a trusted transparency log (Rekor v1 and v2)?
 *
 * Rekor v1 promises inclusion with a signed entry timestamp (SET), which is
 * the only thing that makes its time believable.  Inclusion itself is proven
 * by hashes up to a root that a checkpoint of the log signs.  Rekor v2 has no
 * promise and no time.
 */
#ifndef GANTRY_TRUST_TLOG_H
#define GANTRY_TRUST_TLOG_H

#include "trust/body.h"
#include "trust/bundle.h"
#include "trust/root.h"

#define TLOG_NO_TIME INT64_MIN

/* Everything that is there must hold, and a promise or a proof with a
 * checkpoint must be there.  times: signed times that are known already; where
 * the entry has no time of its own, one of them (if any) must be in the log's
 * period.  *ret_ms is when the log says it saw the entry, if its promise
 * holds, or TLOG_NO_TIME.  ERR_NO, ERR_DATA. */
int tlog_check(const struct bundle_entry *t, struct root *root, const struct body_want *want,
	       const int64_t *times, size_t n_times, int64_t *ret_ms, struct err *e);

/* The bytes that a promise signs (RFC 8785); appended to ret. */
void tlog_promised(const struct bundle_entry *t, struct buf *ret);

#endif
