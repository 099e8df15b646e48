/*
 * rollout: a whole deployment, service after service or several at a time, and
 * its way back.
 *
 * The journal has its beginning before anything is changed and its end after
 * everything is; in between, every run (also one that a crash made necessary)
 * does the same: look where each service is, and move those that are not
 * there yet.  A release that is at fault goes into quarantine and every service
 * that was moved goes back; a fault of the place ends the run where it is, and
 * the next one goes on.
 */
#ifndef GANTRY_FLEET_ROLLOUT_H
#define GANTRY_FLEET_ROLLOUT_H

#include "fleet/move.h"
#include "oci/auth.h"

#define ROLLOUT_RESUMES_MAX 3  /* then it goes back */
#define ROLLOUT_BATCH_MAX   64 /* threads, each with a session to an engine */

enum rollout_result { ROLLOUT_MOVED, ROLLOUT_CURRENT, ROLLOUT_BACK, ROLLOUT_FAILED, ROLLOUT_WOULD };

/* One record for each service, as it is known: from any thread, one at a time. */
typedef void rollout_record_fn(void *arg, enum rollout_result result, const char *service,
			       const struct move_goal *image, const char *reason);

/* What happens to those that were moved when a release turns out to be bad;
 * the service at which it does always goes back. */
enum rollout_on_failure {
	ROLLOUT_ALL_BACK, /* they go back too */
	ROLLOUT_GO_ON,	  /* they stay, and the others are moved as well */
	ROLLOUT_STOP	  /* they stay, the others are left alone */
};

struct rollout {
	struct fleet *fleet;
	struct journal *journal;
	struct move_opts move;
	const struct auth_files *auth; /* for the registry that engines pull from; may be NULL */
	enum rollout_on_failure on_failure;
	size_t canary;		   /* one at a time; a failure among them takes all back */
	size_t batch;		   /* then so many at a time; 0 as 1 */
	const char *kind;	   /* "deploy" or "rollback" */
	rollout_record_fn *record; /* may be NULL */
	void *arg;		   /* of record */
};

/* Move every service of the fleet to goal, whose image is there.  When one fails
 * and others are under way, these come to their end first, and no more begin.
 *
 * The hooks pre-deploy, post-deploy, failed and rolled-back have their say
 * (hooks.h) in a deployment; nothing stops a rollback.
 *
 * ERR_NO: the release is bad and in quarantine, and on_failure left what was
 * moved; or it was not healthy where it was not before either: this robot is
 * passed over (passed.h).  ERR_ROLLED_BACK: the release is bad, it is in quarantine, and every
 * service runs what it ran before.  ERR_STUCK: a service needs a person.  Others: a fault of the
 * place; what was moved stays, the rest is as it was. */
int rollout_run(const struct rollout *r, const struct move_goal *goal, struct err *e);

/* Start what the engine left down (see wake.h), and finish what a crash left
 * unfinished: settle its services, then go on, or back
 * if that was its direction, its image is gone, or it was taken up
 * ROLLOUT_RESUMES_MAX times already.  0 also if there is nothing unfinished;
 * errors as above.  The fleet must have all the services that are configured. */
int rollout_recover(const struct rollout *r, struct err *e);

/* "rollback-all", "rollback-failed" or "stop". */
int rollout_parse_on_failure(const char *name, enum rollout_on_failure *ret, struct err *e);

/* Let it be tried again if it is in quarantine, or robots are passed over. */
int rollout_lift(struct journal *j, const struct move_goal *goal, struct err *e);
/* Put a digest into quarantine. */
int rollout_quarantine(struct journal *j, const char *txn, const char *tag, const char *digest,
		       const char *reason, struct err *e);

#endif
