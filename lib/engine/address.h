/*
 * address: where a container engine is, as DOCKER_HOST says it.
 *
 *	unix:///PATH
 *	tcp://HOST[:PORT]
 *	ssh://[USER@]HOST[:PORT][/PATH]		PATH: of the engine's socket over there
 *
 * HOST may be [an IPv6 address].  Nothing of it can be mistaken for an option
 * of ssh, or for more than one word by a shell.
 */
#ifndef GANTRY_ENGINE_ADDRESS_H
#define GANTRY_ENGINE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ADDRESS_PATH_MAX 108 /* of a socket, its end included */
#define ADDRESS_HOST_MAX 254
#define ADDRESS_USER_MAX 64

enum address_kind { ADDRESS_UNIX, ADDRESS_TCP, ADDRESS_SSH };

struct address {
	enum address_kind kind;
	char host[ADDRESS_HOST_MAX]; /* without brackets; "" for a socket on this machine */
	char user[ADDRESS_USER_MAX]; /* "" if not given */
	char path[ADDRESS_PATH_MAX]; /* "" if not given */
	uint16_t port;		     /* 0 if not given */
};

/* ERR_CONFIG "engine 'x': why". */
int address_parse(const char *text, struct address *ret, struct err *e);

#endif
