/*
 * key: a public key of the operator's, and whether it made a signature (spki.h
 * is the same without a file and a name).
 *
 * Understood are PEM files with one "PUBLIC KEY" (SubjectPublicKeyInfo, RFC
 * 5280, 7468): ECDSA on P-256, P-384 or P-521 by the curve's name (no explicit
 * parameters), Ed25519, and RSA from 2048 to 8192 bits.
 *
 * Signatures: ECDSA is the ASN.1 of RFC 3279 in DER over SHA-256 (P-384 also
 * over SHA-384, P-521 also over SHA-512); Ed25519 is RFC 8032 over the bytes
 * themselves; RSA is PKCS #1 v1.5 or PSS over SHA-256.
 */
#ifndef GANTRY_TRUST_KEY_H
#define GANTRY_TRUST_KEY_H

#include "trust/spki.h"

#define KEY_FILE_MAX	  (64U << 10)
#define KEY_RSA_BITS_MIN  2048
#define KEY_RSA_BITS_MAX  8192 /* more only costs time */
#define KEY_SIGNATURE_MAX (KEY_RSA_BITS_MAX / 8)

struct key;

/* name stands for it in messages.  ERR_CONFIG says what it is instead. */
int key_parse(struct view pem, const char *name, struct key **ret, struct err *e);
/* The same from a file; "-" is standard input.  ERR_CONFIG too. */
int key_load(const char *path, struct key **ret, struct err *e);
void key_free(struct key **k);
#define AUTO_KEY AUTO(key_free)

const char *key_name(const struct key *k);
/* "ECDSA P-256", "Ed25519", "RSA 3072". */
const char *key_kind(const struct key *k);

const struct spki *key_spki(const struct key *k); /* lent */

/* True only if k made this signature over exactly these bytes; whatever else
 * happens, the answer is no. */
bool key_made(const struct key *k, struct view bytes, struct view signature);

#endif
