/*
 * auth_file: what a config.json (containers-auth.json(5)) says about one host.
 * For auth.c and its tests.
 */
#ifndef GANTRY_OCI_AUTH_FILE_H
#define GANTRY_OCI_AUTH_FILE_H

#include "base/buf.h"

#define AUTH_FILE_MAX	(1U << 20)
#define AUTH_HELPER_MAX 64
#define AUTH_KEY_MAX	512

struct json_t;

struct auth_creds {
	char *user, *password; /* user alone may be there with identity */
	char *identity;	       /* for the token server, in place of a password */
	char *bearer;	       /* for the registry itself, as it is */
	char of[AUTH_KEY_MAX]; /* whose they are, for people */
};
void auth_creds_clear(struct auth_creds *c);
#define AUTO_CREDS AUTO(auth_creds_clear)
/* 0; ERR_SYS if there is no memory. */
int auth_creds_copy(const struct auth_creds *from, struct auth_creds *ret, struct err *e);

/* text: of the file name.  An empty file is an empty object. */
int auth_file_parse(struct view text, const char *name, struct json_t **ret, struct err *e);
/* The helper that host's credentials come from, "" if none; ERR_CONFIG for a
 * name that could leave the search path. */
int auth_file_helper(const struct json_t *v, const char *name, const char *host,
		     char ret[AUTH_HELPER_MAX], struct err *e);
/* Some host's credentials come from a helper. */
bool auth_file_has_helpers(const struct json_t *v);
/* What "auths" has for the longest part of host/repo: 1, or 0 for nothing. */
int auth_file_creds(const struct json_t *v, const char *name, const char *host, const char *repo,
		    struct auth_creds *ret, struct err *e);
/* The key under which helpers keep host's credentials. */
const char *auth_file_server(const char *host);

#endif
