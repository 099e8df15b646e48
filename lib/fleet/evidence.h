/*
 * evidence: what a container that failed has left, kept for who looks into it
 * later.
 *
 * DIR/TXN/ (0700) has for each service that failed:
 *
 *     SERVICE.txt          why, from what to what; memory, load and disk of this machine
 *     SERVICE.log          the last lines that it wrote
 *     SERVICE.health.json  the engine's own health checks
 *     SERVICE.old.json     the container before, as the engine describes it,
 *     SERVICE.new.json     the one that failed,
 *     SERVICE.diff         and what differs
 *
 * Values of environment variables whose names look like secrets, and those with
 * a password in an address, are "***".  A file has at most EVIDENCE_FILE_MAX
 * bytes; of the folders the newest EVIDENCE_FOLDERS stay.
 */
#ifndef GANTRY_FLEET_EVIDENCE_H
#define GANTRY_FLEET_EVIDENCE_H

#include <stddef.h>

#include "base/buf.h"
#include "engine/engine.h"

#define EVIDENCE_FILE_MAX (64U << 10)
#define EVIDENCE_FOLDERS  20
#define EVIDENCE_PATH_MAX 640

struct json_t;

struct evidence {
	const char *dir;
	const char *txn, *service;
	const char *words; /* why, for people */
	struct engine *engine;
	const char *new_id;	  /* of the container that failed; "" if there is none */
	const struct json_t *old; /* the container before */
};

/* Does not wait for the engine longer than a second.  ret: the folder; -1 with
 * *e if something is missing there. */
int evidence_take(const struct evidence *v, char ret[EVIDENCE_PATH_MAX], struct err *e);

/* A copy of an inspect answer without secrets; the caller's. */
struct json_t *evidence_mask(const struct json_t *inspect);
/* Append what differs, a line each: "KEY.KEY: OLD -> NEW", or "- ELEMENT" and
 * "+ ELEMENT" of a list. */
void evidence_diff(const struct json_t *old, const struct json_t *new, struct buf *out);

#endif
