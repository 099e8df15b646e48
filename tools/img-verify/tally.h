/*
 * tally: how many references passed and did not, for monitoring.
 */
#ifndef GANTRY_IMG_VERIFY_TALLY_H
#define GANTRY_IMG_VERIFY_TALLY_H

#include "run.h"

/* Adds what a run has found to what runs before have left in the file. */
int tally_write(const struct run *r, const char *path, struct err *e);

#endif
