/*
 * gate: a robot is not updated while it moves.
 *
 * GET /ready-for-update at the host that answers for its health: 423 is busy;
 * everything else, also no answer, is ready.
 */
#ifndef GANTRY_FLEET_GATE_H
#define GANTRY_FLEET_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Wait at most max_wait_ms; busy (may be NULL) is called once if there is
 * something to wait for.  health_url may be "".  ERR_TEMP if it stays busy, or
 * *stop becomes true. */
int gate_wait(const char *health_url, int64_t max_wait_ms, const volatile bool *stop,
	      void (*busy)(void *arg), void *arg, struct err *e);

#endif
