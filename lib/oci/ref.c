#include "oci/ref.h"

#include <stdio.h>
#include <string.h>

#define DOCKER_HUB	"docker.io"
#define DOCKER_HUB_HOST "registry-1.docker.io"
#define REPO_MAX	255

static bool
is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* The separators between letters and digits: ".", "_", "__" and any number of
 * "-". */
static size_t
separator_len(struct view v, size_t at)
{
	size_t n = 0;

	if (v.p[at] == '.')
		return 1;
	if (v.p[at] == '_')
		return at + 1 < v.n && v.p[at + 1] == '_' ? 2 : 1;
	while (at + n < v.n && v.p[at + n] == '-')
		n++;
	return n;
}

static bool
is_component(struct view v)
{
	size_t i = 0, n;

	if (v.n == 0 || !is_lower_alnum(v.p[0]))
		return false;
	while (i < v.n) {
		if (is_lower_alnum(v.p[i])) {
			i++;
			continue;
		}
		n = separator_len(v, i);
		i += n;
		if (n == 0 || i >= v.n || !is_lower_alnum(v.p[i]))
			return false;
	}
	return true;
}

static bool
is_repo(struct view v)
{
	struct view part;

	while (view_cut(&v, '/', &part))
		if (!is_component(part))
			return false;
	return is_component(v);
}

bool
ref_is_tag(struct view v)
{
	if (v.n == 0 || v.n >= REF_TAG_MAX || v.p[0] == '.' || v.p[0] == '-')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!is_alnum(v.p[i]) && v.p[i] != '_' && v.p[i] != '.' && v.p[i] != '-')
			return false;
	return true;
}

static bool
is_port(struct view v)
{
	if (v.n == 0 || v.n > 5)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return true;
}

static bool
is_host(struct view v)
{
	struct view name = v, port;

	if (v.n == 0 || v.n >= REF_PART_MAX)
		return false;
	if (v.p[0] == '[') {
		const char *end = memchr(v.p, ']', v.n);

		if (end == NULL || end == v.p + 1)
			return false;
		name = (struct view){ v.p + 1, (size_t)(end - v.p) - 1 };
		port = (struct view){ end + 1, v.n - name.n - 2 };
		for (size_t i = 0; i < name.n; i++)
			if (strchr("0123456789abcdefABCDEF:.", name.p[i]) == NULL)
				return false;
		return port.n == 0 ||
		       (port.p[0] == ':' && is_port((struct view){ port.p + 1, port.n - 1 }));
	}
	if (view_cut_last(&name, ':', &port) && !is_port(port))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!is_alnum(name.p[i]) && name.p[i] != '.' && name.p[i] != '-')
			return false;
	return name.n > 0 && is_alnum(name.p[0]);
}

/* Docker's rule for what the first part of a name is. */
static bool
looks_like_host(struct view v)
{
	return view_eq(v, "localhost") || memchr(v.p, '.', v.n) != NULL ||
	       memchr(v.p, ':', v.n) != NULL;
}

static void
put(char *out, struct view v)
{
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
}

int
ref_parse(struct view s, struct ref *ret, struct err *e)
{
	struct ref r = { 0 };
	struct view rest = s, host = { 0 }, tail;
	bool bare;

	if (view_starts(rest, "docker://"))
		rest = (struct view){ rest.p + 9, rest.n - 9 };
	if (view_cut_last(&rest, '@', &tail) && digest_parse(tail, &r.digest, e) < 0) {
		if (e != NULL)
			e->code = ERR_USAGE;
		return err_wrap(e, "'" VIEW_FMT "' is not an image reference", VIEW_ARG(s));
	}
	if (rest.n > 0 && memchr(rest.p, '/', rest.n) != NULL) {
		struct view after = rest;

		(void)view_cut(&after, '/', &host);
		if (looks_like_host(host))
			rest = after;
		else
			host = view_of(DOCKER_HUB);
	} else {
		host = view_of(DOCKER_HUB);
	}
	if (view_cut_last(&rest, ':', &tail)) {
		if (!ref_is_tag(tail))
			return err_set(e, ERR_USAGE,
				       "'" VIEW_FMT
				       "' is not an image reference: bad tag '" VIEW_FMT "'",
				       VIEW_ARG(s), VIEW_ARG(tail));
		put(r.tag, tail);
	}
	if (!is_host(host))
		return err_set(e, ERR_USAGE, "'" VIEW_FMT "' is not an image reference: bad host",
			       VIEW_ARG(s));
	bare = view_eq(host, DOCKER_HUB) && memchr(rest.p, '/', rest.n) == NULL;
	if (!is_repo(rest) || host.n + rest.n + (bare ? 8 : 0) > REPO_MAX)
		return err_set(e, ERR_USAGE,
			       "'" VIEW_FMT "' is not an image reference: bad repository name",
			       VIEW_ARG(s));
	put(r.host, host);
	(void)snprintf(r.repo, sizeof(r.repo), "%s" VIEW_FMT, bare ? "library/" : "",
		       VIEW_ARG(rest));
	*ret = r;
	return 0;
}

static const char *const kinds[] = { [REF_LAYOUT] = "oci:",
				     [REF_OCI_ARCHIVE] = "oci-archive:",
				     [REF_DOCKER_ARCHIVE] = "docker-archive:" };

int
ref_parse_place(struct view s, struct ref *ret, struct err *e)
{
	struct ref r = { 0 };
	struct view rest = s, tail;
	enum ref_kind kind = REF_DOCKER_ARCHIVE;

	while (kind > REF_REGISTRY && !view_starts(s, kinds[kind]))
		kind--;
	if (kind == REF_REGISTRY)
		return ref_parse(s, ret, e);
	rest.p += strlen(kinds[kind]);
	rest.n -= strlen(kinds[kind]);
	r.kind = kind;
	if (view_cut_last(&rest, '@', &tail) && digest_parse(tail, &r.digest, NULL) < 0)
		/* an '@' of the path */
		rest.n += 1 + tail.n;
	if (view_cut_last(&rest, ':', &tail)) {
		if (ref_is_tag(tail))
			put(r.tag, tail);
		else
			rest.n += 1 + tail.n;
	}
	if (rest.n == 0 || rest.n >= sizeof(r.path) || memchr(rest.p, '\n', rest.n) != NULL)
		return err_set(e, ERR_USAGE, "'" VIEW_FMT "' names no folder or file", VIEW_ARG(s));
	put(r.path, rest);
	*ret = r;
	return 0;
}

void
ref_print(const struct ref *r, char out[REF_STR_MAX])
{
	if (r->kind != REF_REGISTRY) {
		(void)snprintf(out, REF_STR_MAX, "%s%s%s%s%s%s", kinds[r->kind], r->path,
			       r->tag[0] != '\0' ? ":" : "", r->tag,
			       digest_is_set(&r->digest) ? "@" : "", r->digest.str);
		return;
	}
	(void)snprintf(out, REF_STR_MAX, "%s/%s%s%s%s%s", r->host, r->repo,
		       r->tag[0] != '\0' ? ":" : "", r->tag, digest_is_set(&r->digest) ? "@" : "",
		       r->digest.str);
}

const char *
ref_what(const struct ref *r)
{
	if (digest_is_set(&r->digest))
		return r->digest.str;
	return r->tag[0] != '\0' ? r->tag : "latest";
}

const char *
ref_host(const struct ref *r)
{
	return strcmp(r->host, DOCKER_HUB) == 0 ? DOCKER_HUB_HOST : r->host;
}

bool
ref_is_local(const struct ref *r)
{
	struct view host = view_of(r->host), port;

	if (view_starts(host, "[::1]"))
		return true;
	(void)view_cut_last(&host, ':', &port);
	return view_eq(host, "localhost") ||
	       (view_starts(host, "127.") && strspn(host.p, "0123456789.") >= host.n);
}
