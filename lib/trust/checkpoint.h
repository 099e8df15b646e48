/*
 * checkpoint: a log's signed statement of its size and root hash (C2SP
 * tlog-checkpoint, a signed note).
 *
 *     origin
 *     size
 *     base64 of the root hash
 *     further lines (ignored)
 *
 *     — name base64(key hint of 4 bytes, signature)
 *
 * Signed are all bytes up to and with the newline before the last empty line.
 * Views look into the text that was parsed.
 */
#ifndef GANTRY_TRUST_CHECKPOINT_H
#define GANTRY_TRUST_CHECKPOINT_H

#include "trust/root.h"

#define CHECKPOINT_MAX		  (64U << 10)
#define CHECKPOINT_SIGNATURES_MAX 64

struct checkpoint {
	struct view text; /* the signed bytes */
	struct view origin;
	int64_t size;
	struct hash root;
	struct view signatures; /* the lines below */
};

int checkpoint_parse(struct view note, struct checkpoint *ret, struct err *e); /* ERR_DATA */

/* How a log signs: Rekor v1 names its key by the hash of the key, and may put a tree id behind
 * its name in the origin line; Rekor v2 names it by a hash over name and key, and the origin is
 * the host of its URL. */
enum checkpoint_style { CHECKPOINT_REKOR_V1 = 1, CHECKPOINT_REKOR_V2 };

/* A signature of this log is there and verifies, and none of this log fails.
 * Lines of keys that are not the log's are passed over (witnesses).  ERR_NO. */
int checkpoint_check(const struct checkpoint *c, struct root_log *log, enum checkpoint_style style,
		     struct err *e);

#endif
