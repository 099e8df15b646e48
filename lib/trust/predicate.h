/*
 * predicate: the short names that cosign has for types of attestations.
 */
#ifndef GANTRY_TRUST_PREDICATE_H
#define GANTRY_TRUST_PREDICATE_H

/* The URI behind a name ("slsaprovenance1"); a URI of its own is taken as it
 * is; NULL if it is neither. */
const char *predicate_uri(const char *name);

#endif
