#include "gpio_driver.h"

int
gpio_open(const struct gpio_plan *plan, struct gpio **ret, struct err *e)
{
	static const struct gpio_driver *const drivers[GPIO_BACKENDS] = {
		[GPIO_SIM] = &gpio_sim,
		[GPIO_GPIOD] = &gpio_gpiod,
		[GPIO_PIGPIO] = &gpio_pigpio,
	};
	const struct gpio_driver *driver = drivers[plan->backend];

	if (driver->open(plan, ret, e) < 0)
		return -1;
	(*ret)->driver = driver;
	return 0;
}
