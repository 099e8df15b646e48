/*
 * authority: one certificate or timestamp authority of a trusted root: its
 * certificates, leaf-most first, the last one is where trust ends (it may be
 * an intermediate), and when it was in use.
 *
 * Paths (RFC 5280, section 6) are built from these certificates only; what a
 * bundle brings along is never used.  Time is the time given, never now.
 */
#ifndef GANTRY_TRUST_AUTHORITY_H
#define GANTRY_TRUST_AUTHORITY_H

#include "trust/cert.h"

#define AUTHORITY_CHAIN_MAX 8

struct authority {
	struct buf ders[AUTHORITY_CHAIN_MAX];
	struct cert *certs[AUTHORITY_CHAIN_MAX]; /* all or none, see authority_open */
	size_t n;
	struct period period;
};

void authority_clear(struct authority *a);
/* Appends; ERR_DATA if there are too many, or it is not even one ASN.1 sequence. */
int authority_add(struct authority *a, struct view der, struct err *e);
/* Parse the certificates, once; most authorities of a root are never asked, and
 * keys are slow to read.  May be called by several threads.  ERR_CONFIG if one
 * is none. */
int authority_open(struct authority *a, struct err *e);

/* The path from a signing certificate to this authority, at time ms: each
 * signature, name, validity (ends included), basic constraints, path length,
 * key usage, unknown critical extensions; extended key usage of CAs absent or
 * with codeSigning.  0 and the certificate that issued leaf (lent by a), or
 * ERR_NO. */
int authority_path(struct authority *a, const struct cert *leaf, int64_t ms,
		   const struct cert **ret_issuer, struct err *e);

/* A store of OpenSSL with the anchor in it that judges at time ms, and the
 * other certificates; for timestamps, after authority_open.  The caller frees
 * both; NULL if out of memory. */
struct x509_store_st;
struct stack_st_X509;
struct x509_store_st *authority_store(const struct authority *a, int64_t ms);
struct stack_st_X509 *authority_others(const struct authority *a);

#endif
