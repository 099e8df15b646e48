#include "trust/key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define KIND_MAX 24

struct key {
	char *name;
	char kind[KIND_MAX];
	EVP_PKEY *pkey;
	const char *digests[2]; /* by OpenSSL's names; none for Ed25519 */
	bool rsa;
};

static const struct {
	const char *group, *kind, *digests[2];
} curves[] = {
	{ "prime256v1", "ECDSA P-256", { "SHA256" } },
	{ "secp384r1", "ECDSA P-384", { "SHA384", "SHA256" } },
	{ "secp521r1", "ECDSA P-521", { "SHA512", "SHA256" } },
};

static void
bio_free(BIO *const *b)
{
	(void)BIO_free(*b);
}

static void
md_ctx_free(EVP_MD_CTX *const *c)
{
	EVP_MD_CTX_free(*c);
}

static void
pkey_ctx_free(EVP_PKEY_CTX *const *c)
{
	EVP_PKEY_CTX_free(*c);
}

struct pem {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void
pem_free(struct pem *p)
{
	OPENSSL_free(p->name);
	OPENSSL_free(p->header);
	OPENSSL_free(p->data);
}

static int
refuse(const struct key *k, const char *why, struct err *e)
{
	ERR_clear_error();
	return err_set(e, ERR_CONFIG, "key '%s': %s", k->name, why);
}

/* Exactly one block, and it is a public key. */
static int
read_pem(struct view text, struct key *k, struct err *e)
{
	AUTO(bio_free) BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	AUTO(pem_free) struct pem p = { 0 }, more = { 0 };
	const unsigned char *at;

	if (bio == NULL)
		return err_nomem(e);
	if (PEM_read_bio(bio, &p.name, &p.header, &p.data, &p.n) != 1)
		return refuse(k, "not a PEM file", e);
	if (strstr(p.name, "PRIVATE KEY") != NULL)
		return refuse(k, "a private key; want the public one", e);
	if (strcmp(p.name, "PUBLIC KEY") != 0 || p.header[0] != '\0')
		return refuse(k, "not a public key (-----BEGIN PUBLIC KEY-----)", e);
	if (PEM_read_bio(bio, &more.name, &more.header, &more.data, &more.n) == 1)
		return refuse(k, "more than one key in the file", e);
	at = p.data;
	k->pkey = d2i_PUBKEY(NULL, &at, p.n);
	if (k->pkey == NULL || at != p.data + p.n)
		return refuse(k, "not a public key that can be read", e);
	return 0;
}

static int
accept_ec(struct key *k, struct err *e)
{
	char group[64];
	size_t n = 0;

	if (EVP_PKEY_get_group_name(k->pkey, group, sizeof(group), &n) == 1) {
		for (size_t i = 0; i < COUNT_OF(curves); i++) {
			if (strcmp(group, curves[i].group) != 0)
				continue;
			memcpy(k->digests, curves[i].digests, sizeof(k->digests));
			(void)snprintf(k->kind, sizeof(k->kind), "%s", curves[i].kind);
			return 0;
		}
	}
	return refuse(k, "its curve is not P-256, P-384 or P-521", e);
}

static int
accept_rsa(struct key *k, struct err *e)
{
	int bits = EVP_PKEY_get_bits(k->pkey);

	if (bits < KEY_RSA_BITS_MIN)
		return refuse(k, "RSA with less than 2048 bits", e);
	if (bits > KEY_RSA_BITS_MAX)
		return refuse(k, "RSA with more than 8192 bits", e);
	k->rsa = true;
	k->digests[0] = "SHA256";
	(void)snprintf(k->kind, sizeof(k->kind), "RSA %d", bits);
	return 0;
}

static int
accept(struct key *k, struct err *e)
{
	AUTO(pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	int id = EVP_PKEY_get_base_id(k->pkey);

	if (ctx == NULL)
		return err_nomem(e);
	if (id == EVP_PKEY_EC && accept_ec(k, e) < 0)
		return -1;
	if (id == EVP_PKEY_RSA && accept_rsa(k, e) < 0)
		return -1;
	if (id == EVP_PKEY_ED25519)
		(void)snprintf(k->kind, sizeof(k->kind), "Ed25519");
	if (k->kind[0] == '\0')
		return refuse(k, "neither ECDSA, Ed25519 nor RSA", e);
	/* Ed25519 has no check of its own before OpenSSL 3.2: its decoding is one */
	if (id != EVP_PKEY_ED25519 && EVP_PKEY_public_check(ctx) != 1)
		return refuse(k, "not a valid key of its kind", e);
	return 0;
}

int
key_parse(struct view pem, const char *name, struct key **ret, struct err *e)
{
	AUTO_KEY struct key *k = calloc(1, sizeof(*k));

	if (k == NULL || (k->name = strdup(name)) == NULL)
		return err_nomem(e);
	if (pem.n > KEY_FILE_MAX)
		return refuse(k, "larger than any key", e);
	if (read_pem(pem, k, e) < 0 || accept(k, e) < 0)
		return -1;
	ERR_clear_error();
	*ret = TAKE_PTR(k);
	return 0;
}

int
key_load(const char *path, struct key **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(KEY_FILE_MAX);
	struct err why = { 0 };

	if (file_read(AT_FDCWD, path, &text, &why) < 0)
		return err_set(e, ERR_CONFIG, "key: %s", why.msg);
	return key_parse(view_buf(&text), path, ret, e);
}

void
key_free(struct key **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_free((*k)->pkey);
	free((*k)->name);
	free(*k);
	*k = NULL;
}

const char *
key_name(const struct key *k)
{
	return k->name;
}

const char *
key_kind(const struct key *k)
{
	return k->kind;
}

/* digest is NULL for Ed25519; padding 0 for what has none. */
static bool
verifies(const struct key *k, const char *digest, int padding, struct view bytes, struct view sig)
{
	AUTO(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params = NULL;

	if (ctx == NULL ||
	    EVP_DigestVerifyInit_ex(ctx, &params, digest, NULL, NULL, k->pkey, NULL) != 1)
		return false;
	if (padding != 0 && EVP_PKEY_CTX_set_rsa_padding(params, padding) != 1)
		return false;
	return EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n,
				(const unsigned char *)bytes.p, bytes.n) == 1;
}

static bool
made(const struct key *k, struct view bytes, struct view sig)
{
	if (k->rsa)
		return verifies(k, k->digests[0], RSA_PKCS1_PADDING, bytes, sig) ||
		       verifies(k, k->digests[0], RSA_PKCS1_PSS_PADDING, bytes, sig);
	if (k->digests[0] == NULL)
		return verifies(k, NULL, 0, bytes, sig);
	for (size_t i = 0; i < COUNT_OF(k->digests) && k->digests[i] != NULL; i++)
		if (verifies(k, k->digests[i], 0, bytes, sig))
			return true;
	return false;
}

bool
key_made(const struct key *k, struct view bytes, struct view signature)
{
	bool yes;

	if (signature.n == 0 || signature.n > KEY_SIGNATURE_MAX)
		return false;
	yes = made(k, bytes, signature);
	ERR_clear_error();
	return yes;
}
