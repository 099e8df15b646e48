#include <stdint.h>

/* a program's own parser: it is in no library to link with */
#include "../../tools/robot-serve/gpio.c"
#include "../../tools/robot-serve/robots.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What is accepted has outputs within its limits, whichever backend drives. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct robots r;

	if (robots_parse((struct view){ (const char *)p, n }, "fuzz", &r, NULL) < 0)
		return 0;
	if (r.n == 0 || r.n > ROBOTS_MAX)
		abort();
	for (size_t i = 0; i < r.n; i++)
		if (r.one[i].gpio.n > GPIO_OUTS_MAX || r.one[i].name[0] == '\0')
			abort();
	for (int b = 0; b < GPIO_BACKENDS; b++)
		(void)robots_drive_by(&r, (enum gpio_backend)b, NULL);
	return 0;
}
