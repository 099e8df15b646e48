/*
 * plan: what there is to do, found out without doing any of it.
 */
#ifndef GANTRY_DEPLOY_PLAN_H
#define GANTRY_DEPLOY_PLAN_H

#include "fleet/runs.h"
#include "fleet/site.h"
#include "fleet/target.h"
#include "options.h"

#define STATUS_AVAILABLE 10

struct plan {
	struct target target;
	struct runs *runs;
	size_t behind; /* services that are to be moved */
	size_t passed; /* services that are left as they are, since they are ill */
};
void plan_clear(struct plan *p);
#define AUTO_PLAN AUTO(plan_clear)

/* Which image is meant, and who does not run it. */
int plan_make(const struct options *o, const struct site *s, struct plan *ret, struct err *e);
/* Print what --check and --dry-run have to say; the exit status. */
int plan_answer(struct options *o, const struct site *s, const struct plan *p);

/* One record of standard output; arg is the struct options. */
void plan_print(void *arg, enum rollout_result result, const char *service,
		const struct move_goal *image, const char *reason);

#endif
