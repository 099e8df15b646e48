/*
 * process: what this process uses, as the process_* metrics that every
 * Prometheus client gives (from /proc/self; what cannot be read is left out).
 */
#ifndef GANTRY_OBS_PROCESS_H
#define GANTRY_OBS_PROCESS_H

#include "obs/metrics.h"

void process_render(struct metrics *m);

#endif
