/*
 * inhibit: somebody wants no updates for a while.
 *
 * STATE_DIR/inhibit, written by a person or a script as KEY=value lines (the
 * syntax of base/conf.h): OWNER who it is, REASON why, UNTIL when it ends (RFC
 * 3339; without it, when the file is removed).
 */
#ifndef GANTRY_FLEET_INHIBIT_H
#define GANTRY_FLEET_INHIBIT_H

#include <stdint.h>

#include "base/err.h"

#define INHIBIT_FILE	  "inhibit"
#define INHIBIT_WORDS_MAX 512

/* 1 no updates now, with words for people in out ("inhibited by ann until …:
 * reason"), 0 nobody minds.  A file that cannot be understood is ERR_CONFIG:
 * nothing is done against the wish of whoever wrote it.  now_ms: since 1970. */
int inhibit_read(const char *state_dir, int64_t now_ms, char out[INHIBIT_WORDS_MAX], struct err *e);

#endif
