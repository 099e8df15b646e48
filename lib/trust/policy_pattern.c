#include "trust/policy_pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define EVERYTHING "**"

/* --- matching ----------------------------------------------------------- */

/* Within one part, where no '/' is: if it fails after a '*', that one takes
 * one character more. */
static bool
part_matches(struct view p, struct view s)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < s.n) {
		if (i < p.n && p.p[i] == '*') {
			star = i++;
			from = j;
		} else if (i < p.n && p.p[i] == s.p[j]) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else {
			return false;
		}
	}
	while (i < p.n && p.p[i] == '*')
		i++;
	return i == p.n;
}

static struct view
next_part(struct view *rest)
{
	struct view part;

	if (!view_cut(rest, '/', &part)) {
		part = *rest;
		rest->p += rest->n;
		rest->n = 0;
	}
	return part;
}

bool
policy_pattern_match(const char *pattern, const char *name)
{
	struct view p = view_of(pattern), s = view_of(name);

	while (p.n > 0 && s.n > 0) {
		if (view_eq(p, EVERYTHING))
			return true;
		if (!part_matches(next_part(&p), next_part(&s)))
			return false;
	}
	return p.n == 0 && s.n == 0;
}

/* --- order ---------------------------------------------------------------- */

struct rank {
	size_t before, letters, stars;
	bool everything;
};

static struct rank
rank_of(const char *pattern)
{
	size_t n = strlen(pattern);
	struct rank r = { .before = strcspn(pattern, "*") };

	for (size_t i = 0; i < n; i++)
		r.stars += pattern[i] == '*';
	r.letters = n - r.stars;
	r.everything = strstr(pattern, EVERYTHING) != NULL;
	return r;
}

static int
more(size_t a, size_t b)
{
	return a > b ? 1 : a < b ? -1 : 0;
}

int
policy_pattern_compare(const char *a, const char *b)
{
	struct rank x = rank_of(a), y = rank_of(b);

	if (x.before != y.before)
		return more(x.before, y.before);
	if (x.letters != y.letters)
		return more(x.letters, y.letters);
	if (x.everything != y.everything)
		return x.everything ? -1 : 1;
	return more(y.stars, x.stars);
}

/* --- can it match? ---------------------------------------------------------- */

/* A name that it matches, if there is one: what fits everywhere in place of
 * each '*'. */
static void
example(const char *pattern, struct buf *ret)
{
	bool in_repo = false, in_port = false;

	for (const char *p = pattern; *p != '\0'; p++) {
		if (*p == '/')
			in_repo = true;
		if (*p == ':')
			in_port = true;
		if (*p != '*')
			buf_addc(ret, *p);
		else if (in_repo)
			buf_addc(ret, 'a');
		else
			buf_adds(ret, in_port ? "5" : "a.a");
		if (p[0] == '*' && p[1] == '*')
			p++;
	}
}

static int
never(const char *pattern, const char *why, struct err *e)
{
	return err_set(e, ERR_CONFIG, "'%s' can never match: %s", pattern, why);
}

int
policy_pattern_check(const char *pattern, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(4 * POLICY_PATTERN_MAX);
	const char *deep = strstr(pattern, EVERYTHING), *slash = strchr(pattern, '/');
	char again[REF_STR_MAX];
	struct ref ref;

	if (strlen(pattern) > POLICY_PATTERN_MAX)
		return err_set(e, ERR_CONFIG, "a pattern is longer than %d bytes",
			       POLICY_PATTERN_MAX);
	if (strcmp(pattern, EVERYTHING) == 0)
		return 0;
	if (slash == NULL)
		return never(pattern, "it is not HOST/REPO", e);
	if (deep != NULL && (deep[2] != '\0' || deep[-1] != '/'))
		return err_set(e, ERR_CONFIG, "'%s': '**' stands at the end, after a '/'", pattern);
	for (const char *p = pattern; p < slash; p++)
		if (isupper((unsigned char)*p))
			return never(pattern, "write the host in lower case", e);
	example(pattern, &name);
	if (ref_parse(view_buf(&name), &ref, NULL) < 0)
		return never(pattern, "no repository has such a name", e);
	if (ref.tag[0] != '\0' || digest_is_set(&ref.digest))
		return never(pattern, "a repository has no tag and no digest", e);
	ref_print(&ref, again);
	if (strcmp(again, buf_cstr(&name)) == 0)
		return 0;
	return never(pattern,
		     strcmp(ref.host, "docker.io") == 0
			     ? "names without a host are under docker.io/, those without a "
			       "folder under docker.io/library/"
			     : "it is not HOST/REPO",
		     e);
}
