/*
 * platform: what an image runs on, "OS/ARCH" or "OS/ARCH/VARIANT", as in the
 * OCI image specification (image-index.md#platform-variants).
 */
#ifndef GANTRY_OCI_PLATFORM_H
#define GANTRY_OCI_PLATFORM_H

#include <stdbool.h>

#include "base/err.h"

/* ERR_USAGE "'x' is not OS/ARCH[/VARIANT]". */
int platform_check(const char *s, struct err *e);
/* Without a variant every variant is wanted.  64-bit ARM without one is v8. */
bool platform_match(const char *want, const char *have);

#endif
