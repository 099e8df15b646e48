#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CAP_MIN 256

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
	cap = b->cap ? b->cap : CAP_MIN;
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
	size_t room = b->state == BUF_OK ? b->cap - b->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room) {
		b->len += (size_t)n;
		return;
	}
	if (room > 0)
		b->data[b->len] = '\0';
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
	*b = BUF_INIT(b->max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->state = BUF_OK;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_trim(struct buf *b)
{
	char *p = b->data != NULL ? realloc(b->data, b->len + 1) : NULL;

	if (p == NULL)
		return;
	b->data = p;
	b->cap = b->len + 1;
}

char *
buf_take(struct buf *b)
{
	char *p;

	if (b->data == NULL)
		return strdup("");
	p = b->data;
	*b = BUF_INIT(b->max);
	return p;
}

const char *
buf_cstr(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}
