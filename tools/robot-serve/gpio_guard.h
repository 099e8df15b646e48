/*
 * gpio_guard: the process that holds a robot's lines.
 *
 * It does what the server tells it through its standard input, a socket of
 * packets: struct gpio_guard_ask there, a struct err back (ERR_NONE: done), the
 * first ask being the plan.  When the socket ends, because the server has let
 * go or has died, however it died, all outputs go to 0, then the lines are let
 * go of, then the process ends.  When a hold ends before the server says
 * anything new, what moves goes to 0.  Signals do not end it.  Should it be
 * killed itself, or end because it sees within a second that its chip has gone,
 * the server notices and takes the lines anew, at 0.
 */
#ifndef GANTRY_ROBOT_SERVE_GPIO_GUARD_H
#define GANTRY_ROBOT_SERVE_GPIO_GUARD_H

#include "gpio.h"

#define GPIO_GUARD_NAME "robot-guard" /* argv[0] that makes this program one */

struct gpio_guard_ask {
	union {
		struct gpio_plan plan;
		struct {
			uint16_t duty[GPIO_OUTS_MAX];
			int hold_ms;
		} set;
	};
};

/* The process's exit status. */
int gpio_guard_main(void);

#endif
