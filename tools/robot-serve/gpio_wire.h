/*
 * gpio_wire: pigpiod's socket protocol (pigpio, "Socket interface"; command
 * numbers from its pigpio.h): requests of 16 bytes and what they carry,
 * answers of 16 bytes with the result in the last four, all little-endian.
 *
 * Everything has a deadline; an answer that is not the request's own, or that
 * carries more than its request expects, is an error, after which the
 * connection is of no more use.
 */
#ifndef GANTRY_ROBOT_SERVE_GPIO_WIRE_H
#define GANTRY_ROBOT_SERVE_GPIO_WIRE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define GPIO_WIRE_BYTES	   16
#define GPIO_WIRE_DATA_MAX 64  /* of an answer: a script's status has 44 */
#define GPIO_WIRE_TEXT_MAX 512 /* of a request: a script */

enum gpio_wire_command {
	GPIO_WIRE_MODES = 0,
	GPIO_WIRE_WRITE = 4,
	GPIO_WIRE_PWM = 5,
	GPIO_WIRE_PRS = 6,
	GPIO_WIRE_PFS = 7,
	GPIO_WIRE_TICK = 16,
	GPIO_WIRE_PROC = 38,
	GPIO_WIRE_PROCD = 39,
	GPIO_WIRE_PROCR = 40,
	GPIO_WIRE_PROCS = 41,
	GPIO_WIRE_PROCP = 45,
	GPIO_WIRE_PROCU = 117,
};

struct gpio_wire_request {
	enum gpio_wire_command command;
	uint32_t p1, p2;
	const void *data; /* what follows the request; NULL: nothing */
	size_t n;
};

struct gpio_wire_answer {
	int32_t result; /* below 0: one of pigpio's errors */
	uint8_t data[GPIO_WIRE_DATA_MAX];
	size_t n;
};

/* Gives up soon after *stop has become true.  ERR_TEMP if nobody answers. */
int gpio_wire_open(const char *host, int port, const atomic_bool *stop, int *ret, struct err *e);
/* All requests, then all answers; NULL for those that do not matter.  ERR_TEMP
 * for a connection that broke. */
int gpio_wire_do(int fd, const struct gpio_wire_request *r, size_t n, struct gpio_wire_answer *ret,
		 struct err *e);

void gpio_wire_put32(uint8_t *p, uint32_t n);
uint32_t gpio_wire_get32(const uint8_t *p);

#endif
