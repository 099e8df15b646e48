/*
 * buf: the one way to build bytes (view.h takes them apart).
 *
 * A buf has a limit that it never passes.  Appending past it (or out of
 * memory) marks the buf as bad and drops what does not fit; nothing needs to
 * be checked until buf_ok is asked once at the end.  data is always followed
 * by a NUL that does not count, and is NULL only before the first append
 * (buf_cstr gives "" then).
 */
#ifndef GANTRY_BASE_BUF_H
#define GANTRY_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/scope.h"
#include "base/view.h"

enum buf_state { BUF_OK = 0, BUF_FULL, BUF_NOMEM };

struct buf {
	char *data;
	size_t len, cap, max; /* max: bytes it may hold */
	enum buf_state state;
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })
#define AUTO_BUF	AUTO(buf_clear)

void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0 if everything appended is there; -1 with ERR_DATA ("'what' is larger than
 * N bytes") or ERR_SYS (out of memory) if not. */
int buf_ok(const struct buf *b, const char *what, struct err *e);

/* Release, and back to empty with the same limit; fit for AUTO_BUF. */
void buf_clear(struct buf *b);
/* Empty but keep the memory. */
void buf_reset(struct buf *b);
/* Give memory back that is not used. */
void buf_trim(struct buf *b);
/* Give the bytes to the caller, who frees them; "" if there were none, NULL
 * only if out of memory. */
char *buf_take(struct buf *b);
const char *buf_cstr(const struct buf *b);

static inline struct view
view_buf(const struct buf *b)
{
	return (struct view){ buf_cstr(b), b->len };
}

#endif
