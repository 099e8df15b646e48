/*
 * record: what was proven about an image or a file, as members of a JSON object.
 */
#ifndef GANTRY_IMG_VERIFY_RECORD_H
#define GANTRY_IMG_VERIFY_RECORD_H

#include "trust/verify.h"

/* key, subject, issuer, signed_at, log_index; of a statement type and
 * predicate. */
void record_proof(struct json_t *v, const struct verify_proof *p);
/* The lists "signatures" and "attestations". */
void record_found(struct json_t *v, const struct verify_found *f);

#endif
