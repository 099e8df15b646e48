#include "fleet/probe_parts.h"

#include <stdio.h>
#include <string.h>

#define URL_MAX	 2048
#define HOST_MAX 256
#define PORT_MAX 8

static int
bad_target(const char *target, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' is not a target: %s", target, why);
}

static int
copy_part(struct view v, char *out, size_t size)
{
	if (v.n == 0 || v.n >= size)
		return -1;
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return 0;
}

static int
set_url(struct probe_target *t, const char *target, const char *before, const char *rest,
	struct err *e)
{
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX);

	buf_adds(&url, before);
	buf_adds(&url, rest);
	if (url.state == BUF_FULL)
		return bad_target(target, "it is too long", e);
	t->url = buf_take(&url);
	return t->url != NULL ? 0 : err_nomem(e);
}

/* http+unix://SOCKET:/path: what follows may have an address in it */
static int
parse_unix(const char *target, const char *rest, struct probe_target *t, struct err *e)
{
	const char *at = strstr(rest, ":/");

	if (at == NULL)
		return bad_target(target, "want http+unix://SOCKET:/path", e);
	if (copy_part((struct view){ rest, (size_t)(at - rest) }, t->socket, sizeof(t->socket)) < 0)
		return bad_target(target, "a socket's path has 1 to 107 bytes", e);
	return set_url(t, target, "http://localhost", at + 1, e);
}

static const char bad_port[] = "a port is a number from 1 to 65535";

/* 0 if it is none. */
static long
port_number(struct view v)
{
	char digits[PORT_MAX], *end;
	long n;

	if (copy_part(v, digits, sizeof(digits)) < 0 || *digits < '0' || *digits > '9')
		return 0;
	n = strtol(digits, &end, 10);
	return *end == '\0' && n <= UINT16_MAX ? n : 0;
}

static int
parse_tcp(const char *target, const char *rest, struct probe_target *t, struct err *e)
{
	struct view host = view_of(rest), port;
	char name[HOST_MAX], address[HOST_MAX + PORT_MAX + 4];
	long n;

	t->kind = PROBE_TCP;
	if (!view_cut_last(&host, ':', &port))
		return bad_target(target, "want tcp://HOST:PORT", e);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct view){ host.p + 1, host.n - 2 };
	n = port_number(port);
	if (n == 0)
		return bad_target(target, bad_port, e);
	/* what would be more than a host in an address is none here */
	if (copy_part(host, name, sizeof(name)) < 0 || strpbrk(name, "/?#@\\[]") != NULL)
		return bad_target(target, "want tcp://HOST:PORT", e);
	(void)snprintf(address, sizeof(address), strchr(name, ':') != NULL ? "[%s]:%ld" : "%s:%ld",
		       name, n);
	return set_url(t, target, "http://", address, e);
}

static int
parse_web(const char *target, const char *url, struct probe_target *t, struct err *e)
{
	const char *at = strstr(url, "://") + 3;
	struct view user = { at, strcspn(at, "/?#") }, host = user, port;

	/* a name and a password may have colons too */
	(void)view_cut_last(&user, '@', &host);
	if (host.n == 0 || host.p[0] == ':')
		return bad_target(target, "it names no host", e);
	if (host.p[host.n - 1] != ']' && view_cut_last(&host, ':', &port) && port.n > 0 &&
	    port_number(port) == 0)
		return bad_target(target, bad_port, e);
	return set_url(t, target, "", url, e);
}

/* docker:CONTAINER, or something to ask in that one's network after a slash */
static int
parse_docker(const char *target, const char *rest, struct probe_target *t, struct err *e)
{
	struct view all = view_of(rest), name = all;
	const char *slash = strchr(rest, '/');

	if (slash != NULL)
		name.n = (size_t)(slash - rest);
	if (!peek_is_name(name) || copy_part(name, t->container, sizeof(t->container)) < 0)
		return bad_target(target, "want docker:CONTAINER", e);
	if (slash == NULL) {
		t->kind = PROBE_CONTAINER;
		return 0;
	}
	all = view_of(slash + 1);
	if (view_starts(all, "tcp://"))
		return parse_tcp(target, slash + 1 + sizeof("tcp://") - 1, t, e);
	if (view_starts(all, "http://") || view_starts(all, "https://"))
		return parse_web(target, slash + 1, t, e);
	return bad_target(target, "want http://…, https://… or tcp://HOST:PORT in a container", e);
}

int
probe_target_parse(const char *target, struct probe_target *ret, struct err *e)
{
	static const char unix_prefix[] = "http+unix://", tcp_prefix[] = "tcp://",
			  docker_prefix[] = "docker:";
	struct view v = view_of(target);

	*ret = (struct probe_target){ .kind = PROBE_HTTP };
	for (const char *p = target; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return bad_target(target, "it has a space or a control byte", e);
	if (view_starts(v, unix_prefix))
		return parse_unix(target, target + sizeof(unix_prefix) - 1, ret, e);
	if (view_starts(v, tcp_prefix))
		return parse_tcp(target, target + sizeof(tcp_prefix) - 1, ret, e);
	if (view_starts(v, docker_prefix))
		return parse_docker(target, target + sizeof(docker_prefix) - 1, ret, e);
	if (view_starts(v, "http://") || view_starts(v, "https://"))
		return parse_web(target, target, ret, e);
	return bad_target(target,
			  "want http://…, https://…, http+unix://SOCKET:/path, tcp://HOST:PORT or "
			  "docker:CONTAINER",
			  e);
}

void
probe_target_clear(struct probe_target *t)
{
	free(t->url);
	t->url = NULL;
}
