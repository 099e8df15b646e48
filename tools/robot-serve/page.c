#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "health.h"
#include "web.h"

struct value {
	const char *name, *text;
};

static void
add_html(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '"':
			buf_adds(b, "&quot;");
			break;
		case '\'':
			buf_adds(b, "&#39;");
			break;
		default:
			buf_addc(b, *s);
		}
	}
}

static void
add_value(struct buf *b, const struct value *values, struct view name)
{
	for (; values->name != NULL; values++)
		if (view_eq(name, values->name))
			add_html(b, values->text);
}

/* The first of two such bytes in a row; many times as fast as memmem. */
static const char *
find_pair(const char *p, const char *end, char c)
{
	while (p != NULL && p < end && (p = memchr(p, c, (size_t)(end - p))) != NULL) {
		if (p + 1 < end && p[1] == c)
			return p;
		p++;
	}
	return NULL;
}

static void
fill(struct buf *b, struct view rest, const struct value *values)
{
	while (rest.n > 0) {
		const char *end = rest.p + rest.n;
		const char *open = find_pair(rest.p, end, '{');
		const char *close = find_pair(open, end, '}');

		if (close == NULL) {
			buf_add(b, rest.p, rest.n);
			return;
		}
		buf_add(b, rest.p, (size_t)(open - rest.p));
		add_value(b, values, (struct view){ open + 2, (size_t)(close - open) - 2 });
		rest.n -= (size_t)(close + 2 - rest.p);
		rest.p = close + 2;
	}
}

static void
format_uptime(int64_t s, char *out, size_t size)
{
	if (s >= 86400)
		(void)snprintf(out, size, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		(void)snprintf(out, size, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		(void)snprintf(out, size, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		(void)snprintf(out, size, "%" PRId64 " s", s);
}

void
page_render(const struct robot *r, struct buf *ret)
{
	AUTO_BUF struct buf problems = BUF_INIT(PAGE_MAX);
	char uptime[48];
	struct health h;

	health_look(r, &h);
	for (size_t i = 0; i < h.n; i++)
		buf_addf(&problems, "%s%s", i > 0 ? "; " : "", h.problem[i].msg);
	format_uptime(robot_uptime_s(r), uptime, sizeof(uptime));
	fill(ret, web_page_html(),
	     (const struct value[]){ { "id", r->id },
				     { "version", r->version },
				     { "status", health_word(&h) },
				     { "role", robot_role(r) },
				     { "instance", r->instance },
				     { "digest", r->digest[0] != '\0' ? r->digest : "not known" },
				     { "started", r->started },
				     { "uptime", uptime },
				     { "problems", buf_cstr(&problems) },
				     { NULL, NULL } });
}
