/*
 * body: does a transparency log's entry say what a bundle says?
 *
 * An entry only proves something about a signature if artifact, signature and
 * signer in it are those that were verified; everything an entry of its kind
 * holds is compared, as bytes.
 *
 *     hashedrekord 0.0.1   Rekor v1; hash of what was signed, signature, PEM
 *     hashedrekord 0.0.2   Rekor v2; the same in protobuf's JSON
 *     dsse 0.0.1           hash of the payload, signature, PEM; hash of the envelope
 *     intoto 0.0.2         hash of the payload, its type, signature, PEM; the same
 *     intoto 0.0.1         hash of the envelope (and of the payload), PEM; no signature
 *
 * The hash of an envelope is compared where its JSON is known as it was
 * uploaded, which intoto 0.0.1 cannot do without.
 *
 * Every other kind is refused, dsse 0.0.2 and rekord among them.
 */
#ifndef GANTRY_TRUST_BODY_H
#define GANTRY_TRUST_BODY_H

#include "trust/cert.h"
#include "trust/dsse.h"

struct body_want {
	struct artifact *signed_bytes; /* what the signature covers: the artifact, or the
					  encoding of an envelope */
	struct view signature;
	const struct cert *cert; /* who signed: this, */
	const struct spki *key;	 /* or this */
	const struct dsse *dsse; /* NULL unless an envelope was signed */
	struct view envelope;	 /* its JSON as it was uploaded; p NULL: not known */
};

/* kind and version: what the bundle says the body is; it must say so too.
 * ERR_NO, ERR_DATA. */
int body_check(struct view body, const char *kind, const char *version,
	       const struct body_want *want, struct err *e);

/* Whether entries of that kind come from Rekor v2. */
bool body_is_v2(const char *kind, const char *version);

#endif
