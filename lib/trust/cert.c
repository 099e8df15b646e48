#include "trust/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#define OID_FULCIO     "1.3.6.1.4.1.57264.1."
#define OID_FULCIO_SAN "1.3.6.1.4.1.57264.1.7"

struct cert {
	X509 *x509;
	unsigned char *der;
	size_t der_len;
	struct spki *key;
	struct period validity;
	enum cert_san san_kind;
	char *san;
	char *fact[CERT_FACT_MAX + 1];
};

void
cert_free(struct cert **c)
{
	if (*c == NULL)
		return;
	X509_free((*c)->x509);
	OPENSSL_free((*c)->der);
	spki_free(&(*c)->key);
	free((*c)->san);
	for (size_t i = 0; i < COUNT_OF((*c)->fact); i++)
		free((*c)->fact[i]);
	free(*c);
	*c = NULL;
}

/* A name that people will read and policies compare: no NUL, no control
 * bytes, not too long. */
static int
take_text(const unsigned char *p, size_t n, const char *what, char **ret, struct err *e)
{
	char *s;

	if (n == 0 || n > CERT_TEXT_MAX)
		return err_set(e, ERR_DATA, "%s of %zu bytes", what, n);
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return err_set(e, ERR_DATA, "%s has a control byte", what);
	s = view_dup((struct view){ (const char *)p, n });
	if (s == NULL)
		return err_nomem(e);
	free(*ret);
	*ret = s;
	return 0;
}

static int
take_asn1(const ASN1_STRING *s, const char *what, char **ret, struct err *e)
{
	return take_text(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s), what, ret, e);
}

static int
take_other(struct cert *c, const OTHERNAME *other, struct err *e)
{
	char oid[64];

	if (OBJ_obj2txt(oid, sizeof(oid), other->type_id, 1) <= 0 ||
	    strcmp(oid, OID_FULCIO_SAN) != 0 || other->value->type != V_ASN1_UTF8STRING)
		return err_set(e, ERR_DATA, "an other name of a kind that is not known");
	c->san_kind = CERT_SAN_OTHER;
	return take_asn1(other->value->value.utf8string, "the subject alternative name", &c->san,
			 e);
}

static int
take_name(struct cert *c, const GENERAL_NAME *name, struct err *e)
{
	switch (name->type) {
	case GEN_URI:
		c->san_kind = CERT_SAN_URI;
		break;
	case GEN_EMAIL:
		c->san_kind = CERT_SAN_EMAIL;
		break;
	case GEN_OTHERNAME:
		return take_other(c, name->d.otherName, e);
	default:
		return 0; /* a name of another kind identifies nobody */
	}
	return take_asn1(name->d.ia5, "the subject alternative name", &c->san, e);
}

static int
read_san(struct cert *c, struct err *e)
{
	GENERAL_NAMES *names;
	int critical, status = 0;

	names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, &critical, NULL);
	if (names == NULL)
		return critical == -1 ? 0
				      : err_set(e, ERR_DATA,
						"a subject alternative name "
						"that cannot be read");
	if (sk_GENERAL_NAME_num(names) > 1)
		status = err_set(e, ERR_DATA, "more than one subject alternative name");
	else if (sk_GENERAL_NAME_num(names) == 1)
		status = take_name(c, sk_GENERAL_NAME_value(names, 0), e);
	GENERAL_NAMES_free(names);
	return status;
}

/* Up to .6 the value is the text itself, from .8 on a DER UTF8String. */
static int
read_fact(struct cert *c, int n, const ASN1_OCTET_STRING *value, struct err *e)
{
	const unsigned char *p = ASN1_STRING_get0_data(value);
	long len = ASN1_STRING_length(value);
	const unsigned char *at = p;
	ASN1_UTF8STRING *text;
	char what[64];
	int status;

	(void)snprintf(what, sizeof(what), "extension " OID_FULCIO "%d", n);
	if (n < 7)
		return take_text(p, (size_t)len, what, &c->fact[n], e);
	text = d2i_ASN1_UTF8STRING(NULL, &at, len);
	if (text == NULL || at != p + len)
		status = err_set(e, ERR_DATA, "%s is not a UTF8String", what);
	else if (ASN1_STRING_length(text) == 0)
		status = 0;
	else
		status = take_asn1(text, what, &c->fact[n], e);
	ASN1_UTF8STRING_free(text);
	return status;
}

static int
fact_number(const ASN1_OBJECT *o)
{
	char oid[80];
	int n = 0;

	if (OBJ_obj2txt(oid, sizeof(oid), o, 1) <= 0 ||
	    strncmp(oid, OID_FULCIO, strlen(OID_FULCIO)) != 0)
		return 0;
	for (const char *s = oid + strlen(OID_FULCIO); *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || n > CERT_FACT_MAX)
			return 0;
		n = n * 10 + (*s - '0');
	}
	return n <= CERT_FACT_MAX && n != 7 ? n : 0;
}

static int
read_extensions(struct cert *c, struct err *e)
{
	int count = X509_get_ext_count(c->x509);

	for (int i = 0; i < count; i++) {
		X509_EXTENSION *x = X509_get_ext(c->x509, i);
		ASN1_OBJECT *o = X509_EXTENSION_get_object(x);
		int n = fact_number(o);

		if (X509_get_ext_by_OBJ(c->x509, o, i) >= 0)
			return err_set(e, ERR_DATA, "an extension is there twice");
		if (n > 0 && read_fact(c, n, X509_EXTENSION_get_data(x), e) < 0)
			return -1;
	}
	if (c->fact[1] != NULL && c->fact[8] != NULL && strcmp(c->fact[1], c->fact[8]) != 0)
		return err_set(e, ERR_DATA, "two issuers that differ, '%s' and '%s'", c->fact[1],
			       c->fact[8]);
	return read_san(c, e);
}

static int
read_time(const ASN1_TIME *t, int64_t *ret_ms, struct err *e)
{
	struct tm tm;
	int64_t seconds;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    !period_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			  tm.tm_sec, &seconds))
		return err_set(e, ERR_DATA, "a validity that cannot be read");
	*ret_ms = seconds * 1000;
	return 0;
}

/* Takes x509. */
static int
take(X509 *x509, struct cert **ret, struct err *e)
{
	AUTO_CERT struct cert *c = NULL;
	int n;

	if (x509 == NULL) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "not a certificate");
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		X509_free(x509);
		return err_nomem(e);
	}
	c->x509 = x509;
	n = i2d_X509(x509, &c->der);
	if (n <= 0)
		return err_nomem(e);
	c->der_len = (size_t)n;
	if (X509_get_version(x509) != X509_VERSION_3)
		return err_set(e, ERR_DATA, "not a certificate of version 3");
	if (read_time(X509_get0_notBefore(x509), &c->validity.start_ms, e) < 0 ||
	    read_time(X509_get0_notAfter(x509), &c->validity.end_ms, e) < 0 ||
	    spki_take(X509_get_pubkey(x509), &c->key, e) < 0 || read_extensions(c, e) < 0)
		return -1;
	if (X509_check_purpose(x509, -1, 0) != 1)
		return err_set(e, ERR_DATA, "extensions that cannot be read");
	ERR_clear_error();
	*ret = TAKE_PTR(c);
	return 0;
}

int
cert_parse(struct view der, struct cert **ret, struct err *e)
{
	const unsigned char *p = (const unsigned char *)der.p;
	AUTO_CERT struct cert *c = NULL;
	X509 *x509;

	if (der.n > CERT_DER_MAX)
		return err_set(e, ERR_DATA, "a certificate of %zu bytes", der.n);
	x509 = d2i_X509(NULL, &p, (long)der.n);
	if (x509 != NULL && p != (const unsigned char *)der.p + der.n) {
		X509_free(x509);
		return err_set(e, ERR_DATA, "bytes after a certificate");
	}
	if (take(x509, &c, e) < 0)
		return -1;
	/* logs keep these bytes, so a second spelling of them must not pass */
	if (c->der_len != der.n || memcmp(c->der, der.p, der.n) != 0)
		return err_set(e, ERR_DATA, "a certificate that is not in DER");
	*ret = TAKE_PTR(c);
	return 0;
}

int
cert_pem_to_der(struct view pem, struct buf *ret, struct err *e)
{
	BIO *bio = pem.n <= 2 * CERT_DER_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	unsigned char *der = NULL;
	long n = 0;
	bool found;

	found = bio != NULL &&
		PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, bio, NULL, NULL) == 1;
	if (found)
		buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	if (!found)
		return err_set(e, ERR_DATA, "no certificate in PEM");
	return buf_ok(ret, "certificate", e);
}

bool
cert_is_pem(const struct cert *c, struct view pem)
{
	AUTO_BUF struct buf der = BUF_INIT(CERT_DER_MAX);

	return cert_pem_to_der(pem, &der, NULL) == 0 && der.len == c->der_len &&
	       memcmp(buf_cstr(&der), c->der, c->der_len) == 0;
}

struct view
cert_der(const struct cert *c)
{
	return (struct view){ (const char *)c->der, c->der_len };
}

const struct spki *
cert_key(const struct cert *c)
{
	return c->key;
}

struct period
cert_validity(const struct cert *c)
{
	return c->validity;
}

enum cert_san
cert_san_kind(const struct cert *c)
{
	return c->san_kind;
}

const char *
cert_san(const struct cert *c)
{
	return c->san;
}

const char *
cert_issuer(const struct cert *c)
{
	return c->fact[8] != NULL ? c->fact[8] : c->fact[1];
}

const char *
cert_fact(const struct cert *c, int n)
{
	return n > 0 && n <= CERT_FACT_MAX ? c->fact[n] : NULL;
}

bool
cert_is_ca(const struct cert *c)
{
	return (X509_get_extension_flags(c->x509) & EXFLAG_CA) != 0;
}

bool
cert_is_self_issued(const struct cert *c)
{
	return X509_NAME_cmp(X509_get_subject_name(c->x509), X509_get_issuer_name(c->x509)) == 0;
}

struct x509_st *
cert_x509(const struct cert *c)
{
	return c->x509;
}

int
cert_check_leaf(const struct cert *c, struct err *e)
{
	uint32_t flags = X509_get_extension_flags(c->x509);

	if (cert_is_ca(c))
		return err_set(e, ERR_NO, "it belongs to a CA");
	if (!(flags & EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(c->x509) & X509v3_KU_DIGITAL_SIGNATURE))
		return err_set(e, ERR_NO, "its key usage is not for signatures");
	if (!(flags & EXFLAG_XKUSAGE) || !(X509_get_extended_key_usage(c->x509) & XKU_CODE_SIGN))
		return err_set(e, ERR_NO, "its extended key usage is not for code signing");
	return 0;
}
