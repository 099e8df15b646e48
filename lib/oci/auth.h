/*
 * auth: who we are, as one registry wants to hear it.
 *
 * Credentials come from files as docker login and podman login write them
 * (config.json, containers-auth.json(5)), and from the programs named there,
 * docker-credential-NAME, which are started when the registry asks for
 * credentials and not before.  Answers WWW-Authenticate (RFC 9110 section
 * 11.6.1) with Basic, or with Bearer and a token from the server that the
 * challenge names (Docker's token protocol, GET and POST).
 *
 * One struct auth is one host; any number of threads may use it.  No secret is
 * ever part of an error message, and none is sent without TLS to a server that
 * a registry with TLS names.
 *
 * Errors: ERR_CONFIG for a file that cannot be used, naming it; ERR_SYS for a
 * program that is missing or fails; ERR_AUTH when the token server refuses us;
 * ERR_TEMP for what may work later.
 */
#ifndef GANTRY_OCI_AUTH_H
#define GANTRY_OCI_AUTH_H

#include "net/http.h"

#define AUTH_REALM_MAX	 1024
#define AUTH_SERVICE_MAX 256
#define AUTH_SCOPE_MAX	 1024
#define AUTH_TOKEN_MAX	 (16U << 10)
#define AUTH_VALUE_MAX	 (AUTH_TOKEN_MAX + 16) /* of the Authorization header */
#define AUTH_FILES_MAX	 3
#define AUTH_PATH_MAX	 4096

struct auth_challenge {
	bool basic, bearer;
	char realm[AUTH_REALM_MAX]; /* of Bearer */
	char service[AUTH_SERVICE_MAX];
	char scope[AUTH_SCOPE_MAX];
};

/* Read one header's value into *c, which may have challenges already; several
 * may stand in one value.  ERR_DATA for what cannot be read. */
int auth_parse(struct view value, struct auth_challenge *c, struct err *e);

/* Where credentials are looked for: the first file that has some for a host
 * counts. */
struct auth_files {
	char path[AUTH_FILES_MAX][AUTH_PATH_MAX];
	size_t n;
	char *const *environment; /* what helpers see; lent */
};

/* given (an option) alone, or $REGISTRY_AUTH_FILE alone; else those of
 * $XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID/auth.json),
 * $XDG_CONFIG_HOME/containers/auth.json (~/.config/…) and
 * $DOCKER_CONFIG/config.json (~/.docker/config.json) that are there. */
void auth_find(const char *given, char *const *environment, struct auth_files *ret);

/* Whether a program may have to be started for credentials; false as well for
 * files that cannot be read, which auth_new complains of. */
bool auth_needs_programs(const struct auth_files *f);

struct auth;

/* The files are read now.  f: NULL for no credentials.  stop: see http.h. */
int auth_new(const char *host, const struct auth_files *f, const volatile bool *stop,
	     struct auth **ret, struct err *e);
void auth_free(struct auth **a);

/* The value of Authorization for a request that needs these scopes
 * ("repository:NAME:pull", several with spaces between; "" for none); empty if
 * there is nothing to say.  Asks for a token where the registry is known to
 * want one and none is left.  The first repository that is named decides whose
 * credentials these are. */
int auth_header(struct auth *a, struct http *h, const char *scopes, struct buf *ret, struct err *e);
/* After a 401 to a request with *value: 1 if there is another *value to try,
 * 0 if not. */
int auth_again(struct auth *a, struct http *h, const struct http_resp *refused, const char *scopes,
	       struct buf *value, struct err *e);

/* What a container engine that pulls for us is told (the Docker Engine API's
 * X-Registry-Auth: base64url of an AuthConfig); empty if there are no
 * credentials.  It holds the secret itself. */
int auth_for_engine(struct auth *a, const char *repo, struct buf *ret, struct err *e);

/* A refusal's words made fit for people: without what a server repeats of our
 * secrets, and for 401 and 403 with whose credentials these were. */
void auth_explain(struct auth *a, const char *repo, int status, char *words, size_t size);

#endif
