/*
 * blob: files instead of images, each with a Sigstore bundle beside it.
 */
#ifndef GANTRY_IMG_VERIFY_BLOB_H
#define GANTRY_IMG_VERIFY_BLOB_H

#include "trust/identity.h"

#define BLOB_KEYS_MAX 16
#define BLOB_OPT      1200 /* getopt's values from here on are these */

enum {
	BLOB_OPT_WHAT = BLOB_OPT,
	BLOB_OPT_BUNDLE,
	BLOB_OPT_ROOT,
	BLOB_OPT_IDENTITY,
	BLOB_OPT_IDENTITY_RE,
	BLOB_OPT_ISSUER,
	BLOB_OPT_ISSUER_RE,
	BLOB_OPT_TYPE,
	BLOB_OPT_NO_TLOG,
	BLOB_OPT_NO_SCT,
	BLOB_OPT_GITHUB /* and the four that follow, see blob.c */
};

struct blob {
	const char *what; /* a file, or "sha256:HEX" where no such file is; NULL: no blob */
	const char *bundle, *root, *type;
	const char *keys[BLOB_KEYS_MAX];
	size_t n_keys; /* or else: */
	struct identity_rule rule;
	bool ignore_tlog, ignore_sct;
	bool json;
};

void blob_option(struct blob *b, int option, const char *arg);
/* One of the options was given that only count for a blob. */
bool blob_wanted(const struct blob *b);
/* What is missing or too much; ERR_USAGE. */
int blob_check(const struct blob *b, struct err *e);
/* Judge it, by otherwise (a key; may be NULL) if nobody to trust was given;
 * prints the digest if it passes. */
int blob_verify(struct blob *b, const char *otherwise, struct err *e);

#endif
