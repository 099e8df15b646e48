/*
 * cert: a signing certificate (X.509 v3, RFC 5280; Fulcio's extensions, OIDs
 * 1.3.6.1.4.1.57264.1.x), parsed once, with what policies ask about.
 *
 * Parsing refuses: bytes behind the certificate, more than CERT_DER_MAX of
 * them, a version other than 3, an extension that is there twice, two
 * different issuers in the extensions .1.1 and .1.8, names with control
 * bytes, and more than one subject alternative name.
 */
#ifndef GANTRY_TRUST_CERT_H
#define GANTRY_TRUST_CERT_H

#include "trust/period.h"
#include "trust/spki.h"

#define CERT_DER_MAX  (32U << 10)
#define CERT_TEXT_MAX 2048 /* one name or extension value */
#define CERT_FACT_MAX 24   /* the highest Fulcio extension that is known */

enum cert_san { CERT_SAN_NONE = 0, CERT_SAN_URI, CERT_SAN_EMAIL, CERT_SAN_OTHER };

/* Numbers of Fulcio's extensions that have names here. */
enum cert_fact {
	CERT_GITHUB_TRIGGER = 2,
	CERT_GITHUB_SHA = 3,
	CERT_GITHUB_NAME = 4,
	CERT_GITHUB_REPOSITORY = 5,
	CERT_GITHUB_REF = 6,
	CERT_SOURCE_REPOSITORY_URI = 12,
};

struct cert;
struct x509_st;

int cert_parse(struct view der, struct cert **ret, struct err *e); /* ERR_DATA */
void cert_free(struct cert **c);
#define AUTO_CERT AUTO(cert_free)

struct view cert_der(const struct cert *c);
/* The first certificate of a PEM text, appended; ERR_DATA. */
int cert_pem_to_der(struct view pem, struct buf *ret, struct err *e);
/* Whether PEM text (CERTIFICATE) is this certificate, byte for byte. */
bool cert_is_pem(const struct cert *c, struct view pem);
const struct spki *cert_key(const struct cert *c);
struct period cert_validity(const struct cert *c);
enum cert_san cert_san_kind(const struct cert *c);
const char *cert_san(const struct cert *c);    /* NULL if none */
const char *cert_issuer(const struct cert *c); /* OIDC issuer; NULL if none */
/* The value of extension .1.n; NULL if it is not there. */
const char *cert_fact(const struct cert *c, int n);
bool cert_is_ca(const struct cert *c);
bool cert_is_self_issued(const struct cert *c);	 /* subject is issuer */
struct x509_st *cert_x509(const struct cert *c); /* lent, for trust/ */

/* Fit to sign code: no CA, key usage digitalSignature, extended key usage
 * codeSigning.  ERR_NO. */
int cert_check_leaf(const struct cert *c, struct err *e);

#endif
