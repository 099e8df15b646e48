#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/images.h"
#include "fleet/passed.h"
#include "fleet/rollout_txn.h"
#include "fleet/step.h"

#define BY_HAND "rolled back by hand"

int
rollout_quarantine(struct journal *j, const char *txn, const char *tag, const char *digest,
		   const char *reason, struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "tag", tag);
	jsn_set_str(f, "digest", digest);
	jsn_set_str(f, "reason", reason);
	return journal_write(j, "quarantine", txn, f, e);
}

int
rollout_lift(struct journal *j, const struct move_goal *goal, struct err *e)
{
	if (journal_quarantined(j, goal->digest.str) == NULL && passed_find(j, NULL, goal) == NULL)
		return 0;
	return journal_write(j, "lift", NULL, images_fields(goal), e);
}

/* What ran before is quarantined when a person left it, or cron would go
 * straight back to it. */
int
rollout_quarantine_left(const struct rollout_txn *t, struct err *e)
{
	struct journal *j = t->r->journal;

	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *s = journal_at(j, i);
		const char *digest = jsn_str_or(s, "digest", "");

		if (strcmp(jsn_str_or(s, "event", ""), "service") != 0 ||
		    strcmp(jsn_str_or(s, "txn", ""), t->id) != 0 || digest[0] == '\0' ||
		    journal_quarantined(j, digest) != NULL)
			continue;
		if (rollout_quarantine(j, t->id, jsn_str_or(s, "tag", ""), digest, BY_HAND, e) < 0)
			return -1;
	}
	return 0;
}

/* It is not tried again. */
int
rollout_condemn(const struct rollout_txn *t, const char *service, const char *reason, struct err *e)
{
	if (digest_is_set(&t->goal.digest) && rollout_quarantine(t->r->journal, t->id, t->goal.tag,
								 t->goal.digest.str, reason, e) < 0)
		return -1;
	step_crash(STEP_QUARANTINE);
	rollout_tell_hook(t, "failed", service, reason);
	return 0;
}

/* A bad release at a service, where the others do not go back for it. */
int
rollout_leave_failed(const struct rollout_txn *t, const char *service, const char *reason,
		     struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "service", service);
	jsn_set_str(f, "reason", reason);
	if (journal_write(t->r->journal, "failed", t->id, f, e) < 0)
		return -1;
	step_crash(STEP_FAILED);
	return rollout_condemn(t, service, reason, e);
}

/* The end of a deployment of which something failed and was left. */
int
rollout_finish_failed(const struct rollout_txn *t, struct err *e)
{
	const struct json_t *first = journal_first(t->r->journal, t->id, "failed", NULL);
	const char *service = jsn_str_or(first, "service", "");
	char reason[ROLLOUT_REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "%s", jsn_str_or(first, "reason", ""));
	/* the crash may have come in between */
	if (digest_is_set(&t->goal.digest) &&
	    journal_quarantined(t->r->journal, t->goal.digest.str) == NULL) {
		rollout_record(t, ROLLOUT_FAILED, service, &t->goal, reason);
		if (rollout_condemn(t, service, reason, e) < 0)
			return -1;
	}
	if (rollout_end(t, "stopped", reason, e) < 0)
		return -1;
	(void)err_set(e, ERR_NO, "%s", reason);
	return rollout_add_evidence(t, e);
}
