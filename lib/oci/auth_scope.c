#include "oci/auth_scope.h"

#include <string.h>

/* The next of several words. */
static bool
next(struct view *rest, char between, struct view *ret)
{
	do {
		if (rest->n == 0)
			return false;
		if (!view_cut(rest, between, ret)) {
			*ret = *rest;
			rest->n = 0;
		}
	} while (ret->n == 0);
	return true;
}

static bool
same(struct view a, struct view b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* The scope for this resource among scopes: its actions. */
static bool
find(const char *scopes, struct view resource, struct view *actions)
{
	struct view rest = view_of(scopes), one;

	while (next(&rest, ' ', &one))
		if (view_cut_last(&one, ':', actions) && same(one, resource))
			return true;
	return false;
}

static bool
has_action(struct view actions, struct view action)
{
	struct view one;

	while (next(&actions, ',', &one))
		if (same(one, action))
			return true;
	return false;
}

int
auth_scope_repo(const char *scopes, char **ret, struct err *e)
{
	struct view rest = view_of(scopes), one, actions, type;
	bool is = next(&rest, ' ', &one) && view_cut_last(&one, ':', &actions) &&
		  view_cut(&one, ':', &type) && view_eq(type, "repository");

	*ret = view_dup(is ? one : view_of(""));
	return *ret != NULL ? 0 : err_nomem(e);
}

static void
add(struct buf *b, struct view scope)
{
	buf_addf(b, "%s" VIEW_FMT, b->len > 0 ? " " : "", VIEW_ARG(scope));
}

int
auth_scope_merge(const char *named, const char *ours, struct buf *ret, struct err *e)
{
	struct view rest = view_of(named), one, actions, other, action;

	while (next(&rest, ' ', &one)) {
		struct view resource = one;

		if (!view_cut_last(&resource, ':', &actions) || !find(ours, resource, &other))
			add(ret, one);
	}
	rest = view_of(ours);
	while (next(&rest, ' ', &one)) {
		add(ret, one);
		if (!view_cut_last(&one, ':', &actions) || !find(named, one, &other))
			continue;
		while (next(&other, ',', &action))
			if (!has_action(actions, action))
				buf_addf(ret, "," VIEW_FMT, VIEW_ARG(action));
	}
	return buf_ok(ret, "scope", e);
}
