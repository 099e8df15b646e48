/*
 * verify_found: what was proven about an image.
 */
#ifndef GANTRY_TRUST_VERIFY_FOUND_H
#define GANTRY_TRUST_VERIFY_FOUND_H

#include "trust/judge.h"

/* What counted. */
struct verify_proof {
	const char *key;  /* its name, lent by the policy; NULL: a certificate, see found */
	const char *type; /* of an attestation, lent by the policy; NULL: a signature */
	struct judge_found found;
};

struct verify_found {
	struct verify_proof *proofs;
	size_t n;
};

void verify_found_clear(struct verify_found *f);

#endif
