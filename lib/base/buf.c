#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool
grow(struct buf *b, size_t n)
{
	size_t want, cap;
	char *p;

	if (b->state != BUF_OK)
		return false;
	if (n > b->max || b->len > b->max - n) {
		b->state = BUF_FULL;
		return false;
	}
	want = b->len + n + 1;
	if (want <= b->cap)
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap < want)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	p = realloc(b->data, cap);
	if (p == NULL) {
		b->state = BUF_NOMEM;
		return false;
	}
	b->data = p;
	b->cap = cap;
	return true;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (!grow(b, n))
		return;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->state = BUF_NOMEM;
		return;
	}
	if (!grow(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

int
buf_ok(const struct buf *b, const char *what, struct err *e)
{
	if (b->state == BUF_FULL)
		return err_set(e, ERR_DATA, "'%s' is larger than %zu bytes", what, b->max);
	if (b->state == BUF_NOMEM)
		return err_nomem(e);
	return 0;
}

void
buf_clear(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT(b->max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->state = BUF_OK;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *
buf_take(struct buf *b)
{
	char *p;

	if (b->data == NULL)
		return strdup("");
	p = b->data;
	*b = (struct buf)BUF_INIT(b->max);
	return p;
}

const char *
buf_cstr(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

struct view
view_of(const char *s)
{
	return (struct view){ s, strlen(s) };
}

struct view
view_buf(const struct buf *b)
{
	return (struct view){ buf_cstr(b), b->len };
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
