/*
 * auth: who we are, as a registry wants to hear it.
 *
 * WWW-Authenticate (RFC 9110 section 11.6.1) with Basic and Bearer challenges,
 * Docker's token protocol (GET realm?service=…&scope=…), and credentials from
 * a file in Docker's config.json form ("auths").  No secret is ever part of an
 * error message.
 */
#ifndef GANTRY_OCI_AUTH_H
#define GANTRY_OCI_AUTH_H

#include "net/http.h"

#define AUTH_REALM_MAX	 1024
#define AUTH_SERVICE_MAX 256
#define AUTH_SCOPE_MAX	 1024
#define AUTH_TOKEN_MAX	 (16U << 10)

struct auth_challenge {
	bool basic, bearer;
	char realm[AUTH_REALM_MAX]; /* of Bearer */
	char service[AUTH_SERVICE_MAX];
	char scope[AUTH_SCOPE_MAX];
};

/* Read one header's value into *c, which may have challenges already; several
 * may stand in one value.  ERR_DATA for what cannot be read. */
int auth_parse(struct view value, struct auth_challenge *c, struct err *e);

/* The value for "Basic …" that a config.json has for host; NULL if none.  The
 * caller's to free.  ERR_CONFIG names the file. */
int auth_basic(const char *authfile, const char *host, char **ret, struct err *e);

/* Where Docker's own tools keep credentials, from the values of
 * REGISTRY_AUTH_FILE, DOCKER_CONFIG and HOME (NULL: not set).  The first as it
 * is, or a path in out if a file is there; NULL if there is none. */
const char *auth_default_file(const char *file, const char *docker_config, const char *home,
			      char *out, size_t size);

/* Ask the token server.  basic: credentials or NULL.  scope: what is asked
 * for (the challenge's own if NULL).  *ret_ms: how long it may be used. */
int auth_token(struct http *h, const struct auth_challenge *c, const char *scope, const char *basic,
	       char **ret, int64_t *ret_ms, struct err *e);

#endif
