#include "trust/bundle.h"

#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"
#include "trust/cert.h"

#define TYPE_OLD "application/vnd.dev.sigstore.bundle+json;version=0."
#define TYPE_NEW "application/vnd.dev.sigstore.bundle.v0.3+json"

void
bundle_free(struct bundle **b)
{
	if (*b == NULL)
		return;
	buf_clear(&(*b)->certificate);
	for (size_t i = 0; i < (*b)->n_entries; i++) {
		buf_clear(&(*b)->entries[i].promise);
		buf_clear(&(*b)->entries[i].body);
		free((*b)->entries[i].proof.checkpoint);
	}
	free((*b)->entries);
	for (size_t i = 0; i < BUNDLE_TOKENS_MAX; i++)
		buf_clear(&(*b)->tokens[i]);
	dsse_clear(&(*b)->dsse);
	buf_clear(&(*b)->signature);
	free(*b);
	*b = NULL;
}

static int
parse_version(const struct json_t *v, int *ret, struct err *e)
{
	const char *type = jsn_str_or(v, "mediaType", "");
	size_t n = strlen(TYPE_OLD);

	if (strcmp(type, TYPE_NEW) == 0) {
		*ret = 3;
		return 0;
	}
	if (strncmp(type, TYPE_OLD, n) == 0 && type[n] >= '1' && type[n] <= '3' &&
	    type[n + 1] == '\0') {
		*ret = type[n] - '0';
		return 0;
	}
	return err_set(e, ERR_DATA,
		       "not a Sigstore bundle of version 0.1 to 0.3, "
		       "its media type is '%.100s'",
		       type);
}

static int
decode(const struct json_t *v, const char *path, struct buf *ret, struct err *e)
{
	const char *text;

	if (jsn_need_str(v, path, "bundle", &text, e) < 0 ||
	    base64_decode(view_of(text), path, ret, e) < 0)
		return -1;
	if (ret->len == 0)
		return err_set(e, ERR_DATA, "'%s' is empty", path);
	return 0;
}

/* protobuf's JSON writes 64-bit numbers as strings, and none as nothing. */
static int
parse_count(const struct json_t *v, const char *path, int64_t *ret, struct err *e)
{
	const char *text = jsn_str(v, path);
	int64_t n = 0;

	if (jsn_is_null(jsn_get(v, path))) {
		*ret = 0;
		return 0;
	}
	if (text == NULL)
		return jsn_need_int(v, path, "bundle", 0, INT64_MAX, ret, e);
	if (*text == '\0' || strlen(text) > 19)
		return err_set(e, ERR_DATA, "'%s' is not a number from 0 on", path);
	for (; *text != '\0'; text++)
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *text - '0', &n))
			return err_set(e, ERR_DATA, "'%s' is not a number from 0 on", path);
	*ret = n;
	return 0;
}

static int
copy_text(const struct json_t *v, const char *path, char *ret, size_t size, struct err *e)
{
	const char *text;

	if (jsn_need_str(v, path, "bundle", &text, e) < 0)
		return -1;
	if (strlen(text) >= size)
		return err_set(e, ERR_DATA, "'%s' is too long", path);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int
decode_hash(const struct json_t *v, const char *path, struct hash *ret, struct err *e)
{
	AUTO_BUF
	struct buf raw = BUF_INIT(HASH_MAX);

	if (decode(v, path, &raw, e) < 0)
		return -1;
	if (!hash_from_raw(HASH_SHA256, view_buf(&raw), ret))
		return err_set(e, ERR_DATA, "a hash in the inclusion proof has %zu bytes", raw.len);
	return 0;
}

static int
parse_proof(const struct json_t *v, struct bundle_proof *p, struct err *e)
{
	const struct json_t *path = jsn_get(v, "hashes");
	const char *checkpoint = jsn_str_or(v, "checkpoint.envelope", "");

	if (!jsn_is_null(path) && !jsn_is_array(path))
		return err_set(e, ERR_DATA, "'hashes' is not a list");
	if (jsn_len(path) > BUNDLE_PROOF_MAX)
		return err_set(e, ERR_DATA, "the inclusion proof has more than %d hashes",
			       BUNDLE_PROOF_MAX);
	if (parse_count(v, "logIndex", &p->index, e) < 0 ||
	    parse_count(v, "treeSize", &p->size, e) < 0 ||
	    decode_hash(v, "rootHash", &p->root, e) < 0)
		return -1;
	for (p->n = 0; p->n < jsn_len(path); p->n++)
		if (decode_hash(jsn_at(path, p->n), "", &p->path[p->n], e) < 0)
			return -1;
	if (strlen(checkpoint) > BUNDLE_SMALL_MAX)
		return err_set(e, ERR_DATA, "the checkpoint is too long");
	if (*checkpoint != '\0') {
		p->checkpoint = strdup(checkpoint);
		if (p->checkpoint == NULL)
			return err_nomem(e);
	}
	p->given = true;
	return 0;
}

/* What each version demands of an entry. */
static int
check_entry(const struct bundle_entry *t, int minor, struct err *e)
{
	if (minor == 1 && t->promise.len == 0)
		return err_set(e, ERR_DATA, "no inclusion promise, which version 0.1 must have");
	if (minor > 1 && !t->proof.given)
		return err_set(e, ERR_DATA, "no inclusion proof, which version 0.%d must have",
			       minor);
	if (minor > 1 && t->proof.checkpoint == NULL)
		return err_set(e, ERR_DATA, "no checkpoint, which version 0.%d must have", minor);
	return 0;
}

static int
parse_entry(const struct json_t *v, int minor, struct bundle_entry *t, struct err *e)
{
	const struct json_t *promise = jsn_get(v, "inclusionPromise");
	const struct json_t *proof = jsn_get(v, "inclusionProof");
	AUTO_BUF
	struct buf id = BUF_INIT(BUNDLE_ID_MAX);

	t->promise = BUF_INIT(BUNDLE_SMALL_MAX);
	t->body = BUF_INIT(BUNDLE_BODY_MAX);
	if (parse_count(v, "logIndex", &t->index, e) < 0 ||
	    parse_count(v, "integratedTime", &t->integrated_s, e) < 0 ||
	    decode(v, "logId.keyId", &id, e) < 0 ||
	    copy_text(v, "kindVersion.kind", t->kind, sizeof(t->kind), e) < 0 ||
	    copy_text(v, "kindVersion.version", t->version, sizeof(t->version), e) < 0 ||
	    decode(v, "canonicalizedBody", &t->body, e) < 0)
		return -1;
	memcpy(t->log_id, id.data, id.len);
	t->log_id_len = id.len;
	if (t->integrated_s > INT64_MAX / 1000)
		return err_set(e, ERR_DATA, "'integratedTime' is out of reach");
	/* protobuf writes an empty promise where there is none */
	if (*jsn_str_or(promise, "signedEntryTimestamp", "") != '\0' &&
	    decode(promise, "signedEntryTimestamp", &t->promise, e) < 0)
		return -1;
	if (!jsn_is_null(proof) && parse_proof(proof, &t->proof, e) < 0)
		return -1;
	return check_entry(t, minor, e);
}

static int
parse_entries(const struct json_t *list, struct bundle *b, struct err *e)
{
	size_t n = jsn_len(list);

	if (!jsn_is_null(list) && !jsn_is_array(list))
		return err_set(e, ERR_DATA, "'tlogEntries' is not a list");
	if (n > BUNDLE_ENTRIES_MAX)
		return err_set(e, ERR_DATA, "more than %d log entries", BUNDLE_ENTRIES_MAX);
	b->entries = calloc(n > 0 ? n : 1, sizeof(*b->entries));
	if (b->entries == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		struct bundle_entry *t = &b->entries[b->n_entries++];

		if (parse_entry(jsn_at(list, i), b->minor, t, e) < 0)
			return err_wrap(e, "log entry %zu", i + 1);
		for (size_t k = 0; k < i; k++)
			if (b->entries[k].index == t->index &&
			    b->entries[k].log_id_len == t->log_id_len &&
			    memcmp(b->entries[k].log_id, t->log_id, t->log_id_len) == 0)
				return err_set(e, ERR_DATA, "log entry %zu is there twice", i + 1);
	}
	return 0;
}

static int
parse_tokens(const struct json_t *list, struct bundle *b, struct err *e)
{
	if (!jsn_is_null(list) && !jsn_is_array(list))
		return err_set(e, ERR_DATA, "'rfc3161Timestamps' is not a list");
	if (jsn_len(list) > BUNDLE_TOKENS_MAX)
		return err_set(e, ERR_DATA, "more than %d timestamps", BUNDLE_TOKENS_MAX);
	for (size_t i = 0; i < jsn_len(list); i++) {
		struct buf *token = &b->tokens[b->n_tokens++];

		if (decode(jsn_at(list, i), "signedTimestamp", token, e) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (b->tokens[k].len == token->len &&
			    memcmp(b->tokens[k].data, token->data, token->len) == 0)
				return err_set(e, ERR_DATA, "timestamp %zu is there twice", i + 1);
	}
	return 0;
}

/* The certificates above the leaf are read only to refuse a root among them;
 * paths use the trusted root's. */
static int
parse_chain(const struct json_t *list, struct bundle *b, struct err *e)
{
	if (!jsn_is_array(list) || jsn_len(list) == 0)
		return err_set(e, ERR_DATA, "the certificate chain is empty");
	if (jsn_len(list) > BUNDLE_CERTS_MAX)
		return err_set(e, ERR_DATA, "more than %d certificates", BUNDLE_CERTS_MAX);
	if (decode(jsn_at(list, 0), "rawBytes", &b->certificate, e) < 0)
		return -1;
	for (size_t i = 1; i < jsn_len(list); i++) {
		AUTO_BUF
		struct buf der = BUF_INIT(BUNDLE_SMALL_MAX);
		AUTO_CERT struct cert *c = NULL;

		if (decode(jsn_at(list, i), "rawBytes", &der, e) < 0)
			return -1;
		if (cert_parse(view_buf(&der), &c, e) < 0)
			return err_wrap(e, "certificate %zu", i + 1);
		if (cert_is_self_issued(c))
			return err_set(e, ERR_DATA,
				       "the certificate chain has a root certificate in it");
	}
	return 0;
}

static int
parse_material(const struct json_t *v, struct bundle *b, struct err *e)
{
	const struct json_t *single = jsn_get(v, "certificate");
	const struct json_t *chain = jsn_get(v, "x509CertificateChain");
	const struct json_t *key = jsn_get(v, "publicKey");

	if (!jsn_is_null(single) + !jsn_is_null(chain) + !jsn_is_null(key) != 1)
		return err_set(e, ERR_DATA,
			       "not exactly one of certificate, certificate chain and public key");
	if (!jsn_is_null(chain) && b->minor >= 3)
		return err_set(e, ERR_DATA, "a certificate chain, which version 0.3 must not have");
	b->signer = jsn_is_null(key) ? BUNDLE_CERTIFICATE : BUNDLE_KEY;
	if (!jsn_is_null(single) && decode(single, "rawBytes", &b->certificate, e) < 0)
		return -1;
	if (!jsn_is_null(chain) && parse_chain(jsn_get(chain, "certificates"), b, e) < 0)
		return -1;
	if (parse_entries(jsn_get(v, "tlogEntries"), b, e) < 0)
		return -1;
	return parse_tokens(jsn_get(v, "timestampVerificationData.rfc3161Timestamps"), b, e);
}

static int
parse_message(const struct json_t *v, struct bundle *b, struct err *e)
{
	const struct json_t *digest = jsn_get(v, "messageDigest");
	AUTO_BUF
	struct buf raw = BUF_INIT(HASH_MAX);
	enum hash_alg alg;

	if (decode(v, "signature", &b->signature, e) < 0)
		return -1;
	if (jsn_is_null(digest))
		return 0;
	alg = hash_alg_named(jsn_str(digest, "algorithm"));
	if (decode(digest, "digest", &raw, e) < 0)
		return -1;
	if (!hash_from_raw(alg, view_buf(&raw), &b->message_digest))
		return err_set(e, ERR_DATA, "the message digest is not of a kind that is known");
	return 0;
}

static int
parse_content(const struct json_t *v, struct bundle *b, struct err *e)
{
	const struct json_t *message = jsn_get(v, "messageSignature");
	const struct json_t *envelope = jsn_get(v, "dsseEnvelope");

	if (!jsn_is_null(message) + !jsn_is_null(envelope) != 1)
		return err_set(e, ERR_DATA, "not exactly one of message signature and envelope");
	b->is_dsse = !jsn_is_null(envelope);
	return b->is_dsse ? dsse_parse(envelope, &b->dsse, e) : parse_message(message, b, e);
}

struct bundle *
bundle_new(void)
{
	struct bundle *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->certificate = BUF_INIT(CERT_DER_MAX);
	b->signature = BUF_INIT(DSSE_SIGNATURE_MAX);
	b->dsse = DSSE_INIT;
	for (size_t i = 0; i < BUNDLE_TOKENS_MAX; i++)
		b->tokens[i] = BUF_INIT(BUNDLE_SMALL_MAX);
	return b;
}

int
bundle_parse(struct view text, struct bundle **ret, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_BUNDLE struct bundle *b = NULL;

	if (text.n > BUNDLE_TEXT_MAX)
		return err_set(e, ERR_DATA, "a bundle of more than %u bytes", BUNDLE_TEXT_MAX);
	v = jsn_parse(text, "bundle", e);
	if (v == NULL)
		return -1;
	b = bundle_new();
	if (b == NULL)
		return err_nomem(e);
	if (parse_version(v, &b->minor, e) < 0 ||
	    parse_material(jsn_get(v, "verificationMaterial"), b, e) < 0 ||
	    parse_content(v, b, e) < 0)
		return -1;
	*ret = TAKE_PTR(b);
	return 0;
}

struct view
bundle_signature(const struct bundle *b)
{
	return view_buf(b->is_dsse ? &b->dsse.signature : &b->signature);
}
