/*
 * events: Server-Sent Events (WHATWG HTML, "9.2"), the live values of the page.
 *
 *     event: robots    data: what GET /api/robots answers; at once, and when it changes
 *     event: beat      data: {"status","uptime_seconds","requests","request_seconds"},
 *                      twice a second; requests and their time since the start
 *
 * A client that is slow misses what was true in between, never what is true
 * last.  A stream that ends on our side ends with "retry: 500", so that the
 * client comes back soon, perhaps to another instance.
 */
#ifndef GANTRY_ROBOT_SERVE_EVENTS_H
#define GANTRY_ROBOT_SERVE_EVENTS_H

#include "base/err.h"
#include "robot.h"

#define EVENTS_CLIENTS_MAX 64

struct events;
struct MHD_Connection;
struct MHD_Response;

int events_new(const struct robot *r, struct events **ret, struct err *e);
void events_free(struct events **ev); /* when no client is left */
/* Motion's signal that something changed, or only that time has passed. */
void events_changed(void *ev, bool changed);

/* A stream for a client; NULL if there are too many.  It ends soon after
 * *ending has become true and events_end was called. */
struct MHD_Response *
events_response(struct events *ev, const atomic_bool *ending, struct MHD_Connection *c);
void events_end(struct events *ev, const atomic_bool *ending);

#endif
