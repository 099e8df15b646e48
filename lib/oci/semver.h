/*
 * semver: versions (semver.org 2.0.0) and ranges of them (node-semver's
 * rules).
 *
 * A version is MAJOR.MINOR.PATCH[-PRE][+BUILD], with a leading "v" allowed.
 * A range is alternatives joined by "||", each a list of comparators joined by
 * spaces that must all hold: "*", "1", "1.2", "1.x", "=1.2.3", ">1.2", ">=",
 * "<", "<=", "^1.2.3", "~1.2", "1.2 - 2.0".  A pre-release is in a range only
 * if a comparator of the same alternative names a pre-release of the same
 * MAJOR.MINOR.PATCH.
 */
#ifndef GANTRY_OCI_SEMVER_H
#define GANTRY_OCI_SEMVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/view.h"

#define SEMVER_COMPARATORS_MAX 64

struct semver {
	uint64_t part[3];
	struct view pre; /* without the '-'; n == 0: a release */
};

/* pre points into s.  False if s is no version. */
bool semver_parse(const char *s, struct semver *ret);
/* Precedence; build data does not count. */
int semver_compare(const struct semver *a, const struct semver *b);

struct semver_range;
/* ERR_USAGE. */
int semver_range_parse(const char *s, struct semver_range **ret, struct err *e);
bool semver_range_has(const struct semver_range *r, const struct semver *v);
void semver_range_free(struct semver_range **r);

#endif
