/*
 * spki: public keys of logs, certificates and people (RFC 5280,
 * SubjectPublicKeyInfo), and whether they made a signature.
 *
 * Kinds: ECDSA on P-256, P-384 and P-521 (signatures in ASN.1 DER), Ed25519,
 * RSA from 2048 to 8192 bits (PKCS#1 v1.5 and PSS).  Curves spelled out by
 * their parameters are refused.
 *
 * Hashes: P-256 and RSA sign SHA-256; P-384 SHA-384 and P-521 SHA-512, and
 * both SHA-256 too, because clients did so for bundles up to 0.3.  Ed25519
 * signs the message itself; Ed25519ph (over a hash) is not in OpenSSL 3.0 and
 * is refused by name.
 */
#ifndef GANTRY_TRUST_SPKI_H
#define GANTRY_TRUST_SPKI_H

#include "trust/hash.h"

#define SPKI_DER_MAX 2048 /* RSA of 8192 bits has 1062 */
#define SPKI_PEM_MAX 8192

enum spki_kind { SPKI_P256 = 1, SPKI_P384, SPKI_P521, SPKI_ED25519, SPKI_RSA };

struct spki;
struct evp_pkey_st;

/* ERR_DATA in each case that is not a key we take. */
int spki_from_der(struct view der, struct spki **ret, struct err *e);
int spki_from_pkcs1(struct view der, struct spki **ret, struct err *e); /* RSAPublicKey */
int spki_from_pem(struct view pem, struct spki **ret, struct err *e);	/* PUBLIC KEY */
/* OpenSSL's own, for trust/; key becomes ret's, on failure too. */
int spki_take(struct evp_pkey_st *key, struct spki **ret, struct err *e);
void spki_free(struct spki **k);
#define AUTO_SPKI AUTO(spki_free)

enum spki_kind spki_kind_of(const struct spki *k);
struct view spki_der(const struct spki *k); /* canonical; lent */
bool spki_equal(const struct spki *a, const struct spki *b);
/* The hash it signs with; HASH_NONE for Ed25519. */
enum hash_alg spki_hash(const struct spki *k);
/* Whether it may sign a hash of that algorithm. */
bool spki_takes(const struct spki *k, enum hash_alg alg);

/* 0 if the signature is good; ERR_NO "the signature does not verify". */
int spki_verify(const struct spki *k, struct view message, struct view signature, struct err *e);
int
spki_verify_hash(const struct spki *k, const struct hash *h, struct view signature, struct err *e);

#endif
