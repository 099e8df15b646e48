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
 *                    statements of type VERIFY_SIGNATURE_TYPE, and plain
 *                    signatures of the manifest
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
#include "trust/identity.h"
#include "trust/judge.h"

#define VERIFY_KEYS_MAX	      16
#define VERIFY_IDENTITIES_MAX 64
#define VERIFY_TYPES_MAX      16
#define VERIFY_SIGNATURES_MAX 64	 /* candidates of one form that are looked at */
#define VERIFY_PAYLOAD_MAX    (1U << 20) /* bytes of one simple signing payload */
#define VERIFY_SIGNATURE_TYPE "https://sigstore.dev/cosign/sign/v1"

/* Whom we trust, and with what: the set of requirements for one image.  Once
 * it is made several threads may verify by it. */
struct verify_policy;

int verify_policy_new(struct verify_policy **ret, struct err *e);
void verify_policy_free(struct verify_policy **p);
#define AUTO_POLICY AUTO(verify_policy_free)

/* Signers; keys and identities may be mixed, any of them will do.  ERR_CONFIG.
 *
 * A PEM public key (SubjectPublicKeyInfo): ECDSA P-256, P-384, P-521, Ed25519
 * or RSA from 2048 bits on.  path "-" is standard input. */
int verify_policy_add_key(struct verify_policy *p, const char *path, struct err *e);
/* Whom a certificate must name; see identity.h. */
int verify_policy_add_identity(struct verify_policy *p, const struct identity_rule *rule,
			       struct err *e);
/* So many different signers must have signed, where one is enough otherwise.
 * A key or an identity rule counts once, however often it signs or is named.
 * Called when all are named: ERR_CONFIG if there are not as many. */
int verify_policy_set_threshold(struct verify_policy *p, size_t n, struct err *e);

/* An attestation of this type, by one of the signers, must be there too:
 * cosign's short name ("slsaprovenance1"), or a URI.  ERR_CONFIG. */
int verify_policy_add_type(struct verify_policy *p, const char *type, struct err *e);
/* Only the attestations are asked for, no signature. */
void verify_policy_types_only(struct verify_policy *p);

/* Sigstore's trusted_root.json.  Identities need one.  With one, keys need an
 * entry in a transparency log too; without, a key is all that is asked. */
int verify_policy_set_root(struct verify_policy *p, const char *path, struct err *e);
/* What is not asked for; saying so aloud is the caller's. */
void verify_policy_ignore(struct verify_policy *p, bool tlog, bool sct);

/* Nobody at all: nothing can pass. */
bool verify_policy_empty(const struct verify_policy *p);
/* Whether all is there that verifying needs; ERR_CONFIG. */
int verify_policy_check(const struct verify_policy *p, struct err *e);

/* The same for the judge, who wants the predicate type besides; lent. */
void verify_policy_rules(const struct verify_policy *p, struct judge_rules *ret);

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
#define AUTO_VERIFIED AUTO(verify_found_clear)

/* digest: of the image (manifest or index), already resolved.  ret may be
 * NULL; otherwise it is filled only on success, with the signatures that were
 * enough, and with every attestation of the types asked for that counts. */
int verify_image(struct store *s, const struct digest *digest, const struct verify_policy *p,
		 struct verify_found *ret, struct err *e);

#endif
