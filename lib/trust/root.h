/*
 * root: a Sigstore trusted root (trusted_root.json, media type version 0.1 or 0.2):
 * the certificate authorities, timestamp authorities, transparency logs and
 * certificate logs that are believed, and when.
 *
 * It is the operator's file, so everything wrong with it is ERR_CONFIG: a log
 * without a start of its validity, a certificate that is none, a key that
 * does not fit.  Keys and certificates are read when something needs them
 * (that is most of the time a verification takes); one that cannot be read or
 * is of a kind that is not supported is an error only then.  Several threads may
 * judge by one root.
 */
#ifndef GANTRY_TRUST_ROOT_H
#define GANTRY_TRUST_ROOT_H

#include "trust/authority.h"

#define ROOT_TEXT_MAX	   (4U << 20)
#define ROOT_LOGS_MAX	   64
#define ROOT_AUTHORITY_MAX 64
#define ROOT_LOG_ID_MAX	   64

struct root_log {
	char *host;		     /* of baseUrl, with its port */
	uint8_t id[ROOT_LOG_ID_MAX]; /* logId.keyId */
	size_t id_len;		     /* at least 4 */
	struct buf der;		     /* of its key */
	bool is_pkcs1;		     /* which is RSA, and nothing around it */
	struct spki *key;	     /* see root_log_key */
	char why[80];		     /* it cannot be used, and why; or "" */
	struct period period;
};

struct root {
	struct root_log logs[ROOT_LOGS_MAX], ctlogs[ROOT_LOGS_MAX];
	size_t n_logs, n_ctlogs;
	struct authority cas[ROOT_AUTHORITY_MAX], tsas[ROOT_AUTHORITY_MAX];
	size_t n_cas, n_tsas;
};

int root_parse(struct view text, const char *name, struct root **ret, struct err *e);
void root_free(struct root **r);
#define AUTO_ROOT AUTO(root_free)

/* The i-th (0, 1, …) transparency log with that id; NULL if there are no more.
 * One id may be there several times, with different periods. */
struct root_log *root_log(struct root *r, struct view id, size_t i);
struct root_log *root_ctlog(struct root *r, struct view id, size_t i);

/* Its key, read once, by any thread; ERR_CONFIG "the key of the log 'host': why". */
int root_log_key(struct root_log *log, const struct spki **ret, struct err *e);

#endif
