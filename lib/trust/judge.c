#include "trust/judge.h"

#include <string.h>

#include "base/jsn.h"
#include "trust/sct.h"
#include "trust/timestamp.h"
#include "trust/tlog.h"

#define TIMES_MAX (BUNDLE_ENTRIES_MAX + BUNDLE_TOKENS_MAX)

/* One bundle under judgement. */
struct trial {
	const struct judge_rules *rules;
	const struct bundle *b;
	struct artifact *artifact;
	struct artifact *signed_bytes; /* what the signature covers */
	struct cert *cert;
	int64_t times[TIMES_MAX];
	size_t n_times;
	size_t n_sources; /* of them: different authorities and logs */
};

void
judge_found_clear(struct judge_found *f)
{
	free(f->subject);
	free(f->issuer);
	jsn_free(&f->statement);
	*f = (struct judge_found){ 0 };
}

static size_t
need(size_t given)
{
	return given > 0 ? given : 1;
}

static bool
seen_authority(const size_t *by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (by[i] == by[n])
			return true;
	return false;
}

static int
check_tokens(struct trial *t, struct err *e)
{
	struct view stamped = t->b->stamped.p != NULL ? t->b->stamped : bundle_signature(t->b);
	struct root *root = t->rules->root;
	size_t by[BUNDLE_TOKENS_MAX];

	/* a key needs no time: without any authority there is nobody to ask */
	if (root == NULL || (t->cert == NULL && root->n_tsas == 0))
		return 0;
	for (size_t i = 0; i < t->b->n_tokens; i++) {
		if (timestamp_check(view_buf(&t->b->tokens[i]), stamped, root,
				    &t->times[t->n_times], &by[i], e) < 0)
			return -1;
		t->n_times++;
		t->n_sources += !seen_authority(by, i);
	}
	return 0;
}

/* A time that is not proven must still not contradict the certificate. */
static int
check_integrated(const struct trial *t, const struct bundle_entry *entry, struct err *e)
{
	char when[PERIOD_TEXT_MAX];
	int64_t ms = entry->integrated_s * 1000;

	if (t->cert == NULL || ms == 0 || period_has(cert_validity(t->cert), ms))
		return 0;
	return err_set(e, ERR_NO, "it was logged at %s, when the certificate was not valid",
		       period_text(ms, when));
}

static bool
seen_log(const struct bundle *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (b->entries[i].log_id_len == b->entries[n].log_id_len &&
		    memcmp(b->entries[i].log_id, b->entries[n].log_id, b->entries[n].log_id_len) ==
			    0)
			return true;
	return false;
}

static int
check_entries(struct trial *t, const struct spki *key, struct err *e)
{
	const struct body_want want = {
		.signed_bytes = t->signed_bytes,
		.signature = bundle_signature(t->b),
		.cert = t->cert,
		.key = key,
		.dsse = t->b->is_dsse ? &t->b->dsse : NULL,
		.envelope = t->b->envelope,
	};
	size_t stamped = t->n_times, logs = 0;

	if (t->rules->ignore_tlog)
		return 0;
	for (size_t i = 0; i < t->b->n_entries; i++) {
		const struct bundle_entry *entry = &t->b->entries[i];
		int64_t ms;

		if (tlog_check(entry, t->rules->root, &want, t->times, stamped, &ms, e) < 0 ||
		    check_integrated(t, entry, e) < 0)
			return err_wrap(e, "transparency log");
		if (ms != TLOG_NO_TIME) {
			t->times[t->n_times++] = ms;
			t->n_sources += !seen_log(t->b, i);
		}
		logs += !seen_log(t->b, i);
	}
	if (logs < need(t->rules->need_logs))
		return err_set(e, ERR_NO, "transparency log: entries in %zu logs, %zu needed", logs,
			       need(t->rules->need_logs));
	return 0;
}

/* A path to one of the CAs at that time; the one who issued it. */
static int
find_path(const struct trial *t, int64_t ms, const struct cert **ret, struct err *e)
{
	struct root *root = t->rules->root;
	struct err why = { 0 }, got = { 0 };
	char when[PERIOD_TEXT_MAX];

	for (size_t i = 0; i < root->n_cas; i++) {
		if (authority_path(&root->cas[i], t->cert, ms, ret, &got) == 0)
			return 0;
		if (got.code != ERR_NO || why.code == ERR_NONE || root->cas[i].period.end_ms >= ms)
			why = got;
	}
	if (why.code != ERR_NONE && why.code != ERR_NO)
		return err_set(e, why.code, "%s", why.msg);
	return err_set(e, ERR_NO, "certificate: at %s: %s", period_text(ms, when),
		       root->n_cas > 0 ? why.msg : "the trusted root has no CA");
}

static int
check_certificate(const struct trial *t, struct err *e)
{
	size_t scts = need(t->rules->need_scts);

	if (cert_check_leaf(t->cert, e) < 0)
		return err_wrap(e, "certificate");
	if (t->n_sources < need(t->rules->need_times))
		return err_set(e, ERR_NO, "time: %zu signed times, %zu needed", t->n_sources,
			       need(t->rules->need_times));
	for (size_t i = 0; i < t->n_times; i++) {
		const struct cert *issuer;

		if (find_path(t, t->times[i], &issuer, e) < 0)
			return -1;
		if (!t->rules->ignore_sct &&
		    sct_check(t->cert, issuer, t->rules->root, scts, e) < 0)
			return err_wrap(e, "certificate log");
	}
	return 0;
}

static int
check_identity(const struct trial *t, size_t *by, struct err *e)
{
	struct err why = { 0 };

	for (*by = 0; *by < t->rules->n_identities; (*by)++)
		if (identity_match(t->rules->identities[*by], t->cert, &why) == 0)
			return 0;
	return err_set(e, why.code, "identity: %s", why.msg);
}

/* By the key's own hash, or SHA-256; the first reason is the one to tell. */
static int
verify_hashed(const struct spki *key, struct artifact *a, struct view signature, struct err *e)
{
	enum hash_alg own = spki_hash(key);
	struct err why = { 0 };
	struct hash h;

	if (artifact_hash(a, own, &h, &why) == 0 && spki_verify_hash(key, &h, signature, &why) == 0)
		return 0;
	if (own != HASH_SHA256 && artifact_hash(a, HASH_SHA256, &h, NULL) == 0 &&
	    spki_verify_hash(key, &h, signature, NULL) == 0)
		return 0;
	return err_set(e, why.code, "%s", why.msg);
}

static int
verify_signature(struct trial *t, const struct spki *key, struct err *e)
{
	struct view signature = bundle_signature(t->b);

	if (spki_kind_of(key) != SPKI_ED25519)
		return verify_hashed(key, t->signed_bytes, signature, e);
	if (!artifact_has_bytes(t->signed_bytes))
		return err_set(e, ERR_NO,
			       "Ed25519 needs the file itself, not a digest "
			       "(Ed25519ph is not supported)");
	if (spki_verify(key, t->signed_bytes->bytes, signature, e) < 0)
		return err_wrap(e, "Ed25519 (Ed25519ph is not supported)");
	return 0;
}

/* What the bundle itself says of the artifact is only a hint, but must fit. */
static int
check_digest(struct trial *t, struct err *e)
{
	const struct hash *said = &t->b->message_digest;
	struct hash h;

	if (t->b->is_dsse || said->alg == HASH_NONE)
		return 0;
	if (artifact_hash(t->artifact, said->alg, &h, e) < 0)
		return err_wrap(e, "artifact");
	if (!hash_equal(&h, said))
		return err_set(e, ERR_NO, "artifact: the bundle is of another artifact");
	return 0;
}

static int
check_statement(struct trial *t, struct json_t **ret, struct err *e)
{
	if (t->b->is_dsse) {
		if (dsse_statement(&t->b->dsse, t->artifact, t->rules->predicate_type, ret, e) < 0)
			return err_wrap(e, "statement");
	} else if (t->rules->predicate_type != NULL) {
		return err_set(e, ERR_NO, "statement: the bundle has none");
	}
	return 0;
}

static int
try_certificate(struct trial *t, struct judge_found *f, struct err *e)
{
	if (cert_parse(view_buf(&t->b->certificate), &t->cert, e) < 0)
		return err_wrap(e, "certificate");
	if (check_tokens(t, e) < 0 || check_entries(t, NULL, e) < 0 ||
	    check_certificate(t, e) < 0 || check_identity(t, &f->by, e) < 0 ||
	    check_digest(t, e) < 0)
		return -1;
	if (verify_signature(t, cert_key(t->cert), e) < 0)
		return err_wrap(e, "signature");
	if (check_statement(t, &f->statement, e) < 0)
		return -1;
	f->subject = strdup(cert_san(t->cert));
	f->issuer = strdup(cert_issuer(t->cert));
	return f->subject != NULL && f->issuer != NULL ? 0 : err_nomem(e);
}

static int
by_no_key(const struct judge_rules *r, const struct err *why, struct err *e)
{
	if (r->n_keys > 1)
		return err_set(e, why->code, "made by none of the %zu keys", r->n_keys);
	if (r->key_names != NULL)
		return err_set(e, why->code, "not made by '%s': %s", r->key_names[0], why->msg);
	return err_set(e, why->code, "signature: %s", why->msg);
}

static int
try_keys(struct trial *t, struct judge_found *f, struct err *e)
{
	const struct judge_rules *r = t->rules;
	struct err why = { 0 };

	if (check_digest(t, e) < 0)
		return -1;
	f->by_key = true;
	while (f->by < r->n_keys && verify_signature(t, r->keys[f->by], &why) < 0)
		f->by++;
	if (f->by == r->n_keys)
		return by_no_key(r, &why, e);
	if (check_statement(t, &f->statement, e) < 0 || check_tokens(t, e) < 0)
		return -1;
	return check_entries(t, r->keys[f->by], e);
}

static int
check_rules(const struct judge_rules *r, const struct bundle *b, struct err *e)
{
	if (r->n_keys == 0 && r->n_identities == 0)
		return err_set(e, ERR_USAGE, "keys or identities must be given");
	if (r->root == NULL && (r->n_identities > 0 || !r->ignore_tlog))
		return err_set(e, ERR_USAGE, "a trusted root must be given");
	if (b->signer != BUNDLE_KEY && r->n_identities == 0)
		return err_set(e, ERR_NO, "it is signed with a certificate, not with a key");
	if (b->signer == BUNDLE_KEY && r->n_keys == 0)
		return err_set(e, ERR_NO, "it is signed with a key, not with a certificate");
	return 0;
}

static int
judge(struct trial *t, struct judge_found *ret, struct err *e)
{
	AUTO_FOUND struct judge_found f = { .signed_ms = INT64_MIN, .log_index = -1 };
	AUTO_BUF
	struct buf pae = BUF_INIT(DSSE_PAE_MAX);
	struct artifact envelope;

	if (t->b->is_dsse) {
		dsse_pae(&t->b->dsse, &pae);
		if (buf_ok(&pae, "envelope", e) < 0)
			return -1;
		artifact_from_bytes(view_buf(&pae), &envelope);
		t->signed_bytes = &envelope;
	}
	if ((t->b->signer == BUNDLE_KEY ? try_keys(t, &f, e) : try_certificate(t, &f, e)) < 0)
		return -1;
	if (t->n_times > 0)
		f.signed_ms = t->times[0];
	if (t->b->n_entries > 0 && !t->rules->ignore_tlog)
		f.log_index = t->b->entries[0].index;
	if (ret != NULL) {
		*ret = f;
		f = (struct judge_found){ 0 };
	}
	return 0;
}

int
judge_parsed(const struct bundle *b, struct artifact *a, const struct judge_rules *rules,
	     struct judge_found *ret, struct err *e)
{
	struct trial t = { .rules = rules, .b = b, .artifact = a, .signed_bytes = a };
	int status = -1;

	if (check_rules(rules, b, e) == 0)
		status = judge(&t, ret, e);
	cert_free(&t.cert);
	return status;
}

int
judge_bundle(struct view text, struct artifact *a, const struct judge_rules *rules,
	     struct judge_found *ret, struct err *e)
{
	AUTO_BUNDLE struct bundle *b = NULL;

	if (bundle_parse(text, &b, e) < 0 || judge_parsed(b, a, rules, ret, e) < 0)
		return err_wrap(e, "bundle");
	return 0;
}
