/*
 * wake: start what the engine did not bring back.
 *
 * When an engine starts, it starts containers with a restart policy in any
 * order; one that joins the network of a holder that is not up yet fails, and
 * Docker does not try again.  Such a container is down, has a restart policy,
 * and the engine's words for its failure.  One that a person stopped has no
 * such words and is left alone.
 */
#ifndef GANTRY_FLEET_WAKE_H
#define GANTRY_FLEET_WAKE_H

#include "fleet/service.h"

/* 1 it was down and has been started, 0 there was nothing to do, -1 it could
 * not be started. */
int wake_service(const struct service *s, struct err *e);

#endif
