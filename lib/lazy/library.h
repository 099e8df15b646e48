/*
 * library: a library that is loaded when it is needed; for curl.c and archive.c.
 */
#ifndef GANTRY_LAZY_LIBRARY_H
#define GANTRY_LAZY_LIBRARY_H

#include "base/err.h"

/* *ret stays as it is if it was loaded before.  ERR_SYS. */
int library_load(const char *name, void **ret, struct err *e);
/* A function of it; it must be there. */
void *library_find(void *library, const char *name);

#define LIBRARY_REAL(library, name) ((__typeof__(&(name)))library_find(library, #name))

#endif
