/*
 * local: signals to a container's process, and sockets in its network, past its
 * engine, where both run on this machine.
 *
 * Docker takes every signal that is sent through it for "stopped by hand", and
 * does not bring a container with the restart policy unless-stopped back after
 * a power loss then.
 */
#ifndef GANTRY_ENGINE_LOCAL_H
#define GANTRY_ENGINE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Send it to process pid if that one is really in the container with this id;
 * false if it is not (another machine, another pid namespace) or may not be
 * signalled by this user. */
bool local_signal(int64_t pid, const char *container_id, int signal);

/* The network namespace (see net/netns.h) of process pid, which is really in the
 * container with this id; *ret is the caller's to close.  ERR_TEMP if it is not
 * (it has ended, or lives elsewhere); ERR_SYS if this user may not. */
int local_network(int64_t pid, const char *container_id, int *ret, struct err *e);

#endif
