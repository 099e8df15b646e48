/*
 * archive: libarchive only when it is needed, as with lazy/curl.h.
 */
#ifndef GANTRY_LAZY_ARCHIVE_H
#define GANTRY_LAZY_ARCHIVE_H

#include "base/err.h"

int lazy_archive(struct err *e);

#endif
