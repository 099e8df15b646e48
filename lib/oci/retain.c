#include "oci/retain.h"

#include <stdlib.h>
#include <string.h>

#include "oci/semver.h"

static bool
matches(const struct retain_patterns *p, const char *tag)
{
	return tags_match_any(p->all, p->n, tag);
}

bool
retain_selects(const struct retain_rules *r, const char *tag)
{
	return !tags_is_referrer(tag) && (r->tags.n == 0 || matches(&r->tags, tag)) &&
	       !matches(&r->exclude, tag);
}

/* Whether it counts for `keep`: what is no version is neither older nor newer
 * than one ("latest"), so it counts only where it was asked for. */
static bool
is_counted(const struct retain_rules *r, const char *tag)
{
	struct semver v;

	return retain_selects(r, tag) && (r->tags.n > 0 || semver_parse(tag, &v));
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
oldest_first(const void *a, const void *b)
{
	return tags_compare(*(char *const *)a, *(char *const *)b);
}

/* A copy of two lists, for searching. */
static int
sorted(char *const *a, size_t n, char *const *b, size_t m, int (*order)(const void *, const void *),
       char ***ret, struct err *e)
{
	char **copy = calloc(n + m + 1, sizeof(*copy));

	if (copy == NULL)
		return err_nomem(e);
	if (n > 0)
		memcpy(copy, a, n * sizeof(*copy));
	if (m > 0)
		memcpy(copy + n, b, m * sizeof(*copy));
	qsort(copy, n + m, sizeof(*copy), order);
	*ret = copy;
	return 0;
}

static bool
is_extra(const struct retain_rules *r, char *const *source, const char *tag)
{
	return r->delete_extra &&
	       bsearch(&tag, source, r->nsource, sizeof(*source), by_name) == NULL;
}

/* The oldest of those that are new enough, "" if all are. */
static int
find_limit(const struct retain_rules *r, char *const *source, char *const *tags, size_t n,
	   const char **ret, struct err *e)
{
	AUTO_FREE char **all = NULL;
	size_t counted = 0;

	*ret = "";
	if (r->keep <= 0)
		return 0;
	if (sorted(tags, n, r->coming, r->ncoming, oldest_first, &all, e) < 0)
		return -1;
	n += r->ncoming;
	for (size_t i = n; i-- > 0;)
		/* one that is in both lists counts once */
		if ((i + 1 == n || strcmp(all[i], all[i + 1]) != 0) && is_counted(r, all[i]) &&
		    !is_extra(r, source, all[i]) && ++counted == (size_t)r->keep)
			*ret = all[i];
	return 0;
}

int
retain_choose(const struct retain_rules *r, char *const *tags, size_t n, enum retain_why *ret,
	      struct err *e)
{
	AUTO_FREE char **source = NULL;
	const char *limit;

	if (sorted(r->source, r->nsource, NULL, 0, by_name, &source, e) < 0 ||
	    find_limit(r, source, tags, n, &limit, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		ret[i] = RETAIN_STAYS;
		if (!retain_selects(r, tags[i]) || matches(&r->keep_tags, tags[i]))
			continue;
		if (is_extra(r, source, tags[i]))
			ret[i] = RETAIN_EXTRA;
		else if (limit[0] != '\0' && is_counted(r, tags[i]) &&
			 tags_compare(tags[i], limit) < 0)
			ret[i] = RETAIN_OLD;
	}
	return 0;
}
