/*
 * judge: does a Sigstore bundle prove that somebody we trust signed this artifact?
 *
 * Follows the Sigstore client specification, section 4.  Everything is
 * decided from the bytes given: no network, no files, no clock.
 *
 * By identities: the certificate leads to a CA of the root at every signed
 * time (at least one is needed), and is for code signing; a certificate log
 * saw it; its subject and issuer are one of the identities; every log entry
 * holds; the signature verifies.  By keys: the bundle is signed by one of
 * them, and every log entry holds.  With both, either will do.
 *
 * A bundle of another sort than the rules ask for fails; nothing is ever
 * checked less because something is missing.  A timestamp that does not
 * verify fails the bundle, even if another one does.
 *
 * Errors: ERR_NO and ERR_DATA, "bundle: which check: why"; ERR_SYS.
 */
#ifndef GANTRY_TRUST_JUDGE_H
#define GANTRY_TRUST_JUDGE_H

#include "trust/artifact.h"
#include "trust/identity.h"
#include "trust/root.h"

struct bundle;
struct json_t;

struct judge_rules {
	struct root *root; /* may be NULL only for keys with ignore_tlog */
	struct identity *const *identities;
	size_t n_identities; /* any of them */
	const struct spki *const *keys;
	size_t n_keys;		      /* any of them */
	const char *const *key_names; /* for messages; NULL: none */
	const char *predicate_type;   /* of the statement; NULL: any, and plain signatures */
	size_t need_logs, need_times, need_scts; /* from so many different ones; 0: 1 */
	bool ignore_tlog; /* log entries are not looked at, and give no time */
	bool ignore_sct;
};

/* What was proven.  Empty where it does not apply. */
struct judge_found {
	char *subject, *issuer; /* of the certificate */
	bool by_key;
	size_t by;		  /* index into keys, or into identities */
	int64_t signed_ms;	  /* the first signed time; INT64_MIN: none */
	int64_t log_index;	  /* of the first log entry; -1: none */
	struct json_t *statement; /* of an envelope */
};

void judge_found_clear(struct judge_found *f);
#define AUTO_FOUND AUTO(judge_found_clear)

/* ret may be NULL; otherwise it is filled only on success. */
int judge_bundle(struct view text, struct artifact *a, const struct judge_rules *rules,
		 struct judge_found *ret, struct err *e);
/* The same for one that is taken apart already; no "bundle: " in front. */
int judge_parsed(const struct bundle *b, struct artifact *a, const struct judge_rules *rules,
		 struct judge_found *ret, struct err *e);

#endif
