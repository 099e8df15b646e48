/*
 * command: what a robot is told, as JSON; see robot-serve(1), "Commands".
 */
#ifndef GANTRY_ROBOT_SERVE_COMMAND_H
#define GANTRY_ROBOT_SERVE_COMMAND_H

#include "base/view.h"
#include "motion.h"

/* A body for c->kind, with defaults for what is not in it.  ERR_DATA, and
 * *ret_field is what was wrong, or NULL if that is no single field. */
int
command_parse(struct view body, struct motion_command *c, const char **ret_field, struct err *e);

const char *command_name(enum motion_kind k);
const char *command_direction_name(enum motion_direction d); /* not of MOTION_NONE */
const char *command_eye_name(enum motion_eye eye);

#endif
