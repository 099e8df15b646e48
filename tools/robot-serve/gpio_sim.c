#include "gpio_driver.h"

#include "base/scope.h"

/* Nothing moves; what would is in motion's own state. */
static int
sim_open(const struct gpio_plan *plan, struct gpio **ret, struct err *e)
{
	struct gpio *g = calloc(1, sizeof(*g));

	(void)plan;
	if (g == NULL)
		return err_nomem(e);
	*ret = g;
	return 0;
}

static int
sim_set(struct gpio *g, const uint16_t *duty, int hold_ms, struct err *e)
{
	(void)g;
	(void)duty;
	(void)hold_ms;
	(void)e;
	return GPIO_DONE;
}

static int
sim_check(struct gpio *g, struct err *e)
{
	(void)g;
	(void)e;
	return 0;
}

static void
sim_close(struct gpio *g)
{
	free(g);
}

const struct gpio_driver gpio_sim = { sim_open, sim_set, sim_check, sim_close };
