/*
 * verify: does an image carry a signature of somebody we trust?
 *
 * img-verify, reg-sync and deploy ask this one function.  The caller opens the
 * store; everything that is needed is fetched first and judged afterwards.
 *
 * Understood today: cosign's classic form (tag sha256-HEX.sig, simple signing
 * payload) under plain public keys.
 *
 * Results: 0 signatures by as many of the keys as are needed (one, if nothing
 * else is set) cover this digest; ERR_NO there are not, and the message says
 * for each candidate which check failed; ERR_TEMP or ERR_AUTH the signatures could not be listed or
 * fetched, which is never the same as none.
 */
#ifndef GANTRY_TRUST_VERIFY_H
#define GANTRY_TRUST_VERIFY_H

#include "oci/store.h"

#define VERIFY_KEYS_MAX	      16
#define VERIFY_SIGNATURES_MAX 64	 /* layers of one .sig manifest that are looked at */
#define VERIFY_PAYLOAD_MAX    (1U << 20) /* bytes of one payload */

struct verify_policy; /* whom we trust */

int verify_policy_new(struct verify_policy **ret, struct err *e);
void verify_policy_free(struct verify_policy **p);
#define AUTO_POLICY AUTO(verify_policy_free)
/* A PEM public key (SubjectPublicKeyInfo): ECDSA P-256, P-384, P-521, Ed25519
 * or RSA from 2048 bits on.  path "-" is standard input.  ERR_CONFIG. */
int verify_policy_add_key(struct verify_policy *p, const char *path, struct err *e);
/* So many different signers must have signed, where one is enough otherwise.
 * Whoever signs twice, or is named twice, counts once.  Called when all are
 * named: ERR_CONFIG if there are not as many. */
int verify_policy_set_threshold(struct verify_policy *p, size_t n, struct err *e);
/* No key at all: nothing can pass. */
bool verify_policy_empty(const struct verify_policy *p);

/* digest: of the image (manifest or index), already resolved. */
int verify_image(struct store *s, const struct digest *digest, const struct verify_policy *p,
		 struct err *e);

#endif
