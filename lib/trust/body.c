#include "trust/body.h"

#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"

#define SMALL_MAX (64U << 10)

static int
differs(const char *what, struct err *e)
{
	return err_set(e, ERR_NO, "the log entry has another %s", what);
}

/* A text of base64 as bytes; ret is emptied first. */
static int
decode(const struct json_t *v, const char *path, struct buf *ret, struct err *e)
{
	const char *text;

	buf_reset(ret);
	if (jsn_need_str(v, path, "log entry", &text, e) < 0)
		return -1;
	return base64_decode(view_of(text), path, ret, e);
}

static int
check_signature(const struct json_t *v, const char *path, const struct body_want *w, struct err *e)
{
	AUTO_BUF
	struct buf got = BUF_INIT(DSSE_SIGNATURE_MAX);

	if (decode(v, path, &got, e) < 0)
		return -1;
	if (got.len != w->signature.n || memcmp(buf_cstr(&got), w->signature.p, got.len) != 0)
		return differs("signature", e);
	return 0;
}

static int
check_key(struct view pem, const struct spki *want, struct err *e)
{
	AUTO_SPKI struct spki *got = NULL;

	if (spki_from_pem(pem, &got, e) < 0)
		return err_wrap(e, "the log entry's key");
	return spki_equal(got, want) ? 0 : differs("public key", e);
}

/* base64 of PEM */
static int
check_signer(const struct json_t *v, const char *path, const struct body_want *w, struct err *e)
{
	AUTO_BUF
	struct buf pem = BUF_INIT(SMALL_MAX);

	if (decode(v, path, &pem, e) < 0)
		return -1;
	if (w->cert != NULL)
		return cert_is_pem(w->cert, view_buf(&pem)) ? 0 : differs("certificate", e);
	return check_key(view_buf(&pem), w->key, e);
}

static int
check_hash(const struct json_t *v, struct artifact *a, const char *what, struct err *e)
{
	enum hash_alg alg = hash_alg_named(jsn_str_or(v, "algorithm", "sha256"));
	struct hash want, got;
	const char *hex;

	if (jsn_need_str(v, "value", "log entry", &hex, e) < 0)
		return -1;
	if (!hash_from_hex(alg, view_of(hex), &got))
		return err_set(e, ERR_DATA, "the log entry's hash of the %s cannot be read", what);
	if (artifact_hash(a, alg, &want, e) < 0)
		return -1;
	return hash_equal(&want, &got) ? 0 : differs(what, e);
}

static int
check_payload_hash(const struct json_t *v, const struct body_want *w, struct err *e)
{
	struct artifact payload;

	if (w->dsse == NULL)
		return err_set(e, ERR_NO, "the log entry is of an envelope, not of a file");
	artifact_from_bytes(view_buf(&w->dsse->payload), &payload);
	return check_hash(v, &payload, "payload", e);
}

/* Logs hash an envelope as it was uploaded; a bundle does not keep those
 * bytes, cosign's older attestations do. */
static int
check_envelope_hash(const struct json_t *v, const struct body_want *w, struct err *e)
{
	struct artifact envelope;

	if (w->envelope.p == NULL)
		return 0;
	artifact_from_bytes(w->envelope, &envelope);
	return check_hash(v, &envelope, "envelope", e);
}

static const struct spki *
signer_key(const struct body_want *w)
{
	return w->cert != NULL ? cert_key(w->cert) : w->key;
}

/* A log that has only the hash can have checked only Ed25519ph. */
static int
refuse_prehashed(const struct body_want *w, struct err *e)
{
	if (spki_kind_of(signer_key(w)) == SPKI_ED25519)
		return err_set(e, ERR_NO,
			       "the log entry is of an Ed25519ph signature, "
			       "which is not supported");
	return 0;
}

static int
hashedrekord_1(const struct json_t *spec, const struct body_want *w, struct err *e)
{
	if (refuse_prehashed(w, e) < 0 ||
	    check_hash(jsn_get(spec, "data.hash"), w->signed_bytes, "artifact", e) < 0 ||
	    check_signature(spec, "signature.content", w, e) < 0)
		return -1;
	return check_signer(spec, "signature.publicKey.content", w, e);
}

/* One of many, each with signature and signer at these keys. */
static const struct json_t *
only_one(const struct json_t *list, struct err *e)
{
	if (jsn_is_array(list) && jsn_len(list) == 1)
		return jsn_at(list, 0);
	err_set(e, ERR_NO, "the log entry has %zu signatures, not one", jsn_len(list));
	return NULL;
}

static int
dsse_1(const struct json_t *spec, const struct body_want *w, struct err *e)
{
	const struct json_t *one;

	if (check_payload_hash(jsn_get(spec, "payloadHash"), w, e) < 0 ||
	    check_envelope_hash(jsn_get(spec, "envelopeHash"), w, e) < 0)
		return -1;
	one = only_one(jsn_get(spec, "signatures"), e);
	if (one == NULL || check_signature(one, "signature", w, e) < 0)
		return -1;
	return check_signer(one, "verifier", w, e);
}

/* The envelope in the entry has its base64 texts in base64 once more. */
static int
check_signature_twice(const struct json_t *one, const struct body_want *w, struct err *e)
{
	AUTO_BUF
	struct buf text = BUF_INIT(SMALL_MAX);
	AUTO_BUF
	struct buf got = BUF_INIT(DSSE_SIGNATURE_MAX);

	if (decode(one, "sig", &text, e) < 0 || base64_decode(view_buf(&text), "sig", &got, e) < 0)
		return -1;
	if (got.len != w->signature.n || memcmp(buf_cstr(&got), w->signature.p, got.len) != 0)
		return differs("signature", e);
	return 0;
}

static int
intoto_2(const struct json_t *spec, const struct body_want *w, struct err *e)
{
	const struct json_t *content = jsn_get(spec, "content"), *one;

	if (check_payload_hash(jsn_get(content, "payloadHash"), w, e) < 0 ||
	    check_envelope_hash(jsn_get(content, "hash"), w, e) < 0)
		return -1;
	if (strcmp(jsn_str_or(content, "envelope.payloadType", ""), w->dsse->type) != 0)
		return differs("payload type", e);
	one = only_one(jsn_get(content, "envelope.signatures"), e);
	if (one == NULL || check_signature_twice(one, w, e) < 0)
		return -1;
	return check_signer(one, "publicKey", w, e);
}

static int
intoto_1(const struct json_t *spec, const struct body_want *w, struct err *e)
{
	const struct json_t *payload = jsn_get(spec, "content.payloadHash");

	if (w->envelope.p == NULL)
		return err_set(e, ERR_NO,
			       "a log entry of kind intoto 0.0.1 does not name the signature");
	if (check_envelope_hash(jsn_get(spec, "content.hash"), w, e) < 0)
		return -1;
	if (!jsn_is_null(payload) && check_payload_hash(payload, w, e) < 0)
		return -1;
	return check_signer(spec, "publicKey", w, e);
}

static int
check_verifier_2(const struct json_t *v, const struct body_want *w, struct err *e)
{
	const char *path = w->cert != NULL ? "x509Certificate.rawBytes" : "publicKey.rawBytes";
	struct view want = w->cert != NULL ? cert_der(w->cert) : spki_der(w->key);
	AUTO_BUF
	struct buf der = BUF_INIT(SMALL_MAX);

	if (jsn_is_null(jsn_get(v, "x509Certificate")) == jsn_is_null(jsn_get(v, "publicKey")))
		return err_set(e, ERR_DATA,
			       "the log entry does not have exactly one certificate or key");
	if (strstr(jsn_str_or(v, "keyDetails", ""), "ED25519_PH") != NULL)
		return err_set(e, ERR_NO,
			       "the log entry is of an Ed25519ph signature, "
			       "which is not supported");
	if (decode(v, path, &der, e) < 0)
		return -1;
	if (der.len != want.n || memcmp(buf_cstr(&der), want.p, want.n) != 0)
		return differs(w->cert != NULL ? "certificate" : "public key", e);
	return 0;
}

static int
hashedrekord_2(const struct json_t *spec, const struct body_want *w, struct err *e)
{
	const struct json_t *v = jsn_get(spec, "hashedRekordV002");
	AUTO_BUF
	struct buf raw = BUF_INIT(HASH_MAX);
	enum hash_alg alg = hash_alg_named(jsn_str(v, "data.algorithm"));
	struct hash got, want;

	if (decode(v, "data.digest", &raw, e) < 0)
		return -1;
	if (!hash_from_raw(alg, view_buf(&raw), &got))
		return err_set(e, ERR_DATA, "the log entry's digest cannot be read");
	if (artifact_hash(w->signed_bytes, alg, &want, e) < 0)
		return -1;
	if (!hash_equal(&want, &got))
		return differs("artifact", e);
	if (check_signature(v, "signature.content", w, e) < 0)
		return -1;
	return check_verifier_2(jsn_get(v, "signature.verifier"), w, e);
}

static const struct {
	const char *kind, *version;
	bool v2;
	int (*check)(const struct json_t *spec, const struct body_want *w, struct err *e);
} kinds[] = {
	{ "hashedrekord", "0.0.1", false, hashedrekord_1 },
	{ "hashedrekord", "0.0.2", true, hashedrekord_2 },
	{ "dsse", "0.0.1", false, dsse_1 },
	{ "intoto", "0.0.2", false, intoto_2 },
	{ "intoto", "0.0.1", false, intoto_1 },
};

bool
body_is_v2(const char *kind, const char *version)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kind, kinds[i].kind) == 0 && strcmp(version, kinds[i].version) == 0)
			return kinds[i].v2;
	return false;
}

int
body_check(struct view body, const char *kind, const char *version, const struct body_want *want,
	   struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(body, "log entry", e);

	if (v == NULL)
		return -1;
	if (strcmp(jsn_str_or(v, "kind", ""), kind) != 0 ||
	    strcmp(jsn_str_or(v, "apiVersion", ""), version) != 0)
		return err_set(e, ERR_NO, "the log entry is not of kind %s %s", kind, version);
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kind, kinds[i].kind) == 0 && strcmp(version, kinds[i].version) == 0)
			return kinds[i].check(jsn_get(v, "spec"), want, e);
	return err_set(e, ERR_NO, "log entries of kind %s %s are not supported", kind, version);
}
