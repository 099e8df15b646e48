/*
 * digest: the names of bytes, "sha256:" and 64 lower-case hex digits (OCI image
 * specification, descriptor.md#digests).  sha512 is understood as well.
 */
#ifndef GANTRY_OCI_DIGEST_H
#define GANTRY_OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DIGEST_RAW_MAX 64
#define DIGEST_STR_MAX (7 + 2 * DIGEST_RAW_MAX + 1)

struct digest {
	char str[DIGEST_STR_MAX]; /* "sha256:9f86…"; "" is no digest */
};

/* ERR_DATA "'x' is not a digest: …". */
int digest_parse(struct view s, struct digest *ret, struct err *e);
bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_set(const struct digest *d);
/* What comes after the colon; lent. */
const char *digest_hex(const struct digest *d);
/* "sha256:9f86d081884c", for people. */
void digest_short(const struct digest *d, char out[32]);

/* The sha256 of bytes that are all there. */
void digest_of(const void *p, size_t n, struct digest *ret);
/* 0 if the bytes have that digest, else ERR_DATA "'what' has digest X, not Y". */
int
digest_check(const void *p, size_t n, const struct digest *want, const char *what, struct err *e);

/* Bytes that come piece by piece, hashed by the algorithm of like. */
struct digest_sum;
int digest_sum_new(const struct digest *like, struct digest_sum **ret, struct err *e);
void digest_sum_add(struct digest_sum *s, const void *p, size_t n);
void digest_sum_end(struct digest_sum *s, struct digest *ret); /* then only free */
void digest_sum_free(struct digest_sum **s);
#define AUTO_SUM AUTO(digest_sum_free)

#endif
