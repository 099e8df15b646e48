/*
 * rollout_txn: what the parts of rollout share.  For rollout*.c alone.
 */
#ifndef GANTRY_FLEET_ROLLOUT_TXN_H
#define GANTRY_FLEET_ROLLOUT_TXN_H

#include "fleet/rollout.h"

#define ROLLOUT_REASON_MAX 400

/* One deployment that is on its way. */
struct rollout_txn {
	const struct rollout *r;
	char id[JOURNAL_TXN_MAX];
	char kind[16];
	struct move_goal goal;
	enum rollout_on_failure on_failure;
	size_t canary;
};

/* To who started it; records one at a time. */
void rollout_record(const struct rollout_txn *t, enum rollout_result result, const char *service,
		    const struct move_goal *image, const char *reason);
void rollout_say(const struct rollout_txn *t, const char *service, const char *words);

/* The site's word on the whole; nothing stops a rollback. */
int rollout_hook(const struct rollout_txn *t, const char *name, const char *service,
		 const char *reason, struct err *e);
/* The same where nothing depends on its answer. */
void rollout_tell_hook(const struct rollout_txn *t, const char *name, const char *service,
		       const char *reason);

/* rollout_each.c: something for each service of [from, to), width of them at a
 * time, each of these on a thread and with an engine session of its own.  When
 * this returns all that was begun has ended.  one: 0 the next one may begin, 1
 * no more begin, -1 with *e: none but with go_on.
 * 0 all were seen to, 1 no further was said, -1 one failed: *e of the first, or
 * of the first that is ERR_STUCK. */
struct rollout_round {
	int (*one)(const struct rollout_txn *t, const struct service *s, size_t i, void *arg,
		   struct err *e);
	bool backwards, go_on;
};
int rollout_each(const struct rollout_txn *t, const struct rollout_round *what, size_t from,
		 size_t to, size_t width, void *arg, struct err *e);

/* The folder of what failed in it, NULL if there is none; lent. */
const char *rollout_evidence(const struct rollout_txn *t);
/* -1, with that said at the end of *e. */
int rollout_add_evidence(const struct rollout_txn *t, struct err *e);

/* Its last line in the journal; reason may be NULL. */
int rollout_end(const struct rollout_txn *t, const char *result, const char *reason, struct err *e);

/* One service to goal, whatever is left to do for that; errors and *ret_left
 * as of move_service. */
int
rollout_reach(const struct rollout_txn *t, const struct service *s, const struct move_goal *goal,
	      const struct move_opts *o, enum move_left *ret_left, struct err *e);

/* rollout.c.  Every service to the deployment's goal; errors as of rollout_run. */
int rollout_forward(const struct rollout_txn *t, struct err *e);

/* rollout_back.c: every service that was moved, to where it was.  All return -1:
 * ERR_ROLLED_BACK when that is done.  Go back as the journal already says; say
 * so in the journal first; put the release into quarantine before that. */
int rollout_go_back(const struct rollout_txn *t, struct err *e);
int rollout_turn_back(const struct rollout_txn *t, const char *service, const char *reason,
		      struct err *e);
int rollout_bad_release(const struct rollout_txn *t, const char *service, const char *reason,
			struct err *e);

/* rollout_quarantine.c.  The release is not tried again. */
int rollout_condemn(const struct rollout_txn *t, const char *service, const char *reason,
		    struct err *e);
/* A bad release at a service, where the others do not go back for it, */
int rollout_leave_failed(const struct rollout_txn *t, const char *service, const char *reason,
			 struct err *e);
/* and the end of such a deployment: -1, ERR_NO. */
int rollout_finish_failed(const struct rollout_txn *t, struct err *e);
/* What ran before is quarantined when a person left it, or cron would go
 * straight back to it. */
int rollout_quarantine_left(const struct rollout_txn *t, struct err *e);

#endif
