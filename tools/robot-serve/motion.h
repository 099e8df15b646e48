/*
 * motion: what the robots do, and who may tell them.
 *
 * Driving needs a lease: a drive command holds for its ttl_ms and no longer,
 * so that whoever drives repeats it.  A lease that runs out stops the robot
 * (the dead-man).  While a robot drives, only the owner of the lease may
 * command it; everybody may stop it, and an owner who is stopped by somebody
 * else is refused until he has let go for MOTION_BARRED_MS.
 *
 * Outputs are held only between motion_take and motion_leave; outside of it
 * every command is refused.  What fails or is held by somebody else is tried
 * again until it works.
 *
 * Any thread may call.  A thread of motion's own ends leases and blinks.
 * Outputs that hang hold up motion_take, motion_leave and who stops or
 * commands that robot, and nobody else: what is asked here is answered with
 * what was known before, and motion_alive says that something is wrong.
 */
#ifndef GANTRY_ROBOT_SERVE_MOTION_H
#define GANTRY_ROBOT_SERVE_MOTION_H

#include <stdint.h>

#include "robots.h"

#define MOTION_TTL_MIN_MS    50
#define MOTION_TTL_MAX_MS    2000
#define MOTION_TTL_USUAL_MS  500
#define MOTION_PERIOD_MIN_MS 50
#define MOTION_PERIOD_MAX_MS 10000
#define MOTION_PERIOD_USUAL  400
#define MOTION_COUNT_MAX     1000
#define MOTION_COUNT_USUAL   3
#define MOTION_ANGLE_MAX     90
#define MOTION_BARRED_MS     1000
#define MOTION_OWNER_MAX     64

/* The first four are also the order of robots_one.pattern. */
enum motion_direction { MOTION_FORWARD, MOTION_BACKWARD, MOTION_LEFT, MOTION_RIGHT, MOTION_NONE };
enum motion_eye { MOTION_EYE_OFF, MOTION_EYE_ON, MOTION_EYE_BLINK };
enum motion_kind { MOTION_DRIVE, MOTION_EYE, MOTION_SERVO, MOTION_SPEED, MOTION_STOP };
#define MOTION_KINDS 5

struct motion_command {
	enum motion_kind kind;
	enum motion_direction direction; /* drive */
	int ttl_ms;
	double part;	     /* drive: of the set speed, 0 to 1 */
	enum motion_eye eye; /* eye */
	int period_ms;	     /* of a blink: half of it lit */
	int count;	     /* of blinks; 0: until told otherwise */
	size_t servo;	     /* servo */
	double angle;	     /* degrees */
	double speed[2];     /* speed: left, right, 0 to 1 */
};

struct motion_state {
	const char *name, *backend;
	enum motion_direction direction; /* NONE: stands */
	double speed[2];
	bool has_eye;
	enum motion_eye eye;
	bool lit; /* the eye, just now */
	size_t servos;
	bool servo_set[ROBOTS_SERVOS_MAX]; /* no pulses before the first command */
	double angle[ROBOTS_SERVOS_MAX];
	int lease_ms; /* what is left of it */
	bool ok;      /* takes commands now */
};

struct motion_counts {
	uint64_t drives[ROBOTS_DIRECTIONS];
	uint64_t deadman_stops, refused, gpio_errors;
};

struct motion;

/* plan must outlive it.  changed is called whenever a state has changed, and
 * twice a second with false. */
int motion_new(const struct robots *plan, void (*changed)(void *arg, bool changed), void *arg,
	       struct motion **ret, struct err *e);
void motion_free(struct motion **m); /* leaves first */

/* Take the outputs.  What cannot be had now is tried again later and told by
 * motion_problem. */
void motion_take(struct motion *m);
/* Stop everything, all outputs to their safe state, and let go of them. */
void motion_leave(struct motion *m);

size_t motion_count(const struct motion *m);
/* By name, in any case of letters; -1 if there is none. */
int motion_find(const struct motion *m, const char *name);
const struct robots_one *motion_plan(const struct motion *m, size_t i);
void motion_state(struct motion *m, size_t i, struct motion_state *ret);
void motion_counts(struct motion *m, size_t i, struct motion_counts *ret);
bool motion_moves(struct motion *m); /* any of them */

/* GPIO_DONE or GPIO_LATER.  ERR_NO: somebody else drives; ERR_TEMP: this
 * instance does not have the outputs, or they hang; ERR_SYS: they cannot be driven;
 * ERR_NOTFOUND: this robot has none of these. */
int motion_do(struct motion *m, size_t i, const char *owner, const struct motion_command *c,
	      struct err *e);
/* All of them, whatever fails on the way; the first failure is told. */
int motion_stop(struct motion *m, const char *owner, struct err *e);

/* What keeps robot i from moving, for health: ERR_NONE if nothing does;
 * ERR_TEMP if it is outside of this machine or will soon be over, otherwise a
 * fault of this one. */
enum err_code motion_problem(struct motion *m, size_t i, struct err *ret);
/* -1 and why, if the thread that ends leases does not run. */
int motion_alive(struct motion *m, struct err *e);

#endif
