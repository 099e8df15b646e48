#include "oci/link.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void
skip(struct view *v, const char *chars)
{
	while (v->n > 0 && v->p[0] != '\0' && strchr(chars, v->p[0]) != NULL) {
		v->p++;
		v->n--;
	}
}

static struct view
take_until(struct view *v, const char *chars)
{
	struct view head = { v->p, 0 };

	while (v->n > 0 && (v->p[0] == '\0' || strchr(chars, v->p[0]) == NULL)) {
		head.n++;
		v->p++;
		v->n--;
	}
	return head;
}

/* A quoted string without its quotes; escapes stay, no relation has one. */
static int
take_quoted(struct view *v, struct view *ret)
{
	for (size_t i = 1; i < v->n; i++) {
		if (v->p[i] == '\\') {
			i++;
			continue;
		}
		if (v->p[i] != '"')
			continue;
		*ret = (struct view){ v->p + 1, i - 1 };
		*v = (struct view){ v->p + i + 1, v->n - i - 1 };
		return 0;
	}
	return -1;
}

static bool
same_word(struct view v, const char *s)
{
	return v.n == strlen(s) && strncasecmp(v.p, s, v.n) == 0;
}

static bool
has_word(struct view list, const char *s)
{
	while (list.n > 0) {
		skip(&list, " \t");
		if (same_word(take_until(&list, " \t"), s))
			return true;
	}
	return false;
}

/* The parameters of one link: 1 it is the next page, 0 not, -1 broken. */
static int
take_params(struct view *v)
{
	bool next = false;

	for (skip(v, " \t"); v->n > 0 && v->p[0] == ';'; skip(v, " \t")) {
		struct view name, value = { 0 };

		skip(v, "; \t");
		name = view_trim(take_until(v, "=;,"));
		if (v->n > 0 && v->p[0] == '=') {
			*v = (struct view){ v->p + 1, v->n - 1 };
			skip(v, " \t");
			if (v->n == 0 || v->p[0] != '"')
				value = view_trim(take_until(v, ";,"));
			else if (take_quoted(v, &value) < 0)
				return -1;
		}
		next |= same_word(name, "rel") && has_word(value, "next");
	}
	return next;
}

/* What comes after "scheme://host" or "//host"; false if target has neither. */
static bool
cut_authority(struct view *target)
{
	struct view rest = *target;

	(void)take_until(&rest, ":/?");
	if (view_starts(rest, "://"))
		rest = (struct view){ rest.p + 3, rest.n - 3 };
	else if (view_starts(*target, "//"))
		rest = (struct view){ target->p + 2, target->n - 2 };
	else
		return false;
	(void)take_until(&rest, "/?");
	*target = rest;
	return true;
}

static int
resolve(struct view target, const char *page, char ret[LINK_MAX], struct err *e)
{
	struct view base = { page, strcspn(page, "?") };
	struct view whole = target;
	int n;

	if (cut_authority(&target) && (target.n == 0 || target.p[0] != '/'))
		target.n = 0;
	if (target.n == 0)
		return err_set(e, ERR_DATA, "next page: '" VIEW_FMT "' has no path",
			       VIEW_ARG(whole));
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= ' ' || target.p[i] == 0x7f)
			return err_set(e, ERR_DATA, "next page: not an address");
	if (target.p[0] == '/')
		base.n = 0;
	else if (target.p[0] != '?')
		while (base.n > 0 && base.p[base.n - 1] != '/')
			base.n--;
	n = snprintf(ret, LINK_MAX, VIEW_FMT VIEW_FMT, VIEW_ARG(base), VIEW_ARG(target));
	if (n < 0 || n >= LINK_MAX)
		return err_set(e, ERR_DATA, "next page: its address is longer than %d bytes",
			       LINK_MAX - 1);
	return 1;
}

int
link_parse(struct view value, const char *page, char ret[LINK_MAX], struct err *e)
{
	struct view rest = value, target;

	for (skip(&rest, " \t,"); rest.n > 0; skip(&rest, " \t,")) {
		int next;

		if (rest.p[0] != '<')
			return err_set(e, ERR_DATA, "next page: no '<' in Link");
		rest = (struct view){ rest.p + 1, rest.n - 1 };
		if (!view_cut(&rest, '>', &target))
			return err_set(e, ERR_DATA, "next page: no '>' in Link");
		next = take_params(&rest);
		if (next < 0 || (rest.n > 0 && rest.p[0] != ','))
			return err_set(e, ERR_DATA, "next page: bad parameters in Link");
		if (next > 0)
			return resolve(target, page, ret, e);
	}
	return 0;
}

int
link_next(const struct http_resp *resp, char page[LINK_MAX], size_t *pages, struct err *e)
{
	char value[LINK_MAX], to[LINK_MAX];
	int found = 0;

	for (size_t i = 0; found == 0; i++) {
		if (!http_header_n(resp, "link", i, value, sizeof(value)))
			return 0;
		if (strlen(value) == sizeof(value) - 1)
			return err_set(e, ERR_DATA, "next page: a Link longer than %d bytes",
				       LINK_MAX - 2);
		found = link_parse(view_of(value), page, to, e);
	}
	if (found < 0)
		return -1;
	if (strcmp(to, page) == 0)
		return err_set(e, ERR_DATA, "the page after '%s' is the same again", page);
	if (++*pages >= LINK_PAGES_MAX)
		return err_set(e, ERR_DATA, "the list has more than %d pages", LINK_PAGES_MAX);
	memcpy(page, to, sizeof(to));
	return 1;
}
