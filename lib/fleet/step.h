/*
 * step: the steps of a deployment, each announced before it is taken.
 *
 * The announcement is a line of the journal.  In a build for crash tests
 * (-DGANTRY_CRASH_TEST) it is also where the process may be killed:
 * GANTRY_CRASH_AT=NAME[:N] ends it with SIGKILL at the N-th announcement of
 * that step, and GANTRY_CRASH_AT=list prints all names.
 */
#ifndef GANTRY_FLEET_STEP_H
#define GANTRY_FLEET_STEP_H

#include "fleet/journal.h"

enum step {
	STEP_BEGIN,	 /* the deployment is in the journal */
	STEP_SERVICE,	 /* what a service ran before is in the journal */
	STEP_CREATE,	 /* make the new container */
	STEP_GUARD_OLD,	 /* the old one comes back after a power loss, though stopped */
	STEP_HALT_OLD,	 /* stop the old one */
	STEP_START,	 /* start the new one */
	STEP_PROBE,	 /* ask it on its own socket */
	STEP_PROMOTE,	 /* it serves too */
	STEP_DEMOTE,	 /* the old one stops serving */
	STEP_SOAK,	 /* the new one has to stay healthy */
	STEP_POLICY_NEW, /* the new one comes back after a power loss */
	STEP_POLICY_OLD, /* the old one does not */
	STEP_RENAME_OLD,
	STEP_RENAME_NEW,
	STEP_STOP_OLD,
	STEP_REMOVE_OLD,
	STEP_PINS,
	STEP_MOVED,
	STEP_PROVEN,
	STEP_END,
	STEP_FAILED,	  /* a service failed and the others stay */
	STEP_QUARANTINE,  /* the release is bad */
	STEP_BACK,	  /* everything goes back */
	STEP_RESUME,	  /* taken up again */
	STEP_SETTLE_MAKE, /* somebody removed it: make it again */
	STEP_SETTLE_PROMOTE,
	STEP_SETTLE_RENAME,
	STEP_SETTLE_REMOVE_NEXT,
	STEP_SETTLE_REMOVE_PREV,
	STEP_SETTLE_RESTART,
	STEP_COUNT
};

const char *step_name(enum step step);
/* "step" in the journal, and the place to die. */
int step_announce(struct journal *j, const char *txn, const char *service, enum step step,
		  struct err *e);
/* Only the place to die; nothing in an ordinary build. */
#ifdef GANTRY_CRASH_TEST
void step_crash(enum step step);
#else
#define step_crash(step) ((void)(step))
#endif

#endif
