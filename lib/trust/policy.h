/*
 * policy: whose signature an image needs, by the repository it is in.
 *
 * Either the same for every repository (a key on the command line), or by the
 * rules of a file, described in gantry-policy(5): JSON, at most 1 MiB, 256
 * rules with 64 patterns each.  The rule with the most specific pattern that
 * matches decides (policy_pattern.h), alone; of equally specific ones the
 * first in the file.  No rule, no trust.
 *
 * What is wrong in a file is ERR_CONFIG "policy 'FILE': rule N: why", and everything
 * unknown in it is wrong, since it might have been meant to ask for more.
 */
#ifndef GANTRY_TRUST_POLICY_H
#define GANTRY_TRUST_POLICY_H

#include "base/conf.h"
#include "oci/ref.h"
#include "trust/verify_flags.h"

#define POLICY_FILE_MAX	    (1U << 20)
#define POLICY_RULES_MAX    256
#define POLICY_PATTERNS_MAX 64

struct policy;

/* The file with all that it names: keys, roots; relative paths start at its
 * folder. */
int policy_load(const char *path, struct policy **ret, struct err *e);
/* The file's text alone: nothing it names is opened, and nothing is trusted
 * until policy_open.  file names it, and its folder. */
int policy_parse(struct view text, const char *file, struct policy **ret, struct err *e);
int policy_open(struct policy *p, struct err *e);
/* The same for every repository; *everywhere is taken. */
int policy_for_all(struct verify_policy **everywhere, struct policy **ret, struct err *e);
void policy_free(struct policy **p);

/* What an image of this repository needs; lent.  ERR_NO if no rule speaks of
 * it.  May be asked by several threads. */
int policy_find(const struct policy *p, const struct ref *ref, const struct verify_policy **ret,
		struct err *e);

/* By the flags, or where they name nobody, by the settings: POLICY, VERIFY_KEY or
 * CERTIFICATE_IDENTITY with CERTIFICATE_OIDC_ISSUER (one of them, ERR_CONFIG).
 * TRUSTED_ROOT stands for --trusted-root.  *ret is NULL if nobody is named. */
int policy_choose(const struct verify_flags *f, const struct conf *c, struct policy **ret,
		  struct err *e);

#endif
