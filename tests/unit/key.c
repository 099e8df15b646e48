#include "trust/key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/base64.h"
#include "unit.h"

static const char payload[] =
	"{\"critical\":{\"identity\":{\"docker-reference\":\"localhost:5000/"
	"robot-app\"},\"image\":{"
	"\"docker-manifest-digest\":\"sha256:"
	"0b0fcc01dccb910ae321b543e5b8c099b8ba9f891d6e9ab16bcdca4fb6f1d291\"},\"type\":"
	"\"cosign container image signature\"},\"optional\":null}";

static void
write_pem(EVP_PKEY *k, bool private, char *out, size_t size)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (private)
		(void)PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL);
	else
		(void)PEM_write_bio_PUBKEY(b, k);
	n = BIO_get_mem_data(b, &p);
	(void)snprintf(out, size, "%.*s", (int)n, p);
	BIO_free(b);
}

static struct key *
public_of(EVP_PKEY *k)
{
	char pem[4096];
	struct key *ret = NULL;
	struct err e = { 0 };

	write_pem(k, false, pem, sizeof(pem));
	CHECK(key_parse(view_of(pem), "k.pub", &ret, &e) == 0);
	if (ret == NULL)
		printf("# %s\n", e.msg);
	return ret;
}

static struct view
sign(EVP_PKEY *k, const char *digest, int padding, unsigned char *out, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params = NULL;

	CHECK(EVP_DigestSignInit_ex(ctx, &params, digest, NULL, NULL, k, NULL) == 1);
	if (padding != 0)
		CHECK(EVP_PKEY_CTX_set_rsa_padding(params, padding) == 1);
	CHECK(EVP_DigestSign(ctx, out, &size, (const unsigned char *)payload, strlen(payload)) ==
	      1);
	EVP_MD_CTX_free(ctx);
	return (struct view){ (const char *)out, size };
}

/* The payload and the signature, each with every single byte changed in turn;
 * the signature also one byte shorter and longer. */
static void
no_byte_may_change(const struct key *k, struct view sig)
{
	char text[sizeof(payload)], raw[KEY_SIGNATURE_MAX + 1];
	struct view bytes = { text, sizeof(payload) - 1 }, changed = { raw, sig.n };

	memcpy(text, payload, sizeof(payload));
	memcpy(raw, sig.p, sig.n);
	raw[sig.n] = '\0';
	CHECK(key_made(k, bytes, changed));
	for (size_t i = 0; i < bytes.n; i++) {
		text[i] ^= 1;
		CHECK(!key_made(k, bytes, sig));
		text[i] ^= 1;
	}
	for (size_t i = 0; i < sig.n; i++) {
		raw[i] = (char)(raw[i] ^ (1 << (i % 8)));
		CHECK(!key_made(k, bytes, changed));
		raw[i] = (char)(raw[i] ^ (1 << (i % 8)));
	}
	CHECK(!key_made(k, bytes, (struct view){ raw, sig.n - 1 }));
	CHECK(!key_made(k, bytes, (struct view){ raw, sig.n + 1 }));
	CHECK(!key_made(k, (struct view){ text, bytes.n - 1 }, sig));
	CHECK(!key_made(k, bytes, (struct view){ raw, 0 }));
	CHECK(key_made(k, bytes, changed));
}

static void
try_kind(EVP_PKEY *pkey, const char *kind, const char *digest, int padding)
{
	unsigned char out[KEY_SIGNATURE_MAX];
	AUTO_KEY struct key *k = public_of(pkey);
	struct view sig = sign(pkey, digest, padding, out, sizeof(out));

	if (k == NULL)
		return;
	CHECK_STR(key_kind(k), kind);
	CHECK_STR(key_name(k), "k.pub");
	no_byte_may_change(k, sig);
}

TEST(ecdsa_p256)
{
	EVP_PKEY *k = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	unsigned char out[KEY_SIGNATURE_MAX];
	AUTO_KEY struct key *theirs = public_of(other);
	struct view sig = sign(k, "SHA512", 0, out, sizeof(out));
	AUTO_KEY struct key *ours = public_of(k);

	try_kind(k, "ECDSA P-256", "SHA256", 0);
	CHECK(!key_made(ours, view_of(payload), sig));
	sig = sign(k, "SHA256", 0, out, sizeof(out));
	CHECK(key_made(ours, view_of(payload), sig));
	CHECK(!key_made(theirs, view_of(payload), sig));
	EVP_PKEY_free(k);
	EVP_PKEY_free(other);
}

TEST(ecdsa_p384_and_p521)
{
	EVP_PKEY *k = EVP_EC_gen("P-384"), *l = EVP_EC_gen("P-521");

	try_kind(k, "ECDSA P-384", "SHA256", 0);
	try_kind(k, "ECDSA P-384", "SHA384", 0);
	try_kind(l, "ECDSA P-521", "SHA256", 0);
	try_kind(l, "ECDSA P-521", "SHA512", 0);
	EVP_PKEY_free(k);
	EVP_PKEY_free(l);
}

TEST(ed25519)
{
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	try_kind(k, "Ed25519", NULL, 0);
	EVP_PKEY_free(k);
}

TEST(rsa)
{
	EVP_PKEY *k = EVP_RSA_gen(2048);

	try_kind(k, "RSA 2048", "SHA256", RSA_PKCS1_PADDING);
	try_kind(k, "RSA 2048", "SHA256", RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_free(k);
}

static void
refused(const char *pem, const char *why)
{
	struct key *k = NULL;
	struct err e = { 0 };

	CHECK(key_parse(view_of(pem), "k", &k, &e) == -1);
	CHECK(k == NULL);
	CHECK(e.code == ERR_CONFIG);
	CHECK_STR(e.msg, why);
}

TEST(what_is_no_public_key_is_refused_in_words)
{
	EVP_PKEY *k = EVP_EC_gen("P-256"), *odd = EVP_EC_gen("secp256k1"),
		 *small = EVP_RSA_gen(1024), *x = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	char pem[8192], two[16384], *at;

	refused("", "key 'k': not a PEM file");
	refused("hello", "key 'k': not a PEM file");
	refused("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
		"key 'k': not a public key that can be read");
	refused("-----BEGIN CERTIFICATE-----\nMFkw\n-----END CERTIFICATE-----\n",
		"key 'k': not a public key (-----BEGIN PUBLIC KEY-----)");
	write_pem(k, true, pem, sizeof(pem));
	refused(pem, "key 'k': a private key; want the public one");
	write_pem(k, false, pem, sizeof(pem));
	(void)snprintf(two, sizeof(two), "%s%s", pem, pem);
	refused(two, "key 'k': more than one key in the file");
	at = strstr(pem, "MFkw");
	at[3] = 'A';
	refused(pem, "key 'k': not a public key that can be read");
	write_pem(odd, false, pem, sizeof(pem));
	refused(pem, "key 'k': its curve is not P-256, P-384 or P-521");
	write_pem(small, false, pem, sizeof(pem));
	refused(pem, "key 'k': RSA with less than 2048 bits");
	write_pem(x, false, pem, sizeof(pem));
	refused(pem, "key 'k': neither ECDSA, Ed25519 nor RSA");
	EVP_PKEY_free(k);
	EVP_PKEY_free(odd);
	EVP_PKEY_free(small);
	EVP_PKEY_free(x);
}

TEST(a_file_that_is_not_there_is_configuration)
{
	struct key *k = NULL;
	struct err e = { 0 };

	CHECK(key_load("/nonexistent/k.pub", &k, &e) == -1);
	CHECK(e.code == ERR_CONFIG);
	CHECK_STR(e.msg, "key: open '/nonexistent/k.pub': No such file or directory");
}

UNIT_MAIN
