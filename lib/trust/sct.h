/*
 * sct: signed certificate timestamps that are embedded in a signing
 * certificate (RFC 6962, sections 3.2 and 3.3; extension
 * 1.3.6.1.4.1.11129.2.4.2): a certificate log promises to have seen it.
 */
#ifndef GANTRY_TRUST_SCT_H
#define GANTRY_TRUST_SCT_H

#include "trust/root.h"

#define SCT_LIST_MAX 16 /* timestamps in one certificate */

struct sct {
	struct view log_id; /* 32 bytes */
	uint64_t ms;
	struct view extensions;
	struct view signature;
};

/* Take apart a SignedCertificateTimestampList (the inner octet string).  The
 * views look into list.  ERR_DATA; what is not version 1 or not ECDSA or RSA
 * with SHA-256 is ERR_DATA too. */
int sct_parse_list(struct view list, struct sct ret[SCT_LIST_MAX], size_t *ret_n, struct err *e);

/* At least need of the embedded timestamps come from different logs of root, within
 * the log's period, and verify for this leaf under this issuer.  Timestamps of
 * logs that root does not know are passed over; one of a known log that does
 * not verify fails.  ERR_NO. */
int sct_check(const struct cert *leaf, const struct cert *issuer, struct root *root, size_t need,
	      struct err *e);

#endif
