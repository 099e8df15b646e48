#include "trust/timestamp.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <string.h>

static enum hash_alg
alg_of(const X509_ALGOR *algor)
{
	const ASN1_OBJECT *o;

	X509_ALGOR_get0(&o, NULL, NULL, algor);
	switch (OBJ_obj2nid(o)) {
	case NID_sha256:
		return HASH_SHA256;
	case NID_sha384:
		return HASH_SHA384;
	case NID_sha512:
		return HASH_SHA512;
	default:
		return HASH_NONE;
	}
}

/* OpenSSL's reading of a time drops its decimals. */
static int64_t
decimals_ms(const ASN1_GENERALIZEDTIME *t)
{
	const char *p = memchr(t->data, '.', (size_t)t->length);
	int64_t ms = 0, weight = 100;

	if (p == NULL)
		return 0;
	for (p++; p < (const char *)t->data + t->length && *p >= '0' && *p <= '9'; p++) {
		ms += (*p - '0') * weight;
		weight /= 10;
	}
	return ms;
}

static int
read_time(TS_TST_INFO *info, int64_t *ret_ms, struct err *e)
{
	const ASN1_GENERALIZEDTIME *t = TS_TST_INFO_get_time(info);
	struct tm tm;
	int64_t seconds;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    !period_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			  tm.tm_sec, &seconds))
		return err_set(e, ERR_DATA, "its time cannot be read");
	*ret_ms = seconds * 1000 + decimals_ms(t);
	return 0;
}

static int
check_imprint(TS_TST_INFO *info, struct view stamped, struct err *e)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
	ASN1_OCTET_STRING *got = TS_MSG_IMPRINT_get_msg(imprint);
	enum hash_alg alg = alg_of(TS_MSG_IMPRINT_get_algo(imprint));
	struct hash want;

	if (alg == HASH_NONE)
		return err_set(e, ERR_NO, "its hash is not SHA-256, SHA-384 or SHA-512");
	if (hash_of(alg, stamped, &want, e) < 0)
		return -1;
	if ((size_t)ASN1_STRING_length(got) != want.n ||
	    memcmp(ASN1_STRING_get0_data(got), want.raw, want.n) != 0)
		return err_set(e, ERR_NO, "it is of other bytes than the signature");
	return 0;
}

static int
check_digest(PKCS7 *token, struct err *e)
{
	STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(token);

	if (signers == NULL || sk_PKCS7_SIGNER_INFO_num(signers) != 1)
		return err_set(e, ERR_NO, "it is not signed by exactly one authority");
	if (alg_of(sk_PKCS7_SIGNER_INFO_value(signers, 0)->digest_alg) == HASH_NONE)
		return err_set(e, ERR_NO, "its signature's hash is weak");
	return 0;
}

/* CAs that have an extended key usage must have this one. */
static bool
usages_allow(const struct authority *a)
{
	for (size_t i = 0; i < a->n; i++) {
		X509 *x = cert_x509(a->certs[i]);

		if (cert_is_ca(a->certs[i]) && (X509_get_extension_flags(x) & EXFLAG_XKUSAGE) &&
		    !(X509_get_extended_key_usage(x) & (XKU_TIMESTAMP | XKU_ANYEKU)))
			return false;
	}
	return true;
}

/* Where the trusted root names the authority's own certificate, it is the
 * only one that may sign. */
static bool
signer_allowed(const struct authority *a, X509 *signer)
{
	return cert_is_ca(a->certs[0]) || X509_cmp(cert_x509(a->certs[0]), signer) == 0;
}

static bool
verify(PKCS7 *token, const struct authority *a, int64_t ms)
{
	STACK_OF(X509) *certs = authority_others(a);
	X509_STORE *store = authority_store(a, ms);
	X509 *signer = NULL;
	bool ok;

	/* an authority of one certificate is its own anchor */
	ok = certs != NULL && store != NULL &&
	     sk_X509_push(certs, cert_x509(a->certs[a->n - 1])) > 0 &&
	     TS_RESP_verify_signature(token, certs, store, &signer) == 1 && signer != NULL &&
	     X509_check_ca(signer) == 0 && signer_allowed(a, signer);
	X509_free(signer);
	X509_STORE_free(store);
	sk_X509_free(certs);
	ERR_clear_error();
	return ok;
}

static int
find_authority(PKCS7 *token, struct root *root, int64_t ms, size_t *ret_by, struct err *e)
{
	char when[PERIOD_TEXT_MAX];

	for (size_t i = 0; i < root->n_tsas; i++) {
		struct authority *a = &root->tsas[i];

		if (!period_has(a->period, ms))
			continue;
		if (authority_open(a, e) < 0)
			return -1;
		if (usages_allow(a) && verify(token, a, ms)) {
			*ret_by = i;
			return 0;
		}
	}
	return err_set(e, ERR_NO, "no timestamp authority that was trusted at %s made it",
		       period_text(ms, when));
}

static int
check_response(TS_RESP *response, struct view stamped, struct root *root, int64_t *ret_ms,
	       size_t *ret_by, struct err *e)
{
	long status =
		ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response)));
	PKCS7 *token = TS_RESP_get_token(response);
	TS_TST_INFO *info = TS_RESP_get_tst_info(response);
	int64_t ms = 0;

	if ((status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS) ||
	    token == NULL || info == NULL)
		return err_set(e, ERR_NO, "it was not granted");
	if (!PKCS7_type_is_signed(token))
		return err_set(e, ERR_DATA, "it is not signed");
	if (check_imprint(info, stamped, e) < 0 || check_digest(token, e) < 0 ||
	    read_time(info, &ms, e) < 0 || find_authority(token, root, ms, ret_by, e) < 0)
		return -1;
	*ret_ms = ms;
	return 0;
}

int
timestamp_check(struct view token, struct view stamped, struct root *root, int64_t *ret_ms,
		size_t *ret_by, struct err *e)
{
	const unsigned char *p = (const unsigned char *)token.p;
	TS_RESP *response;
	int status;

	if (token.n > TIMESTAMP_MAX)
		return err_set(e, ERR_DATA, "timestamp: of %zu bytes", token.n);
	response = d2i_TS_RESP(NULL, &p, (long)token.n);
	ERR_clear_error();
	if (response == NULL || p != (const unsigned char *)token.p + token.n) {
		TS_RESP_free(response);
		return err_set(e, ERR_DATA, "timestamp: cannot be read");
	}
	status = check_response(response, stamped, root, ret_ms, ret_by, e);
	TS_RESP_free(response);
	return status < 0 ? err_wrap(e, "timestamp") : 0;
}
