/*
 * bot: one robot of motion.h, whose words are used here: its outputs, what it
 * does, who drives it.  Everything is to be called with its lock held.
 */
#ifndef GANTRY_ROBOT_SERVE_BOT_H
#define GANTRY_ROBOT_SERVE_BOT_H

#include <pthread.h>

#include "motion.h"

struct bot {
	pthread_mutex_t lock;
	const struct robots_one *plan;
	struct gpio *gpio;  /* NULL: not held */
	struct err problem; /* why not, or what gpio_check said */
	int64_t retry_ms;   /* when to try again */
	enum motion_direction direction;
	double part, speed[2];
	int64_t lease_ms; /* when it ends */
	char owner[MOTION_OWNER_MAX + 1];
	char barred[MOTION_OWNER_MAX + 1];
	int64_t barred_ms; /* until when */
	enum motion_eye eye;
	bool lit;
	int half_ms, halves; /* of the blink; halves that are left, -1: no end */
	int64_t blink_ms;    /* when the next begins */
	bool servo_set[ROBOTS_SERVOS_MAX];
	double angle[ROBOTS_SERVOS_MAX];
	struct motion_counts counts;
};

/* Try to take its outputs; if they cannot be had, problem says why. */
void bot_take(struct bot *b);
void bot_leave(struct bot *b);
int bot_do(struct bot *b, const char *owner, const struct motion_command *c, struct err *e);
/* What time does to it; true if something changed.  *next becomes no later
 * than when it has to be called again.  wanted: outputs that it does not have
 * are to be taken. */
bool bot_tick(struct bot *b, bool wanted, int64_t now, int64_t *next);

#endif
