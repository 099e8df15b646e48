#include "trust/spki.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

struct spki {
	EVP_PKEY *key;
	enum spki_kind kind;
	unsigned char *der;
	size_t der_len;
};

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

void
spki_free(struct spki **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_free((*k)->key);
	OPENSSL_free((*k)->der);
	free(*k);
	*k = NULL;
}

static enum spki_kind
ec_kind(EVP_PKEY *key)
{
	char curve[64] = "", encoding[32] = "";

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
					   sizeof(encoding), NULL) != 1 ||
	    strcmp(encoding, "named_curve") != 0 ||
	    EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1)
		return 0;
	if (strcmp(curve, "prime256v1") == 0)
		return SPKI_P256;
	if (strcmp(curve, "secp384r1") == 0)
		return SPKI_P384;
	if (strcmp(curve, "secp521r1") == 0)
		return SPKI_P521;
	return 0;
}

static enum spki_kind
kind_of(EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "EC"))
		return ec_kind(key);
	if (EVP_PKEY_is_a(key, "ED25519"))
		return SPKI_ED25519;
	if (EVP_PKEY_is_a(key, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
		return SPKI_RSA;
	return 0;
}

int
spki_take(EVP_PKEY *key, struct spki **ret, struct err *e)
{
	AUTO_SPKI struct spki *k = NULL;
	int n;

	if (key == NULL) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "not a public key");
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		EVP_PKEY_free(key);
		return err_nomem(e);
	}
	k->key = key;
	k->kind = kind_of(key);
	if (k->kind == 0)
		return err_set(e, ERR_DATA,
			       "a public key of a kind that is not taken "
			       "(ECDSA P-256, P-384, P-521, Ed25519, RSA from 2048 bits are)");
	n = i2d_PUBKEY(key, &k->der);
	if (n <= 0)
		return err_set(e, ERR_DATA, "a public key that cannot be written");
	k->der_len = (size_t)n;
	*ret = TAKE_PTR(k);
	return 0;
}

int
spki_from_der(struct view der, struct spki **ret, struct err *e)
{
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *key;

	if (der.n > SPKI_DER_MAX)
		return err_set(e, ERR_DATA, "a public key of %zu bytes", der.n);
	key = d2i_PUBKEY(NULL, &p, (long)der.n);
	if (key != NULL && p != (const unsigned char *)der.p + der.n) {
		EVP_PKEY_free(key);
		return err_set(e, ERR_DATA, "bytes after a public key");
	}
	return spki_take(key, ret, e);
}

int
spki_from_pkcs1(struct view der, struct spki **ret, struct err *e)
{
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *key;

	if (der.n > SPKI_DER_MAX)
		return err_set(e, ERR_DATA, "a public key of %zu bytes", der.n);
	key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	if (key != NULL && p != (const unsigned char *)der.p + der.n) {
		EVP_PKEY_free(key);
		return err_set(e, ERR_DATA, "bytes after a public key");
	}
	return spki_take(key, ret, e);
}

int
spki_from_pem(struct view pem, struct spki **ret, struct err *e)
{
	EVP_PKEY *key;
	BIO *bio;

	if (pem.n > SPKI_PEM_MAX)
		return err_set(e, ERR_DATA, "a public key of %zu bytes", pem.n);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio == NULL)
		return err_nomem(e);
	key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return spki_take(key, ret, e);
}

enum spki_kind
spki_kind_of(const struct spki *k)
{
	return k->kind;
}

struct view
spki_der(const struct spki *k)
{
	return (struct view){ (const char *)k->der, k->der_len };
}

bool
spki_equal(const struct spki *a, const struct spki *b)
{
	return a->der_len == b->der_len && memcmp(a->der, b->der, a->der_len) == 0;
}

enum hash_alg
spki_hash(const struct spki *k)
{
	switch (k->kind) {
	case SPKI_P256:
	case SPKI_RSA:
		return HASH_SHA256;
	case SPKI_P384:
		return HASH_SHA384;
	case SPKI_P521:
		return HASH_SHA512;
	case SPKI_ED25519:
		break;
	}
	return HASH_NONE;
}

bool
spki_takes(const struct spki *k, enum hash_alg alg)
{
	if (alg == HASH_NONE || k->kind == SPKI_ED25519)
		return false;
	return alg == spki_hash(k) || alg == HASH_SHA256;
}

static bool
verify_padded(const struct spki *k, const struct hash *h, struct view signature, int padding)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->key, NULL);
	const EVP_MD *md = EVP_get_digestbyname(hash_alg_name(h->alg));
	bool ok;

	ok = ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	     (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
	     EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	     (padding != RSA_PKCS1_PSS_PADDING ||
	      EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1) &&
	     EVP_PKEY_verify(ctx, (const unsigned char *)signature.p, signature.n, h->raw, h->n) ==
		     1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

int
spki_verify_hash(const struct spki *k, const struct hash *h, struct view signature, struct err *e)
{
	bool ok;

	if (k->kind == SPKI_ED25519)
		return err_set(e, ERR_NO,
			       "an Ed25519 signature over a hash is Ed25519ph, "
			       "which is not supported");
	if (!spki_takes(k, h->alg))
		return err_set(e, ERR_NO, "the key does not sign %s", hash_alg_name(h->alg));
	if (k->kind == SPKI_RSA)
		ok = verify_padded(k, h, signature, RSA_PKCS1_PADDING) ||
		     verify_padded(k, h, signature, RSA_PKCS1_PSS_PADDING);
	else
		ok = verify_padded(k, h, signature, 0);
	return ok ? 0 : err_set(e, ERR_NO, "the signature does not verify");
}

static int
verify_ed25519(const struct spki *k, struct view message, struct view signature, struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
			      (const unsigned char *)message.p, message.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : err_set(e, ERR_NO, "the signature does not verify");
}

int
spki_verify(const struct spki *k, struct view message, struct view signature, struct err *e)
{
	struct hash h;

	if (k->kind == SPKI_ED25519)
		return verify_ed25519(k, message, signature, e);
	if (hash_of(spki_hash(k), message, &h, e) < 0)
		return -1;
	if (h.alg == HASH_SHA256)
		return spki_verify_hash(k, &h, signature, e);
	if (spki_verify_hash(k, &h, signature, NULL) == 0)
		return 0;
	if (hash_of(HASH_SHA256, message, &h, e) < 0)
		return -1;
	return spki_verify_hash(k, &h, signature, e);
}
