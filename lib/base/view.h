/*
 * view: bytes that belong to somebody else, to be parsed without cutting them.
 *
 * A view owns nothing and must not outlive what it looks at.
 */
#ifndef GANTRY_BASE_VIEW_H
#define GANTRY_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>

struct view {
	const char *p;
	size_t n;
};

#define VIEW_FMT    "%.*s"
#define VIEW_ARG(v) (int)(v).n, (v).p

struct view view_of(const char *s);
bool view_eq(struct view v, const char *s);
bool view_starts(struct view v, const char *prefix);
/* Cut *rest at the first sep: head gets what stood before it, *rest what comes
 * after.  Without a sep nothing changes and the answer is false. */
bool view_cut(struct view *rest, char sep, struct view *head);
/* The same at the last sep: tail gets what comes after it, *rest what stood
 * before it. */
bool view_cut_last(struct view *rest, char sep, struct view *tail);
/* Without spaces, tabs, CR and LF at both ends. */
struct view view_trim(struct view v);
/* A NUL-terminated copy, the caller's to free; NULL if out of memory. */
char *view_dup(struct view v);

#endif
