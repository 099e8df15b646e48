/*
 * runs: what the services of a fleet run, each service and each image asked for once.
 *
 * It is what was so at that moment: good for deciding whether there is anything to do, not for
 * doing it.
 */
#ifndef GANTRY_FLEET_RUNS_H
#define GANTRY_FLEET_RUNS_H

#include "fleet/move.h"

struct runs;

/* ERR_NOTFOUND if a service has no container. */
int runs_look(const struct fleet *f, struct runs **ret, struct err *e);
void runs_free(struct runs **r);
#define AUTO_RUNS AUTO(runs_free)

/* The image of the fleet, where its services differ the oldest of them; lent. */
const struct service_image *runs_oldest(const struct runs *r);
/* The i-th service of the fleet runs the goal. */
bool runs_goal(const struct runs *r, size_t i, const struct move_goal *goal);

#endif
