/*
 * hash: SHA-256, SHA-384 and SHA-512 of bytes, as signatures need them.
 * Nothing weaker has a name here, so nothing weaker can be asked for.
 */
#ifndef GANTRY_TRUST_HASH_H
#define GANTRY_TRUST_HASH_H

#include <stdint.h>

#include "base/buf.h"

#define HASH_MAX 64 /* bytes of the longest */

enum hash_alg { HASH_NONE = 0, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

struct hash {
	enum hash_alg alg;
	size_t n; /* bytes of raw */
	uint8_t raw[HASH_MAX];
};

/* "sha256" (OCI, in-toto, Rekor v1) or "SHA2_256" (Sigstore's protobuf). */
enum hash_alg hash_alg_named(const char *name);
const char *hash_alg_name(enum hash_alg alg); /* "sha256" */
size_t hash_alg_size(enum hash_alg alg);

int hash_of(enum hash_alg alg, struct view bytes, struct hash *ret, struct err *e);
/* Of two pieces, one behind the other. */
int hash_of_two(enum hash_alg alg, struct view a, struct view b, struct hash *ret, struct err *e);
/* From raw bytes, or from lower or upper case hex; false if the length is
 * not that of alg. */
bool hash_from_raw(enum hash_alg alg, struct view raw, struct hash *ret);
bool hash_from_hex(enum hash_alg alg, struct view hex, struct hash *ret);
/* Same algorithm, same bytes; in constant time. */
bool hash_equal(const struct hash *a, const struct hash *b);
struct view hash_view(const struct hash *h);

#endif
