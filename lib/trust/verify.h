/*
 * verify: does an image carry the signatures and attestations that we ask for?
 *
 * img-verify, reg-sync and deploy ask this one function.  The caller opens the
 * store; what is in it is looked at piece by piece, and judged by judge.h, the
 * same way as files are.
 *
 * Looked for are, in this order, until enough is found:
 *
 *     signatures     cosign's classic form (tag sha256-HEX.sig, simple signing
 *                    payloads), then Sigstore bundles among the referrers:
 *                    statements that cosign makes to sign an image, and
 *                    plain signatures of the manifest
 *     attestations   Sigstore bundles among the referrers, then cosign's
 *                    classic form (tag sha256-HEX.att, envelopes)
 *
 * A bundle is one by its manifest's or its layer's type; what a list of
 * referrers says of it decides nothing.
 *
 * Results: 0 all that the policy asks for is there; ERR_NO it is not, and the
 * message says for each candidate which check failed; ERR_TEMP or ERR_AUTH
 * something could not be listed or fetched that might have been enough (or is
 * asked for in full, see below), which is never the same as none; ERR_CONFIG, ERR_SYS.
 */
#ifndef GANTRY_TRUST_VERIFY_H
#define GANTRY_TRUST_VERIFY_H

#include "oci/store.h"
#include "trust/verify_found.h"
#include "trust/verify_policy.h"

/* digest: of the image (manifest or index), already resolved.  ret may be
 * NULL; otherwise it is filled only on success, with the signatures that were
 * enough, and with every attestation of the types asked for that counts. */
int verify_image(struct store *s, const struct digest *digest, const struct verify_policy *p,
		 struct verify_found *ret, struct err *e);

#endif
