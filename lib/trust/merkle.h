/*
 * merkle: is an entry in a log of that size with that root (RFC 6962, section
 * 2.1.1, SHA-256)?
 */
#ifndef GANTRY_TRUST_MERKLE_H
#define GANTRY_TRUST_MERKLE_H

#include "trust/hash.h"

/* The hash of an entry's bytes. */
int merkle_leaf(struct view entry, struct hash *ret, struct err *e);

/* The path has exactly the hashes that index and size ask for, and leads from
 * leaf to root.  ERR_NO. */
int merkle_check(const struct hash *leaf, int64_t index, int64_t size, const struct hash *path,
		 size_t n, const struct hash *root, struct err *e);

#endif
