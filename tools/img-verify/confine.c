#include "confine.h"

#include <libgen.h>
#include <string.h>

#include "base/log.h"
#include "base/sandbox.h"

static const char *const libraries[] = {
	/* OpenSSL's settings and providers, resolvers of names; what sanitizers read at the end */
	"/etc/ssl/openssl.cnf",
	"/usr/lib",
	"/lib",
	"/lib64",
	"/etc/ld.so.cache",
#ifdef __SANITIZE_ADDRESS__
	"/proc",
#endif
};

static const char *const network[] = {
	/* authorities */
	"/etc/ssl",
	"/etc/pki",
	"/etc/ca-certificates",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	/* names */
	"/etc/resolv.conf",
	"/run/systemd/resolve",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/services",
};

struct paths {
	const char *path[COUNT_OF(libraries) + COUNT_OF(network) + AUTH_FILES_MAX];
	size_t n;
};

static void
add(struct paths *p, const char *const *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p->path[p->n++] = more[i];
}

static int
enter(const struct paths *p, const char *replace, bool connect, struct err *e)
{
	struct sandbox s = { .read = p->path, .n = p->n, .replace = replace, .connect = connect };
	int status = sandbox_enter(&s, e);

	if (status == 0)
		log_debug("no sandbox: this kernel, or the container, has no landlock");
	return status < 0 ? -1 : 0;
}

int
confine_to_registries(const struct auth_files *f, const char *replace, struct err *e)
{
	AUTO_FREE char *copy = replace != NULL ? strdup(replace) : NULL;
	struct paths p = { 0 };

	if (replace != NULL && copy == NULL)
		return err_nomem(e);

	if (auth_needs_programs(f)) {
		log_debug("no sandbox: a program that keeps credentials may have to be started");
		return sandbox_no_new_privs(e);
	}
	add(&p, libraries, COUNT_OF(libraries));
	add(&p, network, COUNT_OF(network));
	for (size_t i = 0; i < f->n; i++)
		p.path[p.n++] = f->path[i];
	return enter(&p, copy != NULL ? dirname(copy) : NULL, true, e);
}

int
confine_to_memory(struct err *e)
{
	struct paths p = { 0 };

	add(&p, libraries, COUNT_OF(libraries));
	return enter(&p, NULL, false, e);
}
