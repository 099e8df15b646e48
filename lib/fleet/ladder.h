/*
 * ladder: how far an image has come here, by what the journal tells.
 *
 *     candidate   it was staged, or a deployment of it began
 *     healthy     the first probe of it passed
 *     soaked      it stayed healthy on every service for the soak time: proven
 *     stable      and then ran for a time before anything else took its place
 *
 * A quarantine takes it back to the first rung.
 */
#ifndef GANTRY_FLEET_LADDER_H
#define GANTRY_FLEET_LADDER_H

#include "fleet/journal.h"

enum rung { RUNG_NONE, RUNG_CANDIDATE, RUNG_HEALTHY, RUNG_SOAKED, RUNG_STABLE };

/* Where a digest stands now, if it takes stable_ms to be stable; RUNG_NONE if the
 * journal does not know it. */
enum rung ladder_now(const struct journal *j, const char *digest, int64_t stable_ms);
/* How far its image came in one deployment, or since then. */
enum rung ladder_in(const struct journal *j, const struct json_t *begin, int64_t stable_ms);
/* "candidate", …; "-" for RUNG_NONE. */
const char *ladder_name(enum rung r);

#endif
