#include "oci/semver.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

#define PARTS	   3
#define DIGITS_MAX 18

enum compare { CMP_GE, CMP_GT, CMP_LE, CMP_LT, CMP_ANY };

struct comparator {
	enum compare op;
	struct semver v;
	bool starts_alternative;
};

struct semver_range {
	char *text; /* what the pre-releases point into */
	size_t n;
	struct comparator c[SEMVER_COMPARATORS_MAX];
};

/* --- versions --------------------------------------------------------- */

static bool
take_number(struct view *v, uint64_t *ret)
{
	size_t n = 0;

	while (n < v->n && isdigit((unsigned char)v->p[n]))
		n++;
	if (n == 0 || n > DIGITS_MAX || (n > 1 && v->p[0] == '0'))
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret * 10 + (uint64_t)(v->p[i] - '0');
	*v = (struct view){ v->p + n, v->n - n };
	return true;
}

static bool
all_digits(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!isdigit((unsigned char)v.p[i]))
			return false;
	return v.n > 0;
}

/* Identifiers between dots; numbers have no leading zero. */
static bool
is_pre(struct view v)
{
	struct view part;
	bool more;

	do {
		more = view_cut(&v, '.', &part);
		if (!more)
			part = v;
		if (part.n == 0 || (all_digits(part) && part.n > 1 && part.p[0] == '0'))
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!isalnum((unsigned char)part.p[i]) && part.p[i] != '-')
				return false;
	} while (more);
	return true;
}

static bool
take_char(struct view *v, char c)
{
	if (v->n == 0 || v->p[0] != c)
		return false;
	*v = (struct view){ v->p + 1, v->n - 1 };
	return true;
}

/* "+" and identifiers between dots; they do not count, but must be right. */
static bool
take_build(struct view *v)
{
	struct view build = { 0 }, part;

	if (!view_cut_last(v, '+', &build))
		return true;
	for (bool more = true; more;) {
		more = view_cut(&build, '.', &part);
		if (!more)
			part = build;
		if (part.n == 0)
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!isalnum((unsigned char)part.p[i]) && part.p[i] != '-')
				return false;
	}
	return true;
}

bool
semver_parse(const char *s, struct semver *ret)
{
	struct view v = view_of(s);
	struct semver got = { 0 };

	(void)take_char(&v, 'v');
	if (!take_build(&v))
		return false;
	for (int i = 0; i < PARTS; i++)
		if ((i > 0 && !take_char(&v, '.')) || !take_number(&v, &got.part[i]))
			return false;
	if (v.n > 0) {
		if (!take_char(&v, '-') || !is_pre(v))
			return false;
		got.pre = v;
	}
	*ret = got;
	return true;
}

static int
compare_bytes(struct view a, struct view b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int
compare_identifiers(struct view a, struct view b)
{
	bool num_a = all_digits(a), num_b = all_digits(b);

	if (num_a != num_b)
		return num_a ? -1 : 1;
	if (num_a && a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return compare_bytes(a, b);
}

static int
compare_pre(struct view a, struct view b)
{
	if (a.n == 0 || b.n == 0)
		return (a.n == 0) - (b.n == 0);
	for (;;) {
		struct view x, y;
		bool more_a = view_cut(&a, '.', &x), more_b = view_cut(&b, '.', &y);
		int order = compare_identifiers(more_a ? x : a, more_b ? y : b);

		if (order != 0)
			return order;
		if (!more_a || !more_b)
			return more_a - more_b;
	}
}

int
semver_compare(const struct semver *a, const struct semver *b)
{
	for (int i = 0; i < PARTS; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return compare_pre(a->pre, b->pre);
}

/* --- ranges ----------------------------------------------------------- */

/* A version of which parts may be left out or be x, X or *. */
struct partial {
	struct semver v;
	int given; /* 0 to 3 */
};

static bool
is_wild(struct view v)
{
	return v.n == 1 && strchr("xX*", v.p[0]) != NULL;
}

static bool
parse_partial(struct view v, struct partial *ret)
{
	struct partial p = { 0 };
	bool wild = false;

	if (!take_build(&v))
		return false;
	(void)take_char(&v, 'v');
	for (int i = 0; i < PARTS && (i == 0 || take_char(&v, '.')); i++) {
		if (v.n > 0 && is_wild((struct view){ v.p, 1 })) {
			v = (struct view){ v.p + 1, v.n - 1 };
			wild = true;
			continue;
		}
		if (wild || !take_number(&v, &p.v.part[i]))
			return false;
		p.given = i + 1;
	}
	if (v.n > 0) {
		if (p.given != PARTS || !take_char(&v, '-') || !is_pre(v))
			return false;
		p.v.pre = v;
	}
	*ret = p;
	return true;
}

static bool
is_zero(const struct semver *v)
{
	const struct semver zero = { 0 };

	return semver_compare(v, &zero) == 0;
}

static bool
add(struct semver_range *r, enum compare op, struct semver v, bool *first)
{
	if (r->n == SEMVER_COMPARATORS_MAX)
		return false;
	/* node-semver drops it, so that it says nothing about pre-releases either */
	if (op == CMP_GE && is_zero(&v))
		op = CMP_ANY;
	r->c[r->n++] = (struct comparator){ op, v, *first };
	*first = false;
	return true;
}

/* The first version after all that begin with the given parts up to at.  Its
 * lowest pre-release, so that 2.0.0-rc is not below <2. */
static struct semver
above(struct semver v, int at)
{
	v.part[at]++;
	for (int i = at + 1; i < PARTS; i++)
		v.part[i] = 0;
	v.pre = view_of("0");
	return v;
}

static bool
add_between(struct semver_range *r, struct semver low, int at, bool *first)
{
	return add(r, CMP_GE, low, first) && add(r, CMP_LT, above(low, at), first);
}

static bool
add_caret(struct semver_range *r, const struct partial *p, bool *first)
{
	int at = 0;

	while (at < p->given - 1 && p->v.part[at] == 0)
		at++;
	return add_between(r, p->v, at, first);
}

static bool
add_plain(struct semver_range *r, const struct partial *p, bool *first)
{
	if (p->given < PARTS)
		return add_between(r, p->v, p->given - 1, first);
	return add(r, CMP_GE, p->v, first) && add(r, CMP_LE, p->v, first);
}

static bool
add_order(struct semver_range *r, enum compare op, const struct partial *p, bool *first)
{
	/* >1.2 is from 1.3.0 on, <=1.2 is below it */
	if (p->given < PARTS && (op == CMP_GT || op == CMP_LE)) {
		struct semver v = above(p->v, p->given - 1);

		if (op == CMP_GT)
			v.pre = (struct view){ 0 };
		return add(r, op == CMP_GT ? CMP_GE : CMP_LT, v, first);
	}
	if (p->given < PARTS && op == CMP_LT) {
		struct semver v = p->v;

		v.pre = view_of("0");
		return add(r, op, v, first);
	}
	return add(r, op, p->v, first);
}

static bool
add_any(struct semver_range *r, bool *first)
{
	return add(r, CMP_GE, (struct semver){ 0 }, first);
}

/* Nothing is above or below everything. */
static bool
add_none(struct semver_range *r, bool *first)
{
	return add(r, CMP_LT, (struct semver){ .pre = view_of("0") }, first);
}

static bool
add_word(struct semver_range *r, struct view w, bool *first)
{
	static const char *const ops[] = { ">=", "<=", ">", "<", "^", "~>", "~", "=", "" };
	static const enum compare orders[] = { CMP_GE, CMP_LE, CMP_GT, CMP_LT };
	struct partial p;
	size_t i = 0;

	while (!view_starts(w, ops[i]))
		i++;
	w = (struct view){ w.p + strlen(ops[i]), w.n - strlen(ops[i]) };
	if (!parse_partial(view_trim(w), &p))
		return false;
	if (p.given == 0)
		return i == 2 || i == 3 ? add_none(r, first) : add_any(r, first);
	if (i < COUNT_OF(orders))
		return add_order(r, orders[i], &p, first);
	if (ops[i][0] == '^')
		return add_caret(r, &p, first);
	if (ops[i][0] == '~')
		return add_between(r, p.v, p.given > 1 ? 1 : 0, first);
	return add_plain(r, &p, first);
}

static bool
take_word(struct view *rest, struct view *word)
{
	size_t n = 0;

	*rest = view_trim(*rest);
	/* ">= 1.2" is one comparator */
	while (n < rest->n && strchr("<>=^~", rest->p[n]) != NULL)
		n++;
	while (n > 0 && n < rest->n && rest->p[n] == ' ')
		n++;
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	*word = (struct view){ rest->p, n };
	*rest = view_trim((struct view){ rest->p + n, rest->n - n });
	return n > 0;
}

static bool
add_hyphen(struct semver_range *r, struct view low, struct view high, bool *first)
{
	struct partial a, b;

	if (!parse_partial(low, &a) || !parse_partial(high, &b))
		return false;
	return add(r, CMP_GE, a.v, first) && (b.given == 0 || add_order(r, CMP_LE, &b, first));
}

static bool
add_alternative(struct semver_range *r, struct view text)
{
	struct view word, high;
	bool first = true, ok;

	text = view_trim(text);
	if (text.n == 0)
		return add_any(r, &first);
	while (take_word(&text, &word)) {
		if (view_starts(text, "- ")) {
			text = (struct view){ text.p + 2, text.n - 2 };
			ok = take_word(&text, &high) && add_hyphen(r, word, high, &first);
		} else {
			ok = add_word(r, word, &first);
		}
		if (!ok)
			return false;
	}
	return true;
}

/* Cut *rest at the first "||". */
static bool
take_alternative(struct view *rest, struct view *head)
{
	const char *at = memmem(rest->p, rest->n, "||", 2);

	if (at == NULL)
		return false;
	*head = (struct view){ rest->p, (size_t)(at - rest->p) };
	*rest = (struct view){ at + 2, rest->n - head->n - 2 };
	return true;
}

/* An alternative that takes every release is all there is, as node-semver has
 * it: pre-releases that the others name do not count beside it. */
static void
reduce(struct semver_range *r)
{
	for (size_t i = 0, n; i < r->n; i = n) {
		bool any = true;

		for (n = i; n < r->n && (n == i || !r->c[n].starts_alternative); n++)
			any = any && r->c[n].op == CMP_ANY;
		if (!any)
			continue;
		r->c[0] = r->c[i];
		r->n = 1;
		return;
	}
}

int
semver_range_parse(const char *s, struct semver_range **ret, struct err *e)
{
	struct semver_range *r = calloc(1, sizeof(*r));
	struct view rest, head;
	bool more, ok = true;

	if (r == NULL || (r->text = strdup(s)) == NULL) {
		free(r);
		return err_nomem(e);
	}
	rest = view_of(r->text);
	do {
		more = take_alternative(&rest, &head);
		ok = add_alternative(r, more ? head : rest);
	} while (ok && more);
	if (!ok) {
		semver_range_free(&r);
		return err_set(e, ERR_USAGE, "'%s' is not a version range", s);
	}
	reduce(r);
	*ret = r;
	return 0;
}

void
semver_range_free(struct semver_range **r)
{
	if (*r == NULL)
		return;
	free((*r)->text);
	free(*r);
	*r = NULL;
}

static bool
holds(const struct comparator *c, const struct semver *v)
{
	int order = semver_compare(v, &c->v);

	switch (c->op) {
	case CMP_GE:
		return order >= 0;
	case CMP_GT:
		return order > 0;
	case CMP_LE:
		return order <= 0;
	case CMP_LT:
		return order < 0;
	case CMP_ANY:
		break;
	}
	return true;
}

static bool
names_pre(const struct comparator *c, const struct semver *v)
{
	return c->v.pre.n > 0 && memcmp(c->v.part, v->part, sizeof(v->part)) == 0;
}

bool
semver_range_has(const struct semver_range *r, const struct semver *v)
{
	for (size_t i = 0; i < r->n;) {
		bool all = true, pre = v->pre.n == 0;

		do {
			all = all && holds(&r->c[i], v);
			pre = pre || names_pre(&r->c[i], v);
			i++;
		} while (i < r->n && !r->c[i].starts_alternative);
		if (all && pre)
			return true;
	}
	return false;
}
