/*
 * verify_trial: one image under judgement; shared by the parts of verify.
 *
 * Each part looks at one form, candidate after candidate, and stops as soon as
 * nothing more is wanted, or the store does not answer.
 */
#ifndef GANTRY_TRUST_VERIFY_TRIAL_H
#define GANTRY_TRUST_VERIFY_TRIAL_H

#include "trust/bundle.h"
#include "trust/key.h"
#include "trust/verify.h"

#define VERIFY_SIGNERS_MAX   (VERIFY_KEYS_MAX + VERIFY_IDENTITIES_MAX)
#define VERIFY_TAG_MAX	     (DIGEST_STR_MAX + 8)
#define VERIFY_REFERRERS_MAX 256 /* of one image, whatever they are */

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

struct verify_trial {
	struct store *s;
	const struct digest *image;
	const struct verify_policy *p;
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

/* One form each.  -1 where the trial cannot go on: see unknown. */
int verify_classic(struct verify_trial *t);
int verify_bundles(struct verify_trial *t);
int verify_att(struct verify_trial *t);

#endif
