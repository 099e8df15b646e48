/*
 * verify_trial: one image under judgement: what is still wanted, what counts,
 * and why the rest does not.  The forms (verify_forms.h) bring the candidates.
 */
#ifndef GANTRY_TRUST_VERIFY_TRIAL_H
#define GANTRY_TRUST_VERIFY_TRIAL_H

#include "oci/store.h"
#include "trust/bundle.h"
#include "trust/verify_found.h"
#include "trust/verify_policy.h"

#define VERIFY_SIGNATURES_MAX 64	 /* candidates of one form that are looked at */
#define VERIFY_PAYLOAD_MAX    (1U << 20) /* bytes of one simple signing payload */
#define VERIFY_SIGNERS_MAX    (VERIFY_KEYS_MAX + VERIFY_IDENTITIES_MAX)
#define VERIFY_TAG_MAX	      (DIGEST_STR_MAX + 8)
#define VERIFY_REFERRERS_MAX  256 /* of one image, whatever they are */
#define VERIFY_NAME_MAX	      (REF_STR_MAX + DIGEST_STR_MAX + 2)

struct verify_trial {
	struct store *s;
	const struct digest *image;
	const struct verify_policy *p;
	char name[VERIFY_NAME_MAX]; /* of the image, for messages */
	struct judge_rules rules;
	struct artifact artifact; /* the image, by its digest */
	struct verify_found found;
	bool signers[VERIFY_SIGNERS_MAX]; /* whose signatures were found */
	size_t n_signers;
	bool types[VERIFY_TYPES_MAX]; /* which attestations were found */
	size_t n_types;
	bool all_attestations; /* each one is wanted, even if one of its type is there */
	struct err unknown;    /* the store did not answer, or this machine failed */
	struct buf no_signature, no_attestation; /* why candidates did not count */
};

/* What a candidate would be good for. */
enum verify_use { VERIFY_NOTHING, VERIFY_SIGNATURE, VERIFY_ATTESTATION, VERIFY_ANYTHING };

/* s, image, p, all_attestations and the limits of the reasons are set before. */
int verify_trial_open(struct verify_trial *t, struct err *e);
/* Whether it was enough, and if not why; see verify.h.  looked_at_all: the
 * store has given all that was asked for. */
int verify_trial_end(const struct verify_trial *t, bool looked_at_all, struct err *e);
void verify_trial_close(struct verify_trial *t);

/* sha256-HEX and a suffix. */
void verify_tag(const struct verify_trial *t, const char *suffix, char out[VERIFY_TAG_MAX]);
/* Whether looking further is of any use. */
bool verify_wants(const struct verify_trial *t, enum verify_use use);
/* What an envelope in a bundle is good for now, by what it says of itself:
 * VERIFY_NOTHING if nobody asked for that.  *ret_type, lent by the policy: of
 * an attestation. */
enum verify_use
verify_use_of(const struct verify_trial *t, const struct bundle *b, const char **ret_type);

/* Judge it; what counts is kept.  type: of an attestation, else NULL.  -1 with
 * the reason where it does not count. */
int verify_judge(struct verify_trial *t, const struct bundle *b, struct artifact *a,
		 const char *type, struct verify_proof *ret, struct err *e);
/* The same in cosign's classic form, where a key decides alone whatever
 * certificate is beside the signature. */
int verify_judge_classic(struct verify_trial *t, struct bundle *b, struct artifact *a,
			 const char *type, struct verify_proof *ret, struct err *e);
/* Takes proof. */
void verify_keep(struct verify_trial *t, struct verify_proof *proof);
/* Candidate number n (0: there are no numbers) of a form does not count; -1 if
 * why is no answer but the store's or this machine's fault. */
int verify_reject(struct verify_trial *t, enum verify_use use, const char *form, size_t n,
		  const struct err *why);
/* More candidates than are looked at. */
void verify_reject_rest(struct verify_trial *t, enum verify_use use, const char *form);

#endif
