/*
 * listen: sockets that wait for clients.
 */
#ifndef GANTRY_ROBOT_SERVE_LISTEN_H
#define GANTRY_ROBOT_SERVE_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

#define LISTEN_NAME_MAX 64

struct listen_addr {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "ADDRESS:PORT", "[IPv6]:PORT" or ":PORT" (every address); numbers only. */
int listen_parse(const char *text, struct listen_addr *ret, struct err *e);
/* The same from a port alone. */
void listen_any(int port, struct listen_addr *ret);
void listen_name(const struct listen_addr *a, char out[LISTEN_NAME_MAX]);

enum listen_mode {
	LISTEN_ALONE, /* a served port is an error */
	LISTEN_FIRST, /* the same, but others may join later (LISTEN_JOIN) */
	LISTEN_JOIN,  /* serve beside whoever came FIRST or joined before */
};

/* *ret is a non-blocking listener.  a is updated to the port that was found,
 * if it asked for port 0.  ERR_NO if the port is served already. */
int listen_tcp(struct listen_addr *a, enum listen_mode mode, int *ret, struct err *e);

/* A socket file that nobody listens on any more is replaced; ERR_NO if
 * somebody does. */
int listen_unix(const char *path, int *ret, struct err *e);

#endif
