/*
 * modes: the habits that the fault registry has now.
 *
 * A list of words separated by commas; a registry's name stands for what that
 * registry is known to do.
 */
#ifndef FAULTREG_MODES_H
#define FAULTREG_MODES_H

#include <stdbool.h>
#include <stddef.h>

/* false: one of them is unknown; then none is set. */
bool modes_set(const char *list);
bool mode(const char *name);
/* Of name=N; other if the mode is not set. */
long mode_number(const char *name, long other);
/* True once after modes_set, if the mode is set. */
bool mode_once(const char *name);

#endif
