/*
 * target: which image is meant, as a digest, and whether it may run here.
 */
#ifndef GANTRY_FLEET_TARGET_H
#define GANTRY_FLEET_TARGET_H

#include "fleet/rollout.h"
#include "oci/registry.h"
#include "trust/policy.h"

#define TARGET_WORDS_MAX 500

struct json_t;

struct target_opts {
	const char *registry;	       /* REGISTRY_URL: "localhost:5000", a scheme is allowed */
	const char *image;	       /* IMAGE_NAME: "robot-app" */
	const char *tags;	       /* TAGS: pattern of tags.h */
	const char *ref;	       /* --image, or NULL */
	const char *tag;	       /* --tag, or NULL */
	const char *running;	       /* tag that runs now, "" if not known */
	bool force;		       /* quarantine does not count */
	const struct auth_files *auth; /* may be NULL */
	const volatile bool *stop;
	move_say_fn *say; /* what is passed over, and why */
	void *arg;
};

struct target {
	struct registry *registry;
	struct ref ref; /* as asked for: host and repository */
	struct move_goal goal;
	bool found; /* false: everything that would count is in quarantine */
};

/* A tag is resolved once; from here on there is only its digest.  Without an
 * explicit tag: the newest that TAGS allows; if that one is in quarantine,
 * the next older one, as long as it is newer than what runs.  ERR_NO if what
 * was asked for by name is in quarantine. */
int target_find(const struct target_opts *o, const struct journal *j, struct target *ret,
		struct err *e);
void target_clear(struct target *t);
#define AUTO_TARGET AUTO(target_clear)

/* What was staged last, for a switch; *ret holds no registry.  ERR_NOTFOUND if
 * nothing was, ERR_NO if it has gone into quarantine since. */
int target_staged(const struct target_opts *o, const struct journal *j, struct target *ret,
		  struct err *e);

/* A quarantine record in words: what, since when and why.  tag: what the image is called now. */
void target_explain(const struct json_t *quarantine, const char *tag, char out[TARGET_WORDS_MAX]);

/* It carries what the policy asks of its repository. */
int target_verify(const struct target *t, const struct policy *p, struct err *e);

/* The digest that each service of the fleet runs, not set where there is none: by
 * the engines, or if the fleet has none, by the journal; and what those that are
 * away run, as far as the journal knows.  *ret, *ret_n of them, is the caller's to
 * free. */
int target_digests(const struct fleet *f, const struct journal *j, struct digest **ret,
		   size_t *ret_n, struct err *e);

/* What to go back to: to is a tag or digest that was proven here, or NULL for
 * the newest proven image that is not running and not in quarantine.  Where
 * services differ, the one that is left is what was not proven, or else what was
 * proven last.  ERR_NOTARGET. */
int target_back(const struct journal *j, const char *to, const struct digest *running, size_t n,
		struct move_goal *ret, struct err *e);

#endif
