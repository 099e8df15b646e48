/*
 * door: who may command the robots.
 *
 * A browser says where a page that asks came from (Sec-Fetch-Site, or Origin):
 * commands from pages of other sites are refused.  The Host that was asked
 * for must be one that only this site's own name service can give to this
 * robot (an address, a name without a dot, *.local, *.localhost, this host's
 * own name, or one of those configured), so that a stranger's name cannot be
 * pointed here (DNS rebinding).  With a token configured, commands need it as
 * "Authorization: Bearer TOKEN" (RFC 6750).  Each address has a number of
 * commands a second.
 *
 * Stopping is for everybody: nothing here is asked for it.
 */
#ifndef GANTRY_ROBOT_SERVE_DOOR_H
#define GANTRY_ROBOT_SERVE_DOOR_H

#include "answer.h"

#define DOOR_HOSTS_MAX 16
#define DOOR_TOKEN_MAX 256

#define DOOR_RATE  50  /* commands a second from one address */
#define DOOR_BURST 100 /* and at once, after a rest */

struct door;

/* token NULL: none is needed.  hosts: names, separated by commas; may be NULL. */
int door_new(const char *token, const char *hosts, struct door **ret, struct err *e);
void door_free(struct door **d);

/* Is the Host one of ours?  If not, *a is the answer. */
bool door_host(const struct door *d, const struct ask *q, struct answer *a);
/* May this one command now?  If not, *a is the answer. */
bool door_command(struct door *d, const struct ask *q, struct answer *a);
/* The same for what always needs a token: without one, nobody may. */
bool door_token(const struct door *d, const struct ask *q, struct answer *a);
/* Whose commands these are: the Robot-Client header, or the address. */
void door_owner(const struct ask *q, char *out, size_t size);

#endif
