#include "trust/classic.h"

#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"
#include "trust/cert.h"

#define SIGNATURE   "dev.cosignproject.cosign/signature"
#define CERTIFICATE "dev.sigstore.cosign/certificate"
#define PROMISE	    "dev.sigstore.cosign/bundle"
#define TIMESTAMP   "dev.sigstore.cosign/rfc3161timestamp"

static int
bad(const char *name, const struct err *why, struct err *e)
{
	return err_set(e, why->code, "annotation '%s': %s", name, why->msg);
}

/* An annotation's text; NULL if it is not there, or empty. */
static const char *
text_of(const struct json_t *annotations, const char *name)
{
	const char *text = jsn_str(jsn_at_key(annotations, name), "");

	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* The standard alphabet, which is what cosign writes: what is signed somewhere
 * as a text must not have a second spelling. */
static int
decode(const char *text, struct buf *ret, struct err *e)
{
	AUTO_BUF struct buf again = BUF_INIT(2 * BUNDLE_BODY_MAX);

	if (text == NULL || base64_decode(view_of(text), "it", ret, NULL) < 0)
		return err_set(e, ERR_DATA, "not base64");
	base64_encode(view_buf(ret), &again);
	if (buf_ok(&again, "it", e) < 0)
		return -1;
	if (strcmp(text, buf_cstr(&again)) != 0)
		return err_set(e, ERR_DATA, "not base64");
	return 0;
}

/* --- the certificate -------------------------------------------------------- */

static int
read_certificate(const char *text, struct bundle *b, struct err *e)
{
	if (text == NULL)
		return 0;
	if (cert_pem_to_der(view_of(text), &b->certificate, e) < 0)
		return -1;
	b->signer = BUNDLE_CERTIFICATE;
	return 0;
}

/* --- the log entry ------------------------------------------------------------ */

/* The annotation does not say what kind of entry it is; the entry does. */
static int
read_kind(struct bundle_entry *t, struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(view_buf(&t->body), "log entry", e);
	const char *kind, *version;

	if (v == NULL || jsn_need_str(v, "kind", "log entry", &kind, e) < 0 ||
	    jsn_need_str(v, "apiVersion", "log entry", &version, e) < 0)
		return -1;
	if (strlen(kind) >= sizeof(t->kind) || strlen(version) >= sizeof(t->version))
		return err_set(e, ERR_DATA, "the log entry is of a kind that is not known");
	memcpy(t->kind, kind, strlen(kind) + 1);
	memcpy(t->version, version, strlen(version) + 1);
	return 0;
}

static int
read_log_id(const char *hex, struct bundle_entry *t, struct err *e)
{
	struct hash id;

	if (!hash_from_hex(HASH_SHA256, view_of(hex), &id) || strspn(hex, "0123456789abcdef") != 64)
		return err_set(e, ERR_DATA, "'logID' is not a hash in hex");
	memcpy(t->log_id, id.raw, id.n);
	t->log_id_len = id.n;
	return 0;
}

static int
read_entry(const struct json_t *v, struct bundle_entry *t, struct err *e)
{
	const struct json_t *payload = jsn_get(v, "Payload");
	const char *id;

	t->promise = BUF_INIT(BUNDLE_SMALL_MAX);
	t->body = BUF_INIT(BUNDLE_BODY_MAX);
	if (decode(jsn_str(v, "SignedEntryTimestamp"), &t->promise, e) < 0)
		return err_wrap(e, "'SignedEntryTimestamp'");
	if (decode(jsn_str(payload, "body"), &t->body, e) < 0)
		return err_wrap(e, "'body'");
	if (jsn_need_int(payload, "integratedTime", "log entry", 1, INT64_MAX / 1000,
			 &t->integrated_s, e) < 0 ||
	    jsn_need_int(payload, "logIndex", "log entry", 0, INT64_MAX, &t->index, e) < 0 ||
	    jsn_need_str(payload, "logID", "log entry", &id, e) < 0 || read_log_id(id, t, e) < 0)
		return -1;
	return read_kind(t, e);
}

static int
read_promise(const char *text, struct bundle *b, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;

	if (text == NULL)
		return 0;
	v = jsn_parse(view_of(text), "it", e);
	if (v == NULL)
		return -1;
	b->entries = calloc(1, sizeof(*b->entries));
	if (b->entries == NULL)
		return err_nomem(e);
	b->n_entries = 1;
	return read_entry(v, &b->entries[0], e);
}

/* --- the timestamp ------------------------------------------------------------ */

static int
read_timestamp(const char *text, struct bundle *b, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;

	if (text == NULL)
		return 0;
	v = jsn_parse(view_of(text), "it", e);
	if (v == NULL)
		return -1;
	if (decode(jsn_str(v, "SignedRFC3161Timestamp"), &b->tokens[b->n_tokens++], e) < 0)
		return err_wrap(e, "'SignedRFC3161Timestamp'");
	return 0;
}

/* --- all of it ------------------------------------------------------------------ */

static int
read_annotations(const struct json_t *annotations, struct bundle *b, struct err *e)
{
	static const struct {
		const char *name;
		int (*read)(const char *text, struct bundle *b, struct err *e);
	} all[] = {
		{ CERTIFICATE, read_certificate },
		{ PROMISE, read_promise },
		{ TIMESTAMP, read_timestamp },
	};
	struct err why = { 0 };

	b->signer = BUNDLE_KEY;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i].read(text_of(annotations, all[i].name), b, &why) < 0)
			return bad(all[i].name, &why, e);
	return 0;
}

int
classic_signature(const struct json_t *annotations, struct bundle **ret, struct err *e)
{
	const char *text = jsn_str(jsn_at_key(annotations, SIGNATURE), "");
	AUTO_BUNDLE struct bundle *b = bundle_new();
	struct err why = { 0 };

	if (b == NULL)
		return err_nomem(e);
	if (text == NULL)
		return err_set(e, ERR_DATA, "no annotation '%s'", SIGNATURE);
	if (decode(text, &b->signature, &why) < 0)
		return bad(SIGNATURE, &why, e);
	if (b->signature.len == 0)
		return err_set(e, ERR_DATA, "annotation '%s': empty", SIGNATURE);
	if (read_annotations(annotations, b, e) < 0)
		return -1;
	*ret = TAKE_PTR(b);
	return 0;
}

int
classic_attestation(struct view envelope, const struct json_t *annotations, struct bundle **ret,
		    struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_BUNDLE struct bundle *b = NULL;

	if (envelope.n > CLASSIC_ENVELOPE_MAX)
		return err_set(e, ERR_DATA, "envelope: of more than %u bytes",
			       CLASSIC_ENVELOPE_MAX);
	v = jsn_parse(envelope, "envelope", e);
	if (v == NULL)
		return -1;
	b = bundle_new();
	if (b == NULL)
		return err_nomem(e);
	b->is_dsse = true;
	b->envelope = envelope;
	b->stamped = envelope;
	if (dsse_parse(v, &b->dsse, e) < 0)
		return err_wrap(e, "envelope");
	if (read_annotations(annotations, b, e) < 0)
		return -1;
	*ret = TAKE_PTR(b);
	return 0;
}
