/*
 * verify_flags: what a command line says about whom to trust, the same for
 * every program that verifies.
 *
 * A program splices VERIFY_FLAGS_LONG into its table for getopt_long and hands
 * each value from VERIFY_FLAGS on to verify_flags_take.  Nothing is opened
 * before verify_flags_open.
 */
#ifndef GANTRY_TRUST_VERIFY_FLAGS_H
#define GANTRY_TRUST_VERIFY_FLAGS_H

#include "trust/verify.h"

enum verify_flag {
	VERIFY_FLAGS = 1300,
	VERIFY_FLAG_KEY = VERIFY_FLAGS,
	VERIFY_FLAG_POLICY,
	VERIFY_FLAG_ROOT,
	VERIFY_FLAG_IDENTITY,
	VERIFY_FLAG_IDENTITY_RE,
	VERIFY_FLAG_ISSUER,
	VERIFY_FLAG_ISSUER_RE,
	VERIFY_FLAG_REPOSITORY,
	VERIFY_FLAG_REF,
	VERIFY_FLAG_SHA,
	VERIFY_FLAG_NAME,
	VERIFY_FLAG_TRIGGER,
	VERIFY_FLAG_TYPE,
	VERIFY_FLAG_NO_TLOG,
	VERIFY_FLAG_NO_SCT,
};

/* clang-format off */
#define VERIFY_FLAGS_LONG \
	{ "key", required_argument, NULL, VERIFY_FLAG_KEY }, \
	{ "policy", required_argument, NULL, VERIFY_FLAG_POLICY }, \
	{ "trusted-root", required_argument, NULL, VERIFY_FLAG_ROOT }, \
	{ "certificate-identity", required_argument, NULL, VERIFY_FLAG_IDENTITY }, \
	{ "certificate-identity-regexp", required_argument, NULL, VERIFY_FLAG_IDENTITY_RE }, \
	{ "certificate-oidc-issuer", required_argument, NULL, VERIFY_FLAG_ISSUER }, \
	{ "certificate-oidc-issuer-regexp", required_argument, NULL, VERIFY_FLAG_ISSUER_RE }, \
	{ "certificate-github-workflow-repository", required_argument, NULL, \
	  VERIFY_FLAG_REPOSITORY }, \
	{ "certificate-github-workflow-ref", required_argument, NULL, VERIFY_FLAG_REF }, \
	{ "certificate-github-workflow-sha", required_argument, NULL, VERIFY_FLAG_SHA }, \
	{ "certificate-github-workflow-name", required_argument, NULL, VERIFY_FLAG_NAME }, \
	{ "certificate-github-workflow-trigger", required_argument, NULL, VERIFY_FLAG_TRIGGER }, \
	{ "type", required_argument, NULL, VERIFY_FLAG_TYPE }, \
	{ "insecure-ignore-tlog", no_argument, NULL, VERIFY_FLAG_NO_TLOG }, \
	{ "insecure-ignore-sct", no_argument, NULL, VERIFY_FLAG_NO_SCT }
/* clang-format on */

struct verify_flags {
	const char *policy; /* a file that says everything else */
	const char *keys[VERIFY_KEYS_MAX];
	size_t n_keys;
	struct identity_rule identity;
	const char *root;
	const char *types[VERIFY_TYPES_MAX];
	size_t n_types;
	bool ignore_tlog, ignore_sct;
};

/* One option; ERR_USAGE. */
int verify_flags_take(struct verify_flags *f, int option, const char *arg, struct err *e);
/* Any of the options was given; one that says whom to trust was. */
bool verify_flags_given(const struct verify_flags *f);
bool verify_flags_name(const struct verify_flags *f);
/* What must go together, and what must not; ERR_USAGE. */
int verify_flags_check(const struct verify_flags *f, struct err *e);
/* All but a policy file, opened; says aloud which checks are left out.  A
 * type of attestation takes the place of the signature, as it does for cosign. */
int verify_flags_open(const struct verify_flags *f, struct verify_policy **ret, struct err *e);

#endif
