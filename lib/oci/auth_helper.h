/*
 * auth_helper: programs that keep credentials, docker-credential-NAME.
 *
 * The program is found on PATH and started as "docker-credential-NAME get" in
 * a process group of its own, with the server's name as standard input,
 * nothing as standard error and no other descriptor; it ends with the call.
 * Its answer is {"ServerURL":…,"Username":…,"Secret":…}, at most
 * AUTH_ANSWER_MAX bytes; the user "<token>" means an identity token.
 * For auth.c and its tests.
 */
#ifndef GANTRY_OCI_AUTH_HELPER_H
#define GANTRY_OCI_AUTH_HELPER_H

#include <stdint.h>

#include "oci/auth_file.h"

#define AUTH_ANSWER_MAX (64U << 10)

struct auth_helper {
	const char *name;
	const char *server;
	char *const *environment;
	const volatile bool *stop; /* may be NULL */
	int64_t ms;		   /* how long it may take; 0: 10 s */
};

/* 1 with *ret, 0 if it has no credentials for this server.  ERR_SYS if it is
 * not there or fails, ERR_TEMP if it takes too long, ERR_DATA for an answer
 * that is none. */
int auth_helper_get(const struct auth_helper *q, struct auth_creds *ret, struct err *e);
int auth_helper_parse(struct view answer, struct auth_creds *ret, struct err *e);

#endif
