/*
 * gpio_lines: lines of one GPIO chip, held by this process, through libgpiod
 * 1.6 or 2.x (GPIOD_V).
 */
#ifndef GANTRY_ROBOT_SERVE_GPIO_LINES_H
#define GANTRY_ROBOT_SERVE_GPIO_LINES_H

#include "gpio.h"

struct gpio_lines;

/* All lines of the plan as outputs at 0, on the chip with its label; the
 * consumer is the plan's name.  ERR_TEMP if somebody else holds one. */
int gpio_lines_open(const struct gpio_plan *plan, struct gpio_lines **ret, struct err *e);
/* All at once; on[i] is for out[i], those without a line are passed over. */
int gpio_lines_set(struct gpio_lines *l, const bool on[GPIO_OUTS_MAX], struct err *e);
/* ERR_SYS if the chip has gone, as one on a USB cable can. */
int gpio_lines_check(struct gpio_lines *l, struct err *e);
/* To 0 before they are let go of: some kernels leave a line as it was. */
void gpio_lines_close(struct gpio_lines **l);

#endif
