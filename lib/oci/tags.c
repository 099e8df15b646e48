#include "oci/tags.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/regex.h"
#include "base/view.h"
#include "oci/semver.h"

#define REGEX_PREFIX  "regex:"
#define SEMVER_PREFIX "semver:"
#define HEX_DIGITS    64

struct tags_pattern {
	char *glob;
	struct regex *re;
	struct semver_range *range;
};

int
tags_compile(const char *pattern, struct tags_pattern **ret, struct err *e)
{
	AUTO_TAGS struct tags_pattern *p = calloc(1, sizeof(*p));
	struct view v = view_of(pattern);

	if (p == NULL)
		return err_nomem(e);
	if (v.n == 0)
		return err_set(e, ERR_USAGE, "a tag pattern is empty");
	if (view_starts(v, REGEX_PREFIX)) {
		if (regex_new(pattern + strlen(REGEX_PREFIX), &p->re, e) < 0)
			return err_wrap(e, "pattern '%s'", pattern);
	} else if (view_starts(v, SEMVER_PREFIX)) {
		if (semver_range_parse(pattern + strlen(SEMVER_PREFIX), &p->range, e) < 0)
			return err_wrap(e, "pattern '%s'", pattern);
	} else {
		p->glob = strdup(pattern);
		if (p->glob == NULL)
			return err_nomem(e);
	}
	*ret = TAKE_PTR(p);
	return 0;
}

bool
tags_match(const struct tags_pattern *p, const char *tag)
{
	struct semver v;

	if (p->re != NULL)
		return regex_match(p->re, tag);
	if (p->range != NULL)
		return semver_parse(tag, &v) && semver_range_has(p->range, &v);
	return fnmatch(p->glob, tag, 0) == 0;
}

bool
tags_match_any(struct tags_pattern *const *all, size_t n, const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (tags_match(all[i], tag))
			return true;
	return false;
}

void
tags_free(struct tags_pattern **p)
{
	if (*p == NULL)
		return;
	free((*p)->glob);
	regex_free(&(*p)->re);
	semver_range_free(&(*p)->range);
	free(*p);
	*p = NULL;
}

int
tags_compare(const char *a, const char *b)
{
	struct semver va, vb;
	bool is_a = semver_parse(a, &va), is_b = semver_parse(b, &vb);
	int order = 0;

	if (is_a != is_b)
		return is_a ? 1 : -1;
	if (is_a)
		order = semver_compare(&va, &vb);
	return order != 0 ? order : strcmp(a, b);
}

static int
newest_first(const void *a, const void *b)
{
	return tags_compare(*(char *const *)b, *(char *const *)a);
}

void
tags_sort(char **tags, size_t n)
{
	if (n > 1)
		qsort(tags, n, sizeof(*tags), newest_first);
}

bool
tags_is_referrer(const char *tag)
{
	static const char *const ends[] = { "", ".sig", ".att", ".sbom" };
	const char *hex = tag + strlen("sha256-");

	if (strncmp(tag, "sha256-", strlen("sha256-")) != 0 ||
	    strspn(hex, "0123456789abcdef") != HEX_DIGITS)
		return false;
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (strcmp(hex + HEX_DIGITS, ends[i]) == 0)
			return true;
	return false;
}
