#include "trust/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

static const struct {
	enum hash_alg alg;
	const char *name, *proto;
	size_t size;
} known[] = {
	{ HASH_SHA256, "sha256", "SHA2_256", 32 },
	{ HASH_SHA384, "sha384", "SHA2_384", 48 },
	{ HASH_SHA512, "sha512", "SHA2_512", 64 },
};

enum hash_alg
hash_alg_named(const char *name)
{
	for (size_t i = 0; name != NULL && i < COUNT_OF(known); i++)
		if (strcmp(name, known[i].name) == 0 || strcmp(name, known[i].proto) == 0)
			return known[i].alg;
	return HASH_NONE;
}

const char *
hash_alg_name(enum hash_alg alg)
{
	return alg == HASH_NONE ? "none" : known[alg - 1].name;
}

size_t
hash_alg_size(enum hash_alg alg)
{
	return alg == HASH_NONE ? 0 : known[alg - 1].size;
}

static const EVP_MD *
md_of(enum hash_alg alg)
{
	switch (alg) {
	case HASH_SHA256:
		return EVP_sha256();
	case HASH_SHA384:
		return EVP_sha384();
	case HASH_SHA512:
		return EVP_sha512();
	case HASH_NONE:
		break;
	}
	return NULL;
}

int
hash_of_two(enum hash_alg alg, struct view a, struct view b, struct hash *ret, struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int n = 0;
	bool ok;

	ok = ctx != NULL && md_of(alg) != NULL && EVP_DigestInit_ex(ctx, md_of(alg), NULL) == 1 &&
	     EVP_DigestUpdate(ctx, a.p, a.n) == 1 && EVP_DigestUpdate(ctx, b.p, b.n) == 1 &&
	     EVP_DigestFinal_ex(ctx, ret->raw, &n) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return err_set(e, ERR_SYS, "cannot compute a %s", hash_alg_name(alg));
	ret->alg = alg;
	ret->n = n;
	return 0;
}

int
hash_of(enum hash_alg alg, struct view bytes, struct hash *ret, struct err *e)
{
	return hash_of_two(alg, bytes, (struct view){ "", 0 }, ret, e);
}

bool
hash_from_raw(enum hash_alg alg, struct view raw, struct hash *ret)
{
	if (alg == HASH_NONE || raw.n != hash_alg_size(alg))
		return false;
	*ret = (struct hash){ .alg = alg, .n = raw.n };
	memcpy(ret->raw, raw.p, raw.n);
	return true;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hash_from_hex(enum hash_alg alg, struct view hex, struct hash *ret)
{
	struct hash h = { .alg = alg, .n = hash_alg_size(alg) };

	if (alg == HASH_NONE || hex.n != 2 * h.n)
		return false;
	for (size_t i = 0; i < h.n; i++) {
		int high = nibble(hex.p[2 * i]), low = nibble(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		h.raw[i] = (uint8_t)(high << 4 | low);
	}
	*ret = h;
	return true;
}

bool
hash_equal(const struct hash *a, const struct hash *b)
{
	return a->alg == b->alg && a->n == b->n && CRYPTO_memcmp(a->raw, b->raw, a->n) == 0;
}

struct view
hash_view(const struct hash *h)
{
	return (struct view){ (const char *)h->raw, h->n };
}
