/*
 * bundle: a Sigstore bundle, versions 0.1, 0.2 and 0.3 (protobuf-specs,
 * sigstore_bundle.proto, as JSON), taken apart and nothing else: what it says
 * is not believed before judge.h has looked at it.
 *
 * Refused, with ERR_DATA: other media types; what a version must have and
 * does not (0.1: an inclusion promise for each log entry; 0.2 and 0.3: an
 * inclusion proof with a checkpoint; 0.3: a single certificate, no chain);
 * more than one of certificate, chain and key, or of message signature and
 * envelope; a chain with a root certificate in it; the same log entry or the
 * same timestamp twice; negative numbers; duplicate keys; sizes over the
 * limits below.
 */
#ifndef GANTRY_TRUST_BUNDLE_H
#define GANTRY_TRUST_BUNDLE_H

#include "trust/dsse.h"

#define BUNDLE_TEXT_MAX	   (32U << 20)
#define BUNDLE_ENTRIES_MAX 32
#define BUNDLE_TOKENS_MAX  32
#define BUNDLE_CERTS_MAX   10
#define BUNDLE_PROOF_MAX   64 /* hashes; a log of 2^63 entries */
#define BUNDLE_BODY_MAX	   (8U << 20)
#define BUNDLE_SMALL_MAX   (64U << 10) /* certificates, tokens, checkpoints */
#define BUNDLE_ID_MAX	   64
#define BUNDLE_KIND_MAX	   32

struct bundle_proof {
	bool given;
	int64_t index, size;
	struct hash root;
	struct hash path[BUNDLE_PROOF_MAX];
	size_t n;
	char *checkpoint; /* NULL if none */
};

struct bundle_entry {
	int64_t index; /* in the whole log */
	char log_id[BUNDLE_ID_MAX];
	size_t log_id_len;
	char kind[BUNDLE_KIND_MAX], version[BUNDLE_KIND_MAX];
	int64_t integrated_s; /* seconds; 0: none */
	struct buf promise;   /* SET; empty: none */
	struct bundle_proof proof;
	struct buf body;
};

enum bundle_signer { BUNDLE_CERTIFICATE = 1, BUNDLE_KEY };

struct bundle {
	int minor; /* 1, 2 or 3 */
	enum bundle_signer signer;
	struct buf certificate; /* the leaf, DER */
	struct bundle_entry *entries;
	size_t n_entries;
	struct buf tokens[BUNDLE_TOKENS_MAX]; /* TimeStampResp, DER */
	size_t n_tokens;
	bool is_dsse;
	struct dsse dsse;	    /* if is_dsse, else: */
	struct hash message_digest; /* alg HASH_NONE: not given */
	struct buf signature;

	/* Only for what was not a bundle before (classic.h); borrowed. */
	struct view envelope; /* its JSON as it was signed; p NULL: not known */
	struct view stamped;  /* what the tokens are of; p NULL: the signature */
};

/* An empty one; NULL if out of memory. */
struct bundle *bundle_new(void);

int bundle_parse(struct view text, struct bundle **ret, struct err *e);
void bundle_free(struct bundle **b);
#define AUTO_BUNDLE AUTO(bundle_free)

/* The signature's bytes, of whichever kind. */
struct view bundle_signature(const struct bundle *b);

#endif
