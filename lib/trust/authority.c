#include "trust/authority.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#define AUTH_LEVEL 2 /* 112 bits: no SHA-1, RSA from 2048 bits (OpenSSL's security levels) */

void
authority_clear(struct authority *a)
{
	for (size_t i = 0; i < a->n; i++) {
		cert_free(&a->certs[i]);
		buf_clear(&a->ders[i]);
	}
	*a = (struct authority){ 0 };
}

int
authority_add(struct authority *a, struct view der, struct err *e)
{
	const unsigned char *p = (const unsigned char *)der.p;
	int tag, class;
	long n;

	if (a->n == AUTHORITY_CHAIN_MAX)
		return err_set(e, ERR_DATA, "more than %d certificates in a chain",
			       AUTHORITY_CHAIN_MAX);
	if (der.n > CERT_DER_MAX || ASN1_get_object(&p, &n, &tag, &class, (long)der.n) & 0x80 ||
	    tag != V_ASN1_SEQUENCE || p + n != (const unsigned char *)der.p + der.n) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "not a certificate");
	}
	a->ders[a->n] = BUF_INIT(CERT_DER_MAX);
	buf_add(&a->ders[a->n], der.p, der.n);
	return buf_ok(&a->ders[a->n++], "certificate", e);
}

static int
open_all(struct authority *a, struct err *e)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->certs[i] != NULL)
			continue;
		if (cert_parse(view_buf(&a->ders[i]), &a->certs[i], e) < 0) {
			if (e != NULL && e->code == ERR_DATA)
				e->code = ERR_CONFIG;
			return err_wrap(e, "a certificate of the trusted root");
		}
	}
	return 0;
}

int
authority_open(struct authority *a, struct err *e)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int status;

	(void)pthread_mutex_lock(&lock);
	status = open_all(a, e);
	(void)pthread_mutex_unlock(&lock);
	return status;
}

/* OpenSSL ends a certificate one second early: at notAfter itself it still is
 * valid (RFC 5280, 4.1.2.5). */
static int
end_is_included(int ok, X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
	time_t at = X509_VERIFY_PARAM_get_time(param);

	if (ok || cert == NULL || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_CERT_HAS_EXPIRED)
		return ok;
	if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), at) != 0)
		return 0;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static time_t
floor_seconds(int64_t ms)
{
	return (time_t)(ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000));
}

X509_STORE *
authority_store(const struct authority *a, int64_t ms)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param;

	if (store == NULL || a->n == 0 ||
	    X509_STORE_add_cert(store, cert_x509(a->certs[a->n - 1])) != 1) {
		X509_STORE_free(store);
		return NULL;
	}
	param = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(param, floor_seconds(ms));
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_set_verify_cb(store, end_is_included);
	return store;
}

STACK_OF(X509) * authority_others(const struct authority *a)
{
	STACK_OF(X509) *others = sk_X509_new_null();

	for (size_t i = 0; others != NULL && i + 1 < a->n; i++) {
		if (sk_X509_push(others, cert_x509(a->certs[i])) == 0) {
			sk_X509_free(others);
			return NULL;
		}
	}
	return others;
}

/* Extended key usage narrows downwards: a CA that has one must have ours. */
static int
check_usages(STACK_OF(X509) * chain, struct err *e)
{
	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *ca = sk_X509_value(chain, i);

		if ((X509_get_extension_flags(ca) & EXFLAG_XKUSAGE) &&
		    !(X509_get_extended_key_usage(ca) & (XKU_CODE_SIGN | XKU_ANYEKU)))
			return err_set(e, ERR_NO, "a CA above it is not for code signing");
	}
	return 0;
}

static const struct cert *
find_own(const struct authority *a, const X509 *x)
{
	for (size_t i = 0; i < a->n; i++)
		if (X509_cmp(cert_x509(a->certs[i]), x) == 0)
			return a->certs[i];
	return NULL;
}

static int
judge_path(const struct authority *a, X509_STORE_CTX *ctx, const struct cert **ret_issuer,
	   struct err *e)
{
	STACK_OF(X509) * chain;
	const struct cert *issuer = NULL;

	if (X509_verify_cert(ctx) != 1)
		return err_set(e, ERR_NO, "%s",
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	chain = X509_STORE_CTX_get0_chain(ctx);
	if (check_usages(chain, e) < 0)
		return -1;
	if (sk_X509_num(chain) >= 2)
		issuer = find_own(a, sk_X509_value(chain, 1));
	if (issuer == NULL)
		return err_set(e, ERR_NO, "no CA of the trusted root issued it");
	*ret_issuer = issuer;
	return 0;
}

int
authority_path(struct authority *a, const struct cert *leaf, int64_t ms,
	       const struct cert **ret_issuer, struct err *e)
{
	X509_STORE_CTX *ctx;
	STACK_OF(X509) * others;
	X509_STORE *store;
	int status;

	if (!period_has(a->period, ms))
		return err_set(e, ERR_NO, "the CA was not in use then");
	if (authority_open(a, e) < 0)
		return -1;
	ctx = X509_STORE_CTX_new();
	others = authority_others(a);
	store = authority_store(a, ms);
	if (ctx == NULL || others == NULL || store == NULL ||
	    X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT) != 1 ||
	    X509_STORE_CTX_init(ctx, store, cert_x509(leaf), others) != 1)
		status = err_nomem(e);
	else
		status = judge_path(a, ctx, ret_issuer, e);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(others);
	ERR_clear_error();
	return status;
}
