/*
 * watch: words for people when a robot's outputs cannot be driven, and when
 * they can again.
 */
#ifndef GANTRY_ROBOT_SERVE_WATCH_H
#define GANTRY_ROBOT_SERVE_WATCH_H

#include "motion.h"

#define WATCH_MS 500 /* how often to look */

struct watch {
	enum err_code seen[ROBOTS_MAX];
};

/* Once for each change, and once more when a passing reason (ERR_TEMP, as "has not answered yet")
 * turned into a lasting one; for the main loop of an instance that serves. */
void watch_look(struct watch *w, struct motion *m);

#endif
