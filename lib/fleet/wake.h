/*
 * wake: bring back what is down although nobody took it down for good.
 *
 * When an engine starts, it starts containers with a restart policy in any
 * order; one that joins the network of a holder that is not up yet fails, and
 * Docker does not try again.  Such a container is down, has a restart policy,
 * and the engine's words for its failure.  An engine that was killed ends what
 * it finds still running, and does not start what is `unless-stopped` again
 * (see engine/ending.h).  One that a person stopped is left alone.
 *
 * A service whose container was removed is made again as the journal knows it
 * (see settle.h).
 */
#ifndef GANTRY_FLEET_WAKE_H
#define GANTRY_FLEET_WAKE_H

#include "fleet/settle.h"

/* What was done, in words, or NULL if there was nothing to do; *e if something
 * could not be done. */
const char *wake_service(const struct settle *s, struct err *e);

#endif
