/*
 * bot: one robot of motion.h, whose words are used here: its outputs, what it
 * does, who drives it.
 *
 * Its lock is held for as long as outputs take, which is seconds if they hang.
 * So others see it as it was when the lock was last let go of: bot_seen never
 * waits for outputs.
 */
#ifndef GANTRY_ROBOT_SERVE_BOT_H
#define GANTRY_ROBOT_SERVE_BOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "motion.h"

struct bot_seen {
	struct motion_state state; /* without lease_ms */
	int64_t lease_ms;	   /* when it ends */
	struct motion_counts counts;
	struct err problem;
	bool held;
};

struct bot {
	pthread_mutex_t lock, seen_lock;
	struct bot_seen seen; /* under seen_lock */
	atomic_bool troubled; /* seen.problem is one */
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

void bot_init(struct bot *b, const struct robots_one *plan);
void bot_destroy(struct bot *b);
void bot_lock(struct bot *b);
/* False if it was not let go of within wait_ms. */
bool bot_try_lock(struct bot *b, int wait_ms);
void bot_unlock(struct bot *b);
void bot_seen(struct bot *b, struct bot_seen *ret);

/* All that follows is for who holds the lock.
 *
 * Try to take its outputs; if they cannot be had, problem says why. */
void bot_take(struct bot *b);
void bot_leave(struct bot *b);
int bot_do(struct bot *b, const char *owner, const struct motion_command *c, struct err *e);
/* What time does to it; true if something changed.  *next becomes no later
 * than when it has to be called again.  wanted: outputs that it does not have
 * are to be taken. */
bool bot_tick(struct bot *b, bool wanted, int64_t now, int64_t *next);

#endif
