/*
 * pins: the file of KEY=value lines from which compose takes its images, so
 * that `compose up` agrees with what was deployed.
 *
 * The key of a service is its name in upper case with _ for everything that is
 * not a letter or digit, and _IMAGE at the end: ROBOT_SERVICE_1_IMAGE.
 */
#ifndef GANTRY_FLEET_PINS_H
#define GANTRY_FLEET_PINS_H

#include "base/buf.h"

/* text with this service's line replaced or added; everything else as it was. */
int
pins_edit(struct view text, const char *service, const char *image, struct buf *ret, struct err *e);
/* The same in a file, which is made if it is not there and replaced whole. */
int pins_set(const char *path, const char *service, const char *image, struct err *e);

#endif
