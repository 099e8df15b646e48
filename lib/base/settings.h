/*
 * settings: the keys of gantry.conf(5), the same for every program.
 */
#ifndef GANTRY_BASE_SETTINGS_H
#define GANTRY_BASE_SETTINGS_H

#include "base/conf.h"

/* Defaults, then the file (see conf_find), then the environment.  *ret is the
 * caller's, conf_free.  LOG_LEVEL takes effect at once, unless a flag has set
 * the level, and LOG_FILE. */
int settings_load(const char *given, char *const *environment, struct conf **ret, struct err *e);

#endif
