/*
 * handover: which of two instances serves the port, so that an update loses
 * no request.
 *
 * Instances of one user share a network namespace.  Whoever starts first
 * serves; a later one waits in standby and answers only on its own socket.
 * handover_promote makes an instance serve: new connections come to it from
 * then on.  handover_demote makes it stop and finish; both may be called again at any
 * time.  Connections that wait for a listener that closes go to the other
 * one if the namespace has net.ipv4.tcp_migrate_req=1.
 *
 * Robots are held by whoever serves, from the moment it is promoted and the
 * one before it has let go, to the moment it is demoted.
 */
#ifndef GANTRY_ROBOT_SERVE_HANDOVER_H
#define GANTRY_ROBOT_SERVE_HANDOVER_H

#include <stdbool.h>

#include "listen.h"
#include "robot.h"
#include "server.h"

struct handover {
	struct robot *robot;
	struct listen_addr addr;
	bool enabled;	    /* a served port means standby */
	const char *socket; /* path; served whatever the role is */
	struct server *own; /* of the socket, NULL if it could not be made */
	struct server *tcp;
	struct server *leaving; /* a former tcp whose clients have not all gone */
};

/* Serve or stand by.  A socket that cannot be made is an error if the handover
 * is enabled, because nobody could look at this instance then; otherwise
 * *ret_warning tells it and everything else works. */
int handover_start(struct handover *h, struct err *ret_warning, struct err *e);
int handover_promote(struct handover *h, struct err *e);
void handover_demote(struct handover *h);
/* To be called every 10 ms while it answers true: somebody is leaving. */
bool handover_tick(struct handover *h);
/* Finish requests for at most drain_ms, then end everything. */
void handover_end(struct handover *h, int64_t drain_ms);

#endif
