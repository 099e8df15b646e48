/*
 * dsse: signed envelopes (DSSE v1.0.2) and the in-toto statements in them
 * (https://in-toto.io/Statement/v1 and /v0.1).
 *
 * Limits: one signature exactly, as Sigstore demands; a payload of
 * DSSE_PAYLOAD_MAX; DSSE_SUBJECTS_MAX subjects.
 */
#ifndef GANTRY_TRUST_DSSE_H
#define GANTRY_TRUST_DSSE_H

#include "trust/artifact.h"

#define DSSE_PAYLOAD_MAX   (16U << 20)
#define DSSE_TYPE_MAX	   256
#define DSSE_SUBJECTS_MAX  1024
#define DSSE_SIGNATURE_MAX 2048
#define DSSE_IN_TOTO	   "application/vnd.in-toto+json"

struct json_t;

struct dsse {
	char *type;	      /* payloadType */
	struct buf payload;   /* decoded */
	struct buf signature; /* decoded */
};

/* From an envelope as JSON; ERR_DATA.  Fit for dsse_clear even on failure. */
int dsse_parse(const struct json_t *v, struct dsse *ret, struct err *e);
void dsse_clear(struct dsse *d);
#define AUTO_DSSE AUTO(dsse_clear)
#define DSSE_INIT                                              \
	((struct dsse){ .payload = BUF_INIT(DSSE_PAYLOAD_MAX), \
			.signature = BUF_INIT(DSSE_SIGNATURE_MAX) })

/* Append the pre-authentication encoding: the bytes that are signed. */
void dsse_pae(const struct dsse *d, struct buf *ret);
#define DSSE_PAE_MAX (DSSE_PAYLOAD_MAX + 1024U)

/* The payload is an in-toto statement and one of its subjects is the artifact.
 * predicate_type: what it must say, or NULL.  *ret is the statement for
 * reading (jsn_free).  ERR_NO, ERR_DATA. */
int dsse_statement(const struct dsse *d, struct artifact *a, const char *predicate_type,
		   struct json_t **ret, struct err *e);

#endif
