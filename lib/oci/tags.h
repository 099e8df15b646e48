/*
 * tags: which of a repository's tags are meant, and which is the newest.
 *
 * A pattern is a glob ("1.*", case matters), "regex:RE" (POSIX extended,
 * anchored at both ends) or "semver:RANGE" ("semver:*", ">=1.2 <2", "^1.2",
 * "~1.2.3", "||" between alternatives) in node-semver's order and rules:
 * pre-releases only when the range names one of the same version; a leading
 * "v" is allowed.  "semver:*" takes every release and no pre-release.
 */
#ifndef GANTRY_OCI_TAGS_H
#define GANTRY_OCI_TAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/scope.h"

struct tags_pattern;
/* ERR_USAGE names the pattern and what is wrong in it. */
int tags_compile(const char *pattern, struct tags_pattern **ret, struct err *e);
bool tags_match(const struct tags_pattern *p, const char *tag);
/* Any of n patterns does. */
bool tags_match_any(struct tags_pattern *const *all, size_t n, const char *tag);
void tags_free(struct tags_pattern **p);
#define AUTO_TAGS AUTO(tags_free)

/* <0, 0, >0: a is older than b.  Semantic versions (semver.org 2.0.0) by
 * precedence, then by the whole string; names that are none sort below all
 * versions, among themselves by bytes. */
int tags_compare(const char *a, const char *b);
/* Newest first. */
void tags_sort(char **tags, size_t n);
/* Tags that are there for tools, not for people: sha256-HEX, with or without
 * .sig, .att or .sbom. */
bool tags_is_referrer(const char *tag);

#endif
