/*
 * report: what the journal and the engines know, as records for people and
 * programs.
 */
#ifndef GANTRY_FLEET_REPORT_H
#define GANTRY_FLEET_REPORT_H

#include "fleet/rollout.h"
#include "fleet/table.h"

/* rung: how far the image has come, see ladder.h; stable_ms as there. */

/* Every deployment, oldest first: time, kind, tag, digest, result, rung, reason.
 * *ret is the caller's. */
int report_history(const struct journal *j, int64_t stable_ms, struct json_t **ret, struct err *e);
/* Every service: service, tag, digest, state, since, health, rung.  state is the
 * engine's word ("running", "exited"), or "unknown" where it could not be asked;
 * health the engine's own check's, "-" without one. */
int report_status(const struct fleet *f, const struct journal *j, int64_t stable_ms,
		  struct json_t **ret, struct err *e);
/* What can be gone back to, newest first: tag, digest, since, state ("running",
 * "quarantined", "proven"), rung.  running: what the n services run. */
int report_targets(const struct journal *j, const struct digest *running, size_t n,
		   int64_t stable_ms, struct json_t **ret, struct err *e);

/* What became of one service: result, service, image, reason.  The caller's. */
struct json_t *report_result(enum rollout_result result, const char *service,
			     const struct move_goal *image, const char *reason);
/* An image alone: REPO:TAG@DIGEST. */
struct json_t *report_image(const struct move_goal *image);

/* Print a record (see cli_record) as a line of words: its values in order, "-" for
 * none, digests cut short.  Or as JSON. */
void report_print(const struct json_t *record, bool json);
/* All of them: on a terminal as a table of these columns, with colour unless
 * NO_COLOR is set; else one after another. */
void report_print_all(const struct json_t *records, const struct table_column *columns, size_t n,
		      bool json);

#endif
