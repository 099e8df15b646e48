/*
 * journal: what was done to the fleet, and what is only half done.
 *
 * STATE_DIR/journal.jsonl: one JSON object a line, appended and fsync'd before
 * the step that it announces.  A last line without its newline was torn by a
 * crash: it is ignored, and cut off before the next line is written.  Lines
 * that are no objects and events of other versions are passed over.
 *
 * Every record has "time" and "event", and for durations "boot" and "up": how many milliseconds
 * after which start of the machine.  Those of a deployment have "txn":
 *
 *     begin       kind ("deploy" or "rollback"), image, tag, digest, services,
 *                 on_failure, canary
 *     service     service, id, ref, digest, tag, healthy, policy, spec: what
 *                 ran before
 *     step        service, step
 *     healthy     service, digest: its first probe has passed there
 *     moved       service, image, tag, digest: proven healthy there
 *     failed      service, reason: the release is bad there, others stay
 *     passed      service, image, tag, digest, reason: not healthy there, as before
 *     staged      image, tag, digest: verified and pulled, for a later switch
 *     evidence    service, path: the folder of what it left, see evidence.h
 *     back        service, reason: from here on everything goes back
 *     resume      taken up again after a crash
 *     proven      image, tag, digest
 *     quarantine  digest, tag, reason
 *     lift        digest
 *     end         result ("done", "rolled-back", "stopped"), reason
 *
 *     shortened   bytes, done, rolled-back, stopped: how long what was left of the
 *                 journal was, and how deployments ended of which nothing is left
 *
 * Limits: JOURNAL_MAX bytes are read, from the end; a file of JOURNAL_COMPACT
 * (and twice as long as it was left the last time) is rewritten without the
 * steps of what is finished, and without specs but the newest of each service.
 * If that is not half of JOURNAL_COMPACT, the oldest deployments lose first their
 * details and then all but what decides: what each service runs and ran, what is
 * proven, passed over, staged and in quarantine.
 */
#ifndef GANTRY_FLEET_JOURNAL_H
#define GANTRY_FLEET_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "oci/digest.h"

#define JOURNAL_FILE	"journal.jsonl"
#define JOURNAL_MAX	(8U << 20)
#define JOURNAL_COMPACT (256U << 10)
#define JOURNAL_TXN_MAX 40

struct json_t;
struct journal;

/* The journal in a folder; one that is not there is empty.  The caller holds
 * the lock if it is going to write. */
int journal_open(const char *dir, struct journal **ret, struct err *e);
void journal_close(struct journal **j);
#define AUTO_JOURNAL AUTO(journal_close)

/* The records in bytes; never fails but for memory.  *ret, an array, is the
 * caller's; *ret_len: how many bytes of whole lines there were. */
int journal_parse(struct view bytes, struct json_t **ret, size_t *ret_len, struct err *e);

/* Cut a torn line off and make a long file short; once, before the first
 * journal_write, by who holds the lock. */
int journal_prepare(struct journal *j, struct err *e);
/* Append one record: event, txn (may be NULL) and the fields (taken, may be
 * NULL).  It is on disk when this returns 0.  Several threads may write and
 * read at once: the order on disk is the order that all of them see. */
int journal_write(struct journal *j, const char *event, const char *txn, struct json_t *fields,
		  struct err *e);
/* A name for a new deployment, from the time: sorts by age. */
void journal_new_txn(char out[JOURNAL_TXN_MAX]);

/* Records in the order they were written; they stay as they are until
 * journal_close. */
size_t journal_len(const struct journal *j);
const struct json_t *journal_at(const struct journal *j, size_t i);
/* The first or last record with all of these (NULL: any); NULL if none. */
const struct json_t *
journal_first(const struct journal *j, const char *txn, const char *event, const char *service);
const struct json_t *
journal_last(const struct journal *j, const char *txn, const char *event, const char *service);
size_t journal_count(const struct journal *j, const char *txn, const char *event);

/* The begin record of the deployment that has no end; NULL if all have. */
const struct json_t *journal_unfinished(const struct journal *j);
/* The quarantine record of a digest; NULL if it is not in quarantine (any more). */
const struct json_t *journal_quarantined(const struct journal *j, const char *digest);
/* The i-th proven image, newest proof first, each digest once; NULL after the
 * last. */
const struct json_t *journal_proven(const struct journal *j, size_t i);
/* Every digest that deploy or rollback may need: what runs, what was staged
 * last, what an unfinished deployment moves between, and all that was ever
 * proven.  *ret: an array of
 * *n, the caller's to free; one may be in it more than once. */
int journal_needed(const struct journal *j, struct digest **ret, size_t *n, struct err *e);

#endif
