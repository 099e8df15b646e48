#include "base/view.h"

#include <string.h>

struct view
view_of(const char *s)
{
	return (struct view){ s, strlen(s) };
}

bool
view_eq(struct view v, const char *s)
{
	return v.n == strlen(s) && (v.n == 0 || memcmp(v.p, s, v.n) == 0);
}

bool
view_starts(struct view v, const char *prefix)
{
	size_t n = strlen(prefix);

	return v.n >= n && (n == 0 || memcmp(v.p, prefix, n) == 0);
}

bool
view_cut(struct view *rest, char sep, struct view *head)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;

	if (at == NULL)
		return false;
	*head = (struct view){ rest->p, (size_t)(at - rest->p) };
	rest->n -= head->n + 1;
	rest->p = at + 1;
	return true;
}

bool
view_cut_last(struct view *rest, char sep, struct view *tail)
{
	const char *at = rest->n ? memrchr(rest->p, sep, rest->n) : NULL;

	if (at == NULL)
		return false;
	*tail = (struct view){ at + 1, rest->n - (size_t)(at - rest->p) - 1 };
	rest->n = (size_t)(at - rest->p);
	return true;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct view
view_trim(struct view v)
{
	while (v.n > 0 && is_space(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && is_space(v.p[v.n - 1]))
		v.n--;
	return v;
}

char *
view_dup(struct view v)
{
	return v.n ? strndup(v.p, v.n) : strdup("");
}
