/*
 * images: the images of a deployment on the engines of its fleet.
 */
#ifndef GANTRY_FLEET_IMAGES_H
#define GANTRY_FLEET_IMAGES_H

#include "fleet/move.h"
#include "oci/auth.h"

/* What a goal is called at a service's host (see service_repo_there). */
void images_goal(const struct service *s, const struct move_goal *goal, struct move_goal *ret);
struct images_opts {
	const struct auth_files *auth; /* for the registry that engines pull from; or NULL */
	const volatile bool *stop;     /* or NULL */
	int64_t min_free;	       /* bytes that have to stay free on their disks */
};

#define IMAGES_AT_ONCE 16 /* threads, each pulling to one host */

/* Bring an image to every service's engine that lacks it, to several hosts at
 * once; all of them come to their end, and the first in the fleet's order that
 * failed is named.  ERR_SPACE if there is no room for it, as far as that can be
 * known before; nothing is pulled then. */
int images_pull(const struct fleet *f, const struct move_goal *goal, const struct images_opts *o,
		struct err *e);
/* Nothing is brought: ERR_NOTFOUND names an engine that lacks the image. */
int images_has(const struct fleet *f, const struct move_goal *goal, struct err *e);
/* The engine of one service has it. */
bool images_at(const struct service *s, const struct move_goal *goal);
/* Remember that it was verified and is on every engine. */
int images_stage(struct journal *j, const struct move_goal *goal, struct err *e);
/* Keep it on every engine (see keep.h), where rollback finds it without a
 * registry; what cannot be kept is told to say (may be NULL), no more. */
void images_keep(const struct fleet *f, const struct move_goal *goal, move_say_fn *say, void *arg);

/* image, tag and digest, as the journal's records have them; the caller's. */
struct json_t *images_fields(const struct move_goal *goal);

#endif
