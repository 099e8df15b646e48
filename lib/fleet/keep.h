/*
 * keep: images that may be needed stay on their engines, others go.
 *
 * A kept image has a tag of ours, REPO:gantry-HEX12 (the first digits of its
 * digest): docker image prune leaves it.  docker image prune --all removes what
 * no container uses, tagged or not, so there is also a container of it that is
 * never started, gantry-keep-HEX12, with the label io.gantry.keep.  The tag is
 * in the image's own repository: in another one, prune --all would take the
 * digest away, without which the image is not found again.
 *
 * An image that came from no registry has no repository and only the container.
 */
#ifndef GANTRY_FLEET_KEEP_H
#define GANTRY_FLEET_KEEP_H

#include "fleet/service.h"

#define KEEP_LABEL "io.gantry.keep"

/* ref: REPO@sha256:… or an image's id.  0 also if it is kept already. */
int keep_image(struct engine *eng, const char *ref, struct err *e);

/* Let go of every image in the journal but what the services run, what was
 * staged last, and the proven ones down to the n-th newest that is not in
 * quarantine.  Only the tag and the container that keep_image made are taken away: the engine then
 * removes the image unless a container uses it or it has another tag.  While a
 * deployment is unfinished nothing goes.
 *
 * say is told of each image that went, and of each that failed to (the others go
 * on).  -1: it is not known what is needed, nothing went. */
int keep_newest(const struct fleet *f, const struct journal *j, size_t n,
		void (*say)(bool failed, const char *words), struct err *e);

#endif
