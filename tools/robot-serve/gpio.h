/*
 * gpio: a robot's outputs, whatever drives them.
 *
 * A plan names the outputs; gpio_open takes them all or none and starts with
 * every output at 0, which is the safe state.  gpio_set gives all of them a
 * duty at once, in parts of GPIO_FULL: 0 is off, GPIO_FULL on, and what lies
 * between needs an output with a frequency.
 *
 * No output that moves something trusts this process: gpio_set says for how
 * long it may hold, and whoever drives the lines lets it fall to 0 after that,
 * even if this process hangs, is killed or cannot be reached any more.
 *
 * One thread at a time may use a struct gpio.
 */
#ifndef GANTRY_ROBOT_SERVE_GPIO_H
#define GANTRY_ROBOT_SERVE_GPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GPIO_OUTS_MAX 16
#define GPIO_FULL     10000
#define GPIO_NAME_MAX 31 /* what the kernel keeps of a consumer's name */
#define GPIO_CHIP_MAX 63
#define GPIO_HOST_MAX 253 /* of a name in the DNS */

enum gpio_backend { GPIO_SIM = 0, GPIO_GPIOD, GPIO_PIGPIO, GPIO_BACKENDS };

struct gpio_out {
	int line;	      /* on the chip, or Broadcom's number; -1: none */
	int pwmchip, channel; /* of /sys/class/pwm instead of a line; -1: none */
	int hz;		      /* of its duty; 0: on and off only */
	bool moves;	      /* falls to 0 when the hold ends */
};

struct gpio_plan {
	enum gpio_backend backend;
	char name[GPIO_NAME_MAX + 1]; /* the robot's, for words and as the lines' consumer */
	char chip[GPIO_CHIP_MAX + 1]; /* gpiod: its label */
	char host[GPIO_HOST_MAX + 1]; /* pigpio */
	int port;
	size_t n;
	struct gpio_out out[GPIO_OUTS_MAX];
};

struct gpio;

/* "sim", "gpiod", "pigpio". */
const char *gpio_backend_name(enum gpio_backend b);
bool gpio_backend_parse(const char *name, enum gpio_backend *ret);

/* ERR_TEMP if somebody else holds a line.  plan is copied. */
int gpio_open(const struct gpio_plan *plan, struct gpio **ret, struct err *e);

enum { GPIO_DONE = 0, GPIO_LATER = 1 /* taken; on its way to another machine */ };
/* duty has as many numbers as the plan has outputs.  hold_ms is for those
 * that move; 0 if all of these are 0. */
int gpio_set(struct gpio *g, const uint16_t *duty, int hold_ms, struct err *e);

/* -1 and why, if the outputs cannot be driven now. */
int gpio_check(struct gpio *g, struct err *e);
/* All outputs to 0, then let go of them. */
void gpio_close(struct gpio **g);

#endif
