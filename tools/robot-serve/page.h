/*
 * page: the robot's page for people.  {{name}} in web/page.html stands for a
 * value, escaped for HTML; without JavaScript the page shows the state at the
 * time it was asked for.
 */
#ifndef GANTRY_ROBOT_SERVE_PAGE_H
#define GANTRY_ROBOT_SERVE_PAGE_H

#include "base/buf.h"
#include "robot.h"

#define PAGE_MAX (256U << 10)

void page_render(const struct robot *r, struct buf *ret);

#endif
