/*
 * ssh: connections to a container engine on another machine, each through an
 * ssh of its own that runs `docker system dial-stdio` over there, as the docker
 * client does it.
 *
 * ssh reads its user's configuration and known hosts, and asks nobody: an
 * unknown host key or a password that is wanted is a failure.  Belongs to one
 * thread at a time.
 */
#ifndef GANTRY_ENGINE_SSH_H
#define GANTRY_ENGINE_SSH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/address.h"

#define SSH_LINES_MAX 16 /* connections at once */
#define SSH_WORDS_MAX 256

struct ssh;

/* environment: of ssh; lent. */
int ssh_new(const struct address *p, char *const *environment, struct ssh **ret, struct err *e);
/* Ends every connection that is left. */
void ssh_free(struct ssh **s);

/* Where to connect to, with a socket from ssh_open and not before the one before
 * has been answered. */
const char *ssh_socket(const struct ssh *s);
/* For struct http_dial; arg is the struct ssh. */
int ssh_open(void *arg, struct err *e);
void ssh_close(void *arg, int fd);

/* What ssh, or the program on the other machine, said last: one line without
 * its full stop; "" if nothing. */
const char *ssh_words(struct ssh *s);
/* Those words ask for a person: a key that is unknown or refused, a program that
 * is missing over there. */
bool ssh_needs_person(const char *words);

#endif
