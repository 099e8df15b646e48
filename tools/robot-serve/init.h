/*
 * init: for process 1 of a container.
 *
 * When process 1 ends, however it ends, the kernel kills all others of the
 * container at once, a guard of GPIO lines (gpio_guard.h) among them.  So a
 * robot-serve that is process 1 and has lines starts itself once more and only
 * hands signals on, until all others have ended.
 */
#ifndef GANTRY_ROBOT_SERVE_INIT_H
#define GANTRY_ROBOT_SERVE_INIT_H

#include <signal.h>
#include <stdbool.h>

#include "base/err.h"

/* True in the process that goes on as the server; false in process 1 once
 * that has ended, with the status to end with.  signals are blocked, and
 * handed on.  To be called before there are threads. */
bool init_stay(const sigset_t *signals, int *ret_status, struct err *e);

#endif
