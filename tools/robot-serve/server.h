/*
 * server: answers on one listening socket, with threads of its own.
 *
 * Limits: 512 connections (50 with one thread), of which each may be idle for
 * 30 s and makes room for a new one when there are more; 16 KiB for a request's header; a body of
 * up to 1 MiB is read, of which a route sees ASK_BODY_MAX.
 *
 * A server ends in three steps: server_drain closes the listener and tells
 * every client to go with its next answer, server_quiet says when all have
 * gone, server_free ends what is left.
 */
#ifndef GANTRY_ROBOT_SERVE_SERVER_H
#define GANTRY_ROBOT_SERVE_SERVER_H

#include <stdbool.h>

#include "base/err.h"
#include "robot.h"

struct server;

/* Takes the listener, even on failure. */
int
server_start(const struct robot *r, int listener, int threads, struct server **ret, struct err *e);
void server_drain(struct server *s);
/* After server_drain: no connection is left, or none has had a request for
 * grace_ms. */
bool server_quiet(const struct server *s, int64_t grace_ms);
void server_free(struct server **s);

#endif
