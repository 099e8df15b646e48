/*
 * classic: cosign's forms from before bundles, taken apart into the same struct
 * bundle, so that one judge decides about all (cosign, SIGNATURE_SPEC).
 *
 * The signed bytes are a layer, what belongs to them is in its annotations:
 *
 *     dev.cosignproject.cosign/signature       base64; empty for an envelope
 *     dev.sigstore.cosign/certificate          PEM
 *     dev.sigstore.cosign/bundle               what Rekor v1 promised, JSON
 *     dev.sigstore.cosign/rfc3161timestamp     a timestamp, JSON
 *
 * The chain that may stand beside the certificate is not read: paths are made
 * of the trusted root's certificates.  Nothing here is believed yet.
 *
 * Refused, with ERR_DATA "annotation 'x': why" or "envelope: why": what is
 * there and cannot be read, other spellings of base64, sizes over the limits
 * of bundle.h.
 */
#ifndef GANTRY_TRUST_CLASSIC_H
#define GANTRY_TRUST_CLASSIC_H

#include "trust/bundle.h"

#define CLASSIC_ATTESTATION_TYPE "application/vnd.dsse.envelope.v1+json"
#define CLASSIC_ENVELOPE_MAX	 (BUNDLE_TEXT_MAX)

/* A signature of a payload, which the judge is given as the artifact.
 * annotations may be NULL. */
int classic_signature(const struct json_t *annotations, struct bundle **ret, struct err *e);
/* A signed envelope; its timestamp is of all of envelope.  envelope is
 * borrowed and must outlive *ret. */
int classic_attestation(struct view envelope, const struct json_t *annotations, struct bundle **ret,
			struct err *e);

#endif
