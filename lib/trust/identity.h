/*
 * identity: whom a certificate must name.
 *
 * Subject and issuer are given either exactly or as POSIX extended regular
 * expressions that must match the whole name.  Both are needed: a rule
 * without one of them cannot be made.
 */
#ifndef GANTRY_TRUST_IDENTITY_H
#define GANTRY_TRUST_IDENTITY_H

#include "trust/cert.h"

struct identity_rule {
	const char *subject, *subject_re; /* exactly one of them */
	const char *issuer, *issuer_re;	  /* exactly one of them */
	/* Fulcio's extensions that must be there with this value; NULL: not asked. */
	const char *fact[CERT_FACT_MAX + 1];
};

struct identity;

/* ERR_CONFIG: something is missing or given twice, or no regular expression. */
int identity_new(const struct identity_rule *rule, struct identity **ret, struct err *e);
void identity_free(struct identity **i);
#define AUTO_IDENTITY AUTO(identity_free)

/* 0, or ERR_NO saying what the certificate names instead. */
int identity_match(const struct identity *i, const struct cert *c, struct err *e);

#endif
