#include "trust/dsse.h"

#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"

void
dsse_clear(struct dsse *d)
{
	free(d->type);
	d->type = NULL;
	buf_clear(&d->payload);
	buf_clear(&d->signature);
}

int
dsse_parse(const struct json_t *v, struct dsse *ret, struct err *e)
{
	const struct json_t *list = jsn_get(v, "signatures");
	const char *type, *payload, *signature;

	if (jsn_need_str(v, "payloadType", "envelope", &type, e) < 0 ||
	    jsn_need_str(v, "payload", "envelope", &payload, e) < 0)
		return -1;
	if (!jsn_is_array(list) || jsn_len(list) != 1)
		return err_set(e, ERR_DATA, "the envelope has %zu signatures, not one",
			       jsn_len(list));
	if (jsn_need_str(jsn_at(list, 0), "sig", "envelope", &signature, e) < 0)
		return -1;
	if (strlen(type) > DSSE_TYPE_MAX)
		return err_set(e, ERR_DATA, "the envelope's payload type is too long");
	if (base64_decode(view_of(payload), "payload", &ret->payload, e) < 0 ||
	    base64_decode(view_of(signature), "signature", &ret->signature, e) < 0)
		return -1;
	if (ret->signature.len == 0)
		return err_set(e, ERR_DATA, "the envelope's signature is empty");
	ret->type = strdup(type);
	return ret->type != NULL ? 0 : err_nomem(e);
}

void
dsse_pae(const struct dsse *d, struct buf *ret)
{
	buf_addf(ret, "DSSEv1 %zu %s %zu ", strlen(d->type), d->type, d->payload.len);
	buf_add(ret, buf_cstr(&d->payload), d->payload.len);
}

/* 1 if one of the digests is the artifact's, 0 if none is. */
static int
subject_is(const struct json_t *subject, struct artifact *a, struct err *e)
{
	static const enum hash_alg algs[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
	const struct json_t *digests = jsn_get(subject, "digest");

	for (size_t i = 0; i < COUNT_OF(algs); i++) {
		const char *hex = jsn_str(digests, hash_alg_name(algs[i]));
		struct hash want, got;

		if (hex == NULL || !hash_from_hex(algs[i], view_of(hex), &want))
			continue;
		/* only a digest was given, and it is of another kind */
		if (!artifact_has_bytes(a) && a->known[algs[i] - 1].alg == HASH_NONE)
			continue;
		if (artifact_hash(a, algs[i], &got, e) < 0)
			return -1;
		if (hash_equal(&want, &got))
			return 1;
	}
	return 0;
}

static int
find_subject(const struct json_t *v, struct artifact *a, struct err *e)
{
	const struct json_t *list = jsn_get(v, "subject");

	if (!jsn_is_array(list) || jsn_len(list) == 0)
		return err_set(e, ERR_DATA, "the statement has no subject");
	if (jsn_len(list) > DSSE_SUBJECTS_MAX)
		return err_set(e, ERR_DATA, "the statement has more than %d subjects",
			       DSSE_SUBJECTS_MAX);
	for (size_t i = 0; i < jsn_len(list); i++) {
		int status = subject_is(jsn_at(list, i), a, e);

		if (status != 0)
			return status < 0 ? -1 : 0;
	}
	return err_set(e, ERR_NO, "the artifact is not a subject of the statement");
}

int
dsse_statement(const struct dsse *d, struct artifact *a, const char *predicate_type,
	       struct json_t **ret, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	const char *type;

	if (strcmp(d->type, DSSE_IN_TOTO) != 0)
		return err_set(e, ERR_NO, "the envelope holds '%.100s', not an in-toto statement",
			       d->type);
	v = jsn_parse(view_buf(&d->payload), "statement", e);
	if (v == NULL)
		return -1;
	type = jsn_str_or(v, "_type", "");
	if (strcmp(type, "https://in-toto.io/Statement/v1") != 0 &&
	    strcmp(type, "https://in-toto.io/Statement/v0.1") != 0)
		return err_set(e, ERR_NO, "the statement's type is '%.100s'", type);
	if (find_subject(v, a, e) < 0)
		return -1;
	type = jsn_str_or(v, "predicateType", "");
	if (predicate_type != NULL && strcmp(type, predicate_type) != 0)
		return err_set(e, ERR_NO, "the statement's predicate is '%.200s', not '%.200s'",
			       type, predicate_type);
	*ret = TAKE_PTR(v);
	return 0;
}
