#include "trust/key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define KIND_MAX 24

struct key {
	char *name;
	char kind[KIND_MAX];
	struct spki *spki;
};

static void
bio_free(BIO *const *b)
{
	(void)BIO_free(*b);
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
read_pem(struct view text, const struct key *k, EVP_PKEY **ret, struct err *e)
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
	*ret = d2i_PUBKEY(NULL, &at, p.n);
	if (*ret == NULL || at != p.data + p.n)
		return refuse(k, "not a public key that can be read", e);
	return 0;
}

static void
pkey_free(EVP_PKEY *const *k)
{
	EVP_PKEY_free(*k);
}

/* Why spki would not take it, in words for its owner. */
static int
refuse_kind(const struct key *k, const EVP_PKEY *pkey, struct err *e)
{
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);

	if (id == EVP_PKEY_EC)
		return refuse(k, "its curve is not P-256, P-384 or P-521", e);
	if (id == EVP_PKEY_RSA && bits < KEY_RSA_BITS_MIN)
		return refuse(k, "RSA with less than 2048 bits", e);
	if (id == EVP_PKEY_RSA)
		return refuse(k, "RSA with more than 8192 bits", e);
	return refuse(k, "neither ECDSA, Ed25519 nor RSA", e);
}

static int
check(const struct key *k, EVP_PKEY *pkey, struct err *e)
{
	AUTO(pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

	if (ctx == NULL)
		return err_nomem(e);
	/* Ed25519 has no check of its own before OpenSSL 3.2: its decoding is one */
	if (spki_kind_of(k->spki) != SPKI_ED25519 && EVP_PKEY_public_check(ctx) != 1)
		return refuse(k, "not a valid key of its kind", e);
	return 0;
}

static void
name_kind(struct key *k, const EVP_PKEY *pkey)
{
	static const char *const names[] = { [SPKI_P256] = "ECDSA P-256",
					     [SPKI_P384] = "ECDSA P-384",
					     [SPKI_P521] = "ECDSA P-521",
					     [SPKI_ED25519] = "Ed25519" };

	if (spki_kind_of(k->spki) == SPKI_RSA)
		(void)snprintf(k->kind, sizeof(k->kind), "RSA %d", EVP_PKEY_get_bits(pkey));
	else
		(void)snprintf(k->kind, sizeof(k->kind), "%s", names[spki_kind_of(k->spki)]);
}

int
key_parse(struct view pem, const char *name, struct key **ret, struct err *e)
{
	AUTO_KEY struct key *k = calloc(1, sizeof(*k));
	AUTO(pkey_free) EVP_PKEY *pkey = NULL;

	if (k == NULL || (k->name = strdup(name)) == NULL)
		return err_nomem(e);
	if (pem.n > KEY_FILE_MAX)
		return refuse(k, "larger than any key", e);
	if (read_pem(pem, k, &pkey, e) < 0)
		return -1;
	if (EVP_PKEY_up_ref(pkey) != 1)
		return err_nomem(e);
	if (spki_take(pkey, &k->spki, NULL) < 0)
		return refuse_kind(k, pkey, e);
	if (check(k, pkey, e) < 0)
		return -1;
	name_kind(k, pkey);
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
	spki_free(&(*k)->spki);
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

const struct spki *
key_spki(const struct key *k)
{
	return k->spki;
}

bool
key_made(const struct key *k, struct view bytes, struct view signature)
{
	return signature.n > 0 && signature.n <= KEY_SIGNATURE_MAX &&
	       spki_verify(k->spki, bytes, signature, NULL) == 0;
}
