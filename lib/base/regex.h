/*
 * regex: POSIX extended regular expressions that match a whole text.
 *
 * Anchored at both ends by what was matched, not by adding ^ and $ to the
 * pattern, which "a)|(b" would get around.
 */
#ifndef GANTRY_BASE_REGEX_H
#define GANTRY_BASE_REGEX_H

#include <stdbool.h>

#include "base/err.h"
#include "base/scope.h"

struct regex;

/* ERR_USAGE "'RE' is not a regular expression: why". */
int regex_new(const char *pattern, struct regex **ret, struct err *e);
void regex_free(struct regex **r);
#define AUTO_REGEX AUTO(regex_free)
bool regex_match(const struct regex *r, const char *text);

#endif
