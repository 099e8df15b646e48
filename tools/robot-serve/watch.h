/*
 * watch: words for people when a robot's outputs cannot be driven, and when
 * they can again.
 */
#ifndef GANTRY_ROBOT_SERVE_WATCH_H
#define GANTRY_ROBOT_SERVE_WATCH_H

#include "motion.h"

#define WATCH_MS 500 /* how often to look */

struct watch {
	struct err seen[ROBOTS_MAX];
};

/* Once for each reason, as long as it stays; for the main loop of an instance that serves. */
void watch_look(struct watch *w, struct motion *m);

#endif
