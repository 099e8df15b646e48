/*
 * lazy: libcurl and libarchive only when they are needed.
 *
 * They bring forty other libraries, which take more time and memory to load
 * than a file takes to be verified.  This program is not linked to them: their
 * functions are here, and pass on to the libraries once lazy_open has loaded
 * them.  A function that is missing here is an error when the program is
 * linked.
 */
#ifndef GANTRY_IMG_VERIFY_LAZY_H
#define GANTRY_IMG_VERIFY_LAZY_H

#include <stdbool.h>

#include "base/err.h"

/* libcurl, and to unpack layers libarchive too.  Before there are threads;
 * without it none of their functions may be called.  ERR_SYS. */
int lazy_open(bool unpack, struct err *e);

#endif
