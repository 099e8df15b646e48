/*
 * settle: one service back to one container that serves, from whatever a crash
 * or a failure left behind.
 *
 * Goes by what is really there, not by what was planned:
 *
 *     NAME and NAME-next   not committed: NAME serves again, NAME-next goes
 *     NAME-next, NAME-prev the commit had begun: NAME-next becomes NAME
 *     NAME and NAME-prev   NAME is healthy: NAME-prev goes; is not: back to it
 *     none                 made again as the journal remembers it, unless the
 *                          container whose network it joins is gone too
 *
 * One that does not become healthy then is stopped and started once more.
 *
 * Every act is one call to the engine, after which it looks again; killed at
 * any instant and started again, it ends the same way.
 */
#ifndef GANTRY_FLEET_SETTLE_H
#define GANTRY_FLEET_SETTLE_H

#include "fleet/service.h"

struct settle {
	struct journal *journal;
	const char *txn; /* NULL outside of a deployment */
	const struct service *service;
	int64_t timeout_ms, interval_ms; /* for its health, see health.h */
};

/* 0: one container, it has its restart policy and is healthy (or was not when
 * the deployment began).  ERR_STUCK: it is not healthy, also started anew, and a
 * person is needed; ERR_TEMP and the like: the engine did not let us. */
int settle_service(const struct settle *s, struct err *e);

/* Start one of its containers.  A runtime that was killed may keep the id of what ended meanwhile
 * until the next boot, and the engine cannot start that any more.  1: it is removed, as the
 * journal knows how to make it again. */
int settle_start(const struct settle *s, const struct json_t *c, struct err *e);

/* 1 if nothing of the service is there and the journal knows how to make it
 * again, 0 if not, -1 if that cannot be found out. */
int settle_is_gone(const struct settle *s, struct err *e);

#endif
