/*
 * ending: who ended a container, by the events that its engine remembers.
 *
 * An engine remembers the last ENDING_EVENTS of its own life.  Before the end
 * (die) comes the signal that asked for it (kill), if anybody sent one.  An end
 * that is missing, although nothing is forgotten yet, was in the life of an
 * engine before this one.
 *
 * An engine that was killed finds what it had started when it comes up again.
 * Docker (without live-restore) ends that, as if a person had, before it
 * answers anybody, and so does not start again what is `unless-stopped`.
 */
#ifndef GANTRY_ENGINE_ENDING_H
#define GANTRY_ENGINE_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "engine/engine.h"

#define ENDING_EVENTS 256 /* of Docker since 1.4 */

struct ending {
	const char *id;	     /* of the container, whole */
	int64_t finished_ms; /* when it ended, by its engine's clock */
	int64_t up_ms;	     /* since when the engine answers, by that clock; 0: nobody knows */
	/* what was taken */
	size_t n;
	bool killed, over;
};

/* It ended before the engine answered: what there is to know of that is remembered by now. */
bool ending_is_past(const struct ending *d);
/* One event, a JSON object; everything else is passed over.  A stream_line_fn
 * for a struct ending: -1 when the end has come. */
int ending_take(void *arg, struct view line, struct err *e);
/* After the last one. */
enum engine_end ending_judge(const struct ending *d);

#endif
