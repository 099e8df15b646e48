/*
 * robots: robots.json, the file that says which robots there are and how they
 * are wired; see robots.json(5).
 *
 * Limits: a file of 64 KiB, ROBOTS_MAX robots.  Errors are ERR_CONFIG and name
 * file and field.  A field that is not known is an error too, because a
 * misspelt one would leave a line undriven.
 */
#ifndef GANTRY_ROBOT_SERVE_ROBOTS_H
#define GANTRY_ROBOT_SERVE_ROBOTS_H

#include "base/buf.h"
#include "gpio.h"

#define ROBOTS_MAX	  8
#define ROBOTS_SERVOS_MAX 4
#define ROBOTS_MOTORS	  4 /* left a, left b, right a, right b */
#define ROBOTS_DIRECTIONS 4 /* forward, backward, left, right */

struct robots_one {
	const char *name; /* gpio.name */
	struct gpio_plan gpio;
	/* Where in gpio.out they begin; motors at 0.  -1: it has none. */
	int enable; /* two: left, right */
	int eye, servo;
	size_t servos;
	bool pattern[ROBOTS_DIRECTIONS][ROBOTS_MOTORS];
};

struct robots {
	size_t n;
	struct robots_one one[ROBOTS_MAX];
};

/* Names point into ret itself: it must not be copied or moved. */
int robots_parse(struct view text, const char *file, struct robots *ret, struct err *e);
int robots_load(const char *path, struct robots *ret, struct err *e);
/* The two that came first, Linus and Torvalds, simulated. */
int robots_first(struct robots *ret, struct err *e);
/* Drive all of them by this backend, whatever the file says. */
int robots_drive_by(struct robots *r, enum gpio_backend backend, struct err *e);
/* Is there one on lines of this machine? */
bool robots_hold_lines(const struct robots *r);

#endif
