#include <stdint.h>
#include <sys/socket.h>

/* a program's own parser: it is in no library to link with */
#include "../../tools/robot-serve/gpio_wire.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The answers of a pigpiod that says whatever it likes, and then goes. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct gpio_wire_request q[] = { { GPIO_WIRE_WRITE, 1, 1, NULL, 0 },
					       { GPIO_WIRE_PROCP, 0, 0, NULL, 0 },
					       { GPIO_WIRE_PWM, 2, 500, NULL, 0 } };
	struct gpio_wire_answer a[COUNT_OF(q)];
	int pair[2];

	if (n > 4096 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return 0;
	if (send(pair[1], p, n, 0) == (ssize_t)n && shutdown(pair[1], SHUT_WR) == 0 &&
	    gpio_wire_do(pair[0], q, COUNT_OF(q), a, NULL) == 0 && a[1].n > GPIO_WIRE_DATA_MAX)
		abort();
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
