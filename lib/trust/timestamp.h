/*
 * timestamp: when a timestamp authority saw a signature (RFC 3161).
 *
 * A token must be granted; its imprint must be the SHA-256, 384 or 512 of the
 * signature; the CMS signature must verify under a certificate of an authority of the
 * trusted root (embedded in the token or not) that was valid, and in use, at the
 * token's own time, with the one extended key usage timeStamping, critical;
 * ESSCertID or ESSCertIDv2 must name it.
 */
#ifndef GANTRY_TRUST_TIMESTAMP_H
#define GANTRY_TRUST_TIMESTAMP_H

#include "trust/root.h"

#define TIMESTAMP_MAX (64U << 10)

/* token: a TimeStampResp in DER.  stamped: the bytes it was asked for.
 * *ret_ms is its time, *ret_by the number of the authority in root.  ERR_NO,
 * ERR_DATA. */
int timestamp_check(struct view token, struct view stamped, struct root *root, int64_t *ret_ms,
		    size_t *ret_by, struct err *e);

#endif
