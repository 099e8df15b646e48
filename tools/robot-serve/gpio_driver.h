/*
 * gpio_driver: what is behind gpio.h, one of them for each backend.
 */
#ifndef GANTRY_ROBOT_SERVE_GPIO_DRIVER_H
#define GANTRY_ROBOT_SERVE_GPIO_DRIVER_H

#include "gpio.h"

/* A backend puts a struct gpio first in its own. */
struct gpio_driver {
	int (*open)(const struct gpio_plan *plan, struct gpio **ret, struct err *e);
	int (*set)(struct gpio *g, const uint16_t *duty, int hold_ms, struct err *e);
	int (*check)(struct gpio *g, struct err *e);
	void (*close)(struct gpio *g); /* frees it, too */
};
struct gpio {
	const struct gpio_driver *driver;
};

extern const struct gpio_driver gpio_sim, gpio_gpiod, gpio_pigpio;

#endif
