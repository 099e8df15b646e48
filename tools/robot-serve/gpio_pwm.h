/*
 * gpio_pwm: one channel of the kernel's hardware PWM, /sys/class/pwm
 * (Documentation/driver-api/pwm.rst).
 */
#ifndef GANTRY_ROBOT_SERVE_GPIO_PWM_H
#define GANTRY_ROBOT_SERVE_GPIO_PWM_H

#include "gpio.h"

struct gpio_pwm {
	int fd; /* of its duty_cycle; -1: none */
	int chip, channel;
	int64_t period_ns;
};

/* Exported, at a duty of 0, enabled.  ERR_TEMP if another process holds it. */
int gpio_pwm_open(const struct gpio_out *out, struct gpio_pwm *ret, struct err *e);
int gpio_pwm_set(const struct gpio_pwm *p, uint16_t duty, struct err *e);
/* Duty 0, disabled, and no longer exported. */
void gpio_pwm_close(struct gpio_pwm *p);

#endif
