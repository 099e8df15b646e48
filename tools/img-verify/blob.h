/*
 * blob: files instead of images, each with a Sigstore bundle beside it.
 */
#ifndef GANTRY_IMG_VERIFY_BLOB_H
#define GANTRY_IMG_VERIFY_BLOB_H

#include "trust/verify_flags.h"

struct blob {
	const char *what; /* a file, or "sha256:HEX" where no such file is; NULL: no blob */
	const char *bundle;
	struct verify_flags trust;
	bool json;
};

/* What is missing or too much; ERR_USAGE. */
int blob_check(const struct blob *b, struct err *e);
/* Judge it, by otherwise (a key; may be NULL) if nobody to trust was given;
 * prints the digest if it passes. */
int blob_verify(struct blob *b, const char *otherwise, struct err *e);

#endif
