#include "gpio_driver.h"

#include <string.h>

#include "base/scope.h"

static const char *const names[GPIO_BACKENDS] = { "sim", "gpiod", "pigpio" };

const char *
gpio_backend_name(enum gpio_backend b)
{
	return names[b];
}

bool
gpio_backend_parse(const char *name, enum gpio_backend *ret)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum gpio_backend)i;
			return true;
		}
	}
	return false;
}

int
gpio_set(struct gpio *g, const uint16_t *duty, int hold_ms, struct err *e)
{
	return g->driver->set(g, duty, hold_ms, e);
}

int
gpio_check(struct gpio *g, struct err *e)
{
	return g->driver->check(g, e);
}

void
gpio_close(struct gpio **g)
{
	if (*g == NULL)
		return;
	(*g)->driver->close(*g);
	*g = NULL;
}
