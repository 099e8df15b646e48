/*
 * artifact: what somebody signed, as bytes or only by its digest.
 *
 * Bytes are borrowed and must outlive the artifact.  A digest alone answers
 * for its own algorithm; asking for another is ERR_NO with words that say so.
 */
#ifndef GANTRY_TRUST_ARTIFACT_H
#define GANTRY_TRUST_ARTIFACT_H

#include "trust/hash.h"

struct artifact {
	struct view bytes; /* p is NULL if there is only a digest */
	struct hash known[3];
};

void artifact_from_bytes(struct view bytes, struct artifact *ret);
void artifact_from_hash(const struct hash *h, struct artifact *ret);
/* "sha256:HEX", sha384 or sha512; false if it is none of them. */
bool artifact_from_digest(const char *digest, struct artifact *ret);
bool artifact_has_bytes(const struct artifact *a);

/* The hash by alg, computed at the first call. */
int artifact_hash(struct artifact *a, enum hash_alg alg, struct hash *ret, struct err *e);

#endif
