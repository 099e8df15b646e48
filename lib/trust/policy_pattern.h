/*
 * policy_pattern: which repositories a rule of a policy speaks of.
 *
 * HOST/REPO as in a reference, where a '*' stands for any characters but '/',
 * and a "**" at the end, after a '/' or alone, for everything from there on.
 * HOST is compared without regard to case.
 *
 * Of several patterns that match a name, the most specific one counts: the one
 * with more characters before its first '*'; else with more characters besides
 * '*'; else without "**"; else with fewer '*'.  So no pattern is hidden by
 * another one altogether, unless it is the same.
 */
#ifndef GANTRY_TRUST_POLICY_PATTERN_H
#define GANTRY_TRUST_POLICY_PATTERN_H

#include "base/view.h"
#include "oci/ref.h"

#define POLICY_PATTERN_MAX 255 /* bytes, as a name */

/* 0 if it can match a reference at all; ERR_CONFIG "'x' can never match: why". */
int policy_pattern_check(const char *pattern, struct err *e);
/* name: "HOST/REPO", the host in lower case. */
bool policy_pattern_match(const char *pattern, const char *name);
/* >0: a is more specific than b. */
int policy_pattern_compare(const char *a, const char *b);

#endif
