/*
 * auth_token: one question to a token server.
 *
 * Docker's token protocol: GET realm?service=…&scope=… with Basic credentials
 * or none, and POST with grant_type=refresh_token (for an identity token) or
 * grant_type=password (where GET is not served).  For auth.c.
 */
#ifndef GANTRY_OCI_AUTH_TOKEN_H
#define GANTRY_OCI_AUTH_TOKEN_H

#include "oci/auth.h"
#include "oci/auth_file.h"

struct auth_ask {
	const struct auth_challenge *challenge; /* its realm and service */
	const char *scopes;			/* spaces between */
	bool joined;				/* all scopes in one parameter of GET */
	const struct auth_creds *creds;		/* {0}: anonymous */
	const char *refresh;			/* newer than what creds has, or NULL */
};

struct auth_grant {
	char *token;
	char *refresh; /* NULL if the server gave none */
	int64_t ms;    /* how long the token may be used, with a margin */
};
void auth_grant_clear(struct auth_grant *g);
#define AUTO_GRANT AUTO(auth_grant_clear)

int auth_token_ask(struct http *h, const struct auth_ask *q, struct auth_grant *ret, struct err *e);
/* "Basic …", appended to ret (RFC 7617). */
int auth_token_basic(const char *user, const char *secret, struct buf *ret, struct err *e);
/* The server's answer. */
int auth_token_parse(struct view answer, struct auth_grant *ret, struct err *e);

#endif
