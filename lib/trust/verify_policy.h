/*
 * verify_policy: whom we trust, and with what: the set of requirements for one
 * image.  Once it is made several threads may verify by it.
 */
#ifndef GANTRY_TRUST_VERIFY_POLICY_H
#define GANTRY_TRUST_VERIFY_POLICY_H

#include "trust/identity.h"
#include "trust/judge.h"
#include "trust/key.h"

#define VERIFY_KEYS_MAX	      16
#define VERIFY_IDENTITIES_MAX 64
#define VERIFY_TYPES_MAX      16

/* Made by the functions below, and read by what verifies. */
struct verify_policy {
	struct key *keys[VERIFY_KEYS_MAX];
	const struct spki *spkis[VERIFY_KEYS_MAX]; /* the same, as the judge wants them */
	const char *key_names[VERIFY_KEYS_MAX];
	size_t n_keys;
	struct identity *identities[VERIFY_IDENTITIES_MAX];
	size_t n_identities;
	size_t threshold; /* 0: 1 */
	char *types[VERIFY_TYPES_MAX];
	size_t n_types;
	bool types_only;
	struct root *root;
	bool ignore_tlog, ignore_sct;
};

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

#endif
