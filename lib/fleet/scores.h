/*
 * scores: what deployments have come to, for Prometheus.
 *
 *     gantry_deploy_last_run_timestamp_seconds       when deploy last ended
 *     gantry_deploy_last_success_timestamp_seconds   … with status 0
 *     gantry_deploy_status                           exit status of the last run
 *     gantry_deploy_total{result}                    deployments in the journal
 *     gantry_deploy_duration_seconds                 of the last one that ended
 *     gantry_service_info{service,digest,tag,state}  1; of what runs, the rung (ladder.h)
 *     gantry_quarantined                             digests that are not tried again
 */
#ifndef GANTRY_FLEET_SCORES_H
#define GANTRY_FLEET_SCORES_H

#include "fleet/rollout.h"

/* Replace the file (obs/textfile.h).  stable_ms: see ladder.h; status: deploy's own
 * exit status. */
int scores_write(const char *path, const struct journal *j, const struct fleet *f,
		 int64_t stable_ms, int status, struct err *e);

#endif
