#include "engine/address.h"

#include <stdlib.h>
#include <string.h>

#include "base/view.h"

#define WANT "want unix:///PATH, tcp://HOST[:PORT] or ssh://[USER@]HOST[:PORT]"

static bool
is_plain(struct view v, const char *also)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    (c == '\0' || strchr(also, c) == NULL))
			return false;
	}
	return v.n > 0 && v.p[0] != '-';
}

static bool
copy(struct view v, char *out, size_t size)
{
	if (v.n >= size)
		return false;
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return true;
}

static bool
take_port(struct view v, uint16_t *ret)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || n > UINT16_MAX)
			return false;
		n = n * 10 + (uint32_t)(v.p[i] - '0');
	}
	*ret = (uint16_t)n;
	return n > 0 && n <= UINT16_MAX;
}

static bool
take_host(struct view v, struct address *p)
{
	struct view port;
	const char *letters = ".-_";

	if (v.n > 0 && v.p[0] == '[') {
		struct view inside;

		v = (struct view){ v.p + 1, v.n - 1 };
		if (!view_cut(&v, ']', &inside) || (v.n > 0 && v.p[0] != ':'))
			return false;
		port = v.n > 0 ? (struct view){ v.p + 1, v.n - 1 } : v;
		if (v.n > 0 && !take_port(port, &p->port))
			return false;
		v = inside;
		letters = ":.%-_";
	} else if (view_cut_last(&v, ':', &port) && !take_port(port, &p->port)) {
		return false;
	}
	return is_plain(v, letters) && copy(v, p->host, sizeof(p->host));
}

static bool
parse_unix(struct view v, struct address *p)
{
	return v.n > 0 && v.p[0] == '/' && copy(v, p->path, sizeof(p->path));
}

static bool
parse_tcp(struct view v, struct address *p)
{
	/* the docker client writes some with a slash at the end */
	if (v.n > 0 && v.p[v.n - 1] == '/')
		v.n--;
	return take_host(v, p);
}

static bool
parse_ssh(struct view v, struct address *p)
{
	const char *slash = v.n > 0 ? memchr(v.p, '/', v.n) : NULL;
	struct view path = { slash, slash != NULL ? v.n - (size_t)(slash - v.p) : 0 }, user;

	v.n -= path.n;
	if (path.n > 1 && (!is_plain(path, "/._-") || !copy(path, p->path, sizeof(p->path))))
		return false;
	if (view_cut(&v, '@', &user) &&
	    (!is_plain(user, "._-+") || !copy(user, p->user, sizeof(p->user))))
		return false;
	return take_host(v, p);
}

int
address_parse(const char *text, struct address *ret, struct err *e)
{
	static const struct {
		const char *scheme;
		enum address_kind kind;
		bool (*parse)(struct view v, struct address *p);
	} kinds[] = { { "unix://", ADDRESS_UNIX, parse_unix },
		      { "tcp://", ADDRESS_TCP, parse_tcp },
		      { "ssh://", ADDRESS_SSH, parse_ssh } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct address p = { .kind = kinds[i].kind };

		if (!view_starts(view_of(text), kinds[i].scheme))
			continue;
		if (!kinds[i].parse(view_of(text + strlen(kinds[i].scheme)), &p))
			break;
		*ret = p;
		return 0;
	}
	return err_set(e, ERR_CONFIG, "engine '%s': " WANT, text);
}
