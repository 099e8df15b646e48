/*
 * images_parts: what the files of images.h share.
 */
#ifndef GANTRY_FLEET_IMAGES_PARTS_H
#define GANTRY_FLEET_IMAGES_PARTS_H

#include "fleet/images.h"

/* ERR_SPACE if it is known that the disk of a service's engine has not got room
 * for what the image brings, and min_free on top. */
int images_check_space(const struct images_opts *o, const struct service *s,
		       const struct move_goal *goal, struct err *e);

#endif
