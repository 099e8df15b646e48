#include "engine/spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsn.h"
#include "base/scope.h"

#define ENV_MAX_BYTES (128U << 10)
#define SHORT_ID      12
#define SIGNALS	      32 /* those with names */

static bool
is_empty(const struct json_t *v)
{
	const char *s = jsn_str(v, "");

	if (jsn_is_null(v))
		return true;
	if (s != NULL)
		return s[0] == '\0';
	return (jsn_is_object(v) || jsn_is_array(v)) && jsn_len(v) == 0;
}

static bool
same(const struct json_t *a, const struct json_t *b)
{
	return (is_empty(a) && is_empty(b)) || jsn_equal(a, b);
}

static void
drop_if_same(struct json_t *config, const struct json_t *image, const char *key)
{
	if (same(jsn_at_key(config, key), jsn_at_key(image, key)))
		jsn_remove(config, key);
}

static int
signal_number(const char *s)
{
	if (strncmp(s, "SIG", 3) != 0)
		return (int)strtol(s, NULL, 10);
	for (int n = 1; n < SIGNALS; n++)
		if (sigabbrev_np(n) != NULL && strcmp(s + 3, sigabbrev_np(n)) == 0)
			return n;
	return 0;
}

/* Podman tells the number of what the image calls by its name. */
static void
drop_signal(struct json_t *config, const struct json_t *image)
{
	int ours = signal_number(jsn_str_or(config, "StopSignal", ""));

	if (ours != 0 && ours == signal_number(jsn_str_or(image, "StopSignal", "")))
		jsn_remove(config, "StopSignal");
	drop_if_same(config, image, "StopSignal");
}

/* What the image has too, key by key, is the image's. */
static void
drop_members(struct json_t *config, const struct json_t *image, const char *key)
{
	const struct json_t *theirs = jsn_at_key(image, key);
	const struct json_t *ours = jsn_at_key(config, key);

	for (void *it = jsn_first(theirs); it != NULL; it = jsn_next(theirs, it))
		if (jsn_equal(jsn_at_key(ours, jsn_key(it)), jsn_value(it)))
			jsn_remove(jsn_mutable(ours), jsn_key(it));
	if (is_empty(ours))
		jsn_remove(config, key);
}

static bool
env_is(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

static bool
array_has(const struct json_t *array, const char *s)
{
	for (size_t i = 0; i < jsn_len(array); i++)
		if (strcmp(jsn_str_or(jsn_at(array, i), "", ""), s) == 0)
			return true;
	return false;
}

static int
push_env(struct json_t *env, const char *name, const char *value, struct err *e)
{
	AUTO_BUF struct buf entry = BUF_INIT(ENV_MAX_BYTES);

	buf_addf(&entry, "%s=%s", name, value);
	jsn_push(env, jsn_string(buf_cstr(&entry)));
	return buf_ok(&entry, "environment", e);
}

/* The engine's own choice: the beginning of the id. */
static bool
is_own_id(const struct json_t *c, const char *name)
{
	const char *id = jsn_str_or(c, "Id", "");

	return strlen(name) == SHORT_ID && strncmp(id, name, SHORT_ID) == 0;
}

/* Podman puts it into the environment. */
static bool
is_own_hostname(const struct json_t *c, const char *entry)
{
	return env_is(entry, "HOSTNAME") && is_own_id(c, strchr(entry, '=') + 1);
}

/* c, its image: NULL where config holds only what was set. */
static int
set_env(struct json_t *config, const struct json_t *c, const struct json_t *image,
	const struct spec_new *n, struct err *e)
{
	const struct json_t *ours = jsn_at_key(config, "Env");
	const struct json_t *theirs = jsn_at_key(image, "Env");
	struct json_t *env = jsn_array();

	for (size_t i = 0; i < jsn_len(ours); i++) {
		const char *s = jsn_str_or(jsn_at(ours, i), "", "");

		if (!array_has(theirs, s) && !env_is(s, SPEC_ENV_INSTANCE) &&
		    !env_is(s, SPEC_ENV_IMAGE) && !is_own_hostname(c, s))
			jsn_push(env, jsn_string(s));
	}
	jsn_set(config, "Env", env);
	if (push_env(env, SPEC_ENV_INSTANCE, n->instance, e) < 0)
		return -1;
	return push_env(env, SPEC_ENV_IMAGE, n->image, e);
}

/* An entrypoint of one's own also cuts the image's command off, so the two
 * belong together. */
static void
set_command(struct json_t *config, const struct json_t *image)
{
	if (!same(jsn_at_key(config, "Entrypoint"), jsn_at_key(image, "Entrypoint")))
		return;
	jsn_remove(config, "Entrypoint");
	drop_if_same(config, image, "Cmd");
}

static void
set_labels(struct json_t *config, const struct json_t *image, const struct spec_new *n)
{
	struct json_t *labels;

	drop_members(config, image, "Labels");
	labels = jsn_child(config, "Labels");
	jsn_set_str(labels, SPEC_LABEL_SERVICE, n->service);
	if (n->tag[0] != '\0')
		jsn_set_str(labels, SPEC_LABEL_TAG, n->tag);
	else
		jsn_remove(labels, SPEC_LABEL_TAG);
}

static bool
joins_container(const struct json_t *c)
{
	return view_starts(view_of(jsn_str_or(c, "HostConfig.NetworkMode", "")), "container:");
}

/* The engine refuses a name where another's network or the host's own name is used, although it
 * tells one. */
static bool
has_own_name(const struct json_t *c)
{
	return !joins_container(c) && strcmp(jsn_str_or(c, "HostConfig.UTSMode", ""), "host") != 0;
}

static void
set_names(struct json_t *config, const struct json_t *c)
{
	if (!has_own_name(c) || is_own_id(c, jsn_str_or(config, "Hostname", "")))
		jsn_remove(config, "Hostname");
	if (!joins_container(c))
		return;
	/* these belong to the container whose network it joins */
	jsn_remove(config, "Domainname");
	jsn_remove(config, "ExposedPorts");
	jsn_remove(config, "MacAddress");
}

static struct json_t *
make_config(const struct json_t *c, const struct json_t *old_image, const struct spec_new *n,
	    struct err *e)
{
	static const char *const plain[] = { "User", "WorkingDir", "Shell", "OnBuild",
					     "ArgsEscaped" };
	AUTO_JSN struct json_t *config = jsn_copy(jsn_get(c, "Config"));
	const struct json_t *image = jsn_get(old_image, "Config");

	if (!jsn_is_object(config)) {
		err_set(e, ERR_DATA, "the engine's answer has no 'Config'");
		return NULL;
	}
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		drop_if_same(config, image, plain[i]);
	drop_signal(config, image);
	set_command(config, image);
	drop_members(config, image, "Healthcheck");
	drop_members(config, image, "ExposedPorts");
	drop_members(config, image, "Volumes");
	set_labels(config, image, n);
	set_names(config, c);
	if (set_env(config, c, image, n, e) < 0)
		return NULL;
	jsn_set_str(config, "Image", n->image);
	return TAKE_PTR(config);
}

/* "/data/" and "/data" are one place. */
static bool
same_place(struct view a, const char *b)
{
	while (a.n > 1 && a.p[a.n - 1] == '/')
		a.n--;
	return view_eq(a, b);
}

static bool
is_bound(const struct json_t *host, const char *dest)
{
	const struct json_t *binds = jsn_at_key(host, "Binds");

	for (size_t i = 0; i < jsn_len(binds); i++) {
		struct view rest = view_of(jsn_str_or(jsn_at(binds, i), "", "")), part;

		if (!view_cut(&rest, ':', &part))
			continue;
		if (!view_cut(&rest, ':', &part))
			part = rest;
		if (same_place(part, dest))
			return true;
	}
	return false;
}

/* The entry of HostConfig.Mounts for that place; NULL if none. */
static struct json_t *
mount_at(const struct json_t *host, const char *dest)
{
	const struct json_t *mounts = jsn_at_key(host, "Mounts");

	for (size_t i = 0; i < jsn_len(mounts); i++)
		if (same_place(view_of(jsn_str_or(jsn_at(mounts, i), "Target", "")), dest))
			return jsn_mutable(jsn_at(mounts, i));
	return NULL;
}

/* Volumes that the engine made up a name for: the same data, not an empty new
 * one. */
static int
set_volumes(struct json_t *host, const struct json_t *c, struct err *e)
{
	const struct json_t *all = jsn_get(c, "Mounts");

	for (size_t i = 0; i < jsn_len(all); i++) {
		AUTO_BUF
		struct buf bind = BUF_INIT(ENV_MAX_BYTES);
		const struct json_t *m = jsn_at(all, i);
		const char *dest = jsn_str_or(m, "Destination", "");
		struct json_t *mount = mount_at(host, dest);

		if (strcmp(jsn_str_or(m, "Type", ""), "volume") != 0 || is_bound(host, dest))
			continue;
		if (mount != NULL) {
			jsn_set_str(mount, "Source", jsn_str_or(m, "Name", ""));
			continue;
		}
		buf_addf(&bind, "%s:%s%s", jsn_str_or(m, "Name", ""), dest,
			 jsn_bool(m, "RW", true) ? "" : ":ro");
		if (buf_ok(&bind, dest, e) < 0)
			return -1;
		if (!jsn_is_array(jsn_at_key(host, "Binds")))
			jsn_set(host, "Binds", jsn_array());
		jsn_push(jsn_mutable(jsn_at_key(host, "Binds")), jsn_string(buf_cstr(&bind)));
	}
	return 0;
}

/* "/db:/robot/alias", as inspect says it, is "db:alias" to create. */
static int
set_links(struct json_t *host, struct err *e)
{
	const struct json_t *old = jsn_at_key(host, "Links");
	struct json_t *links;

	if (is_empty(old))
		return 0;
	links = jsn_array();
	for (size_t i = 0; i < jsn_len(old); i++) {
		AUTO_BUF
		struct buf link = BUF_INIT(ENV_MAX_BYTES);
		struct view alias = view_of(jsn_str_or(jsn_at(old, i), "", "")), name, last;

		if (!view_cut(&alias, ':', &name))
			continue;
		last = alias;
		(void)view_cut_last(&alias, '/', &last);
		if (view_starts(name, "/"))
			name = (struct view){ name.p + 1, name.n - 1 };
		buf_addf(&link, VIEW_FMT ":" VIEW_FMT, VIEW_ARG(name), VIEW_ARG(last));
		if (buf_ok(&link, "links", e) < 0) {
			jsn_free(&links);
			return -1;
		}
		jsn_push(links, jsn_string(buf_cstr(&link)));
	}
	jsn_set(host, "Links", links);
	return 0;
}

/* Podman does not tell what may be done with a device, and wants to be told. */
static void
set_devices(struct json_t *host)
{
	const struct json_t *all = jsn_at_key(host, "Devices");

	for (size_t i = 0; i < jsn_len(all); i++) {
		struct json_t *device = jsn_mutable(jsn_at(all, i));

		if (is_empty(jsn_at_key(device, "CgroupPermissions")))
			jsn_set_str(device, "CgroupPermissions", "rwm");
	}
}

/* Podman tells --cpus as what it comes to, too, and takes one of both. */
static void
set_cpus(struct json_t *host)
{
	if (jsn_int(host, "NanoCpus", 0) == 0)
		return;
	jsn_remove(host, "CpuPeriod");
	jsn_remove(host, "CpuQuota");
}

/* "RLIMIT_NOFILE", as Podman tells it, is "nofile" to create. */
static int
set_ulimits(struct json_t *host, struct err *e)
{
	static const char prefix[] = "RLIMIT_";
	const struct json_t *all = jsn_at_key(host, "Ulimits");

	for (size_t i = 0; i < jsn_len(all); i++) {
		AUTO_BUF struct buf name = BUF_INIT(ENV_MAX_BYTES);
		struct json_t *limit = jsn_mutable(jsn_at(all, i));
		const char *s = jsn_str_or(limit, "Name", "");

		if (!view_starts(view_of(s), prefix))
			continue;
		for (s += sizeof(prefix) - 1; *s != '\0'; s++)
			buf_addf(&name, "%c", tolower((unsigned char)*s));
		if (buf_ok(&name, "ulimits", e) < 0)
			return -1;
		jsn_set_str(limit, "Name", buf_cstr(&name));
	}
	return 0;
}

static struct json_t *
make_host(const struct json_t *c, struct err *e)
{
	AUTO_JSN struct json_t *host = jsn_copy(jsn_get(c, "HostConfig"));
	struct json_t *policy = jsn_object();

	if (!jsn_is_object(host)) {
		jsn_free(&policy);
		err_set(e, ERR_DATA, "the engine's answer has no 'HostConfig'");
		return NULL;
	}
	jsn_set_str(policy, "Name", "no");
	jsn_set_int(policy, "MaximumRetryCount", 0);
	jsn_set(host, "RestartPolicy", policy);
	set_devices(host);
	set_cpus(host);
	if (set_ulimits(host, e) < 0 || set_volumes(host, c, e) < 0 || set_links(host, e) < 0)
		return NULL;
	return TAKE_PTR(host);
}

/* The engine makes an address of the IP where nobody set one; a new IP then has a new one. */
static bool
is_made_up(const char *mac, const char *ip)
{
	unsigned int a, b, c, d;
	char made[32];

	if (sscanf(ip, "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
		return false;
	(void)snprintf(made, sizeof(made), "02:42:%02x:%02x:%02x:%02x", a, b, c, d);
	return strcmp(mac, made) == 0;
}

static struct json_t *
make_endpoint(const struct json_t *c, const struct json_t *old)
{
	static const char *const keep[] = { "IPAMConfig", "Links", "DriverOpts", "GwPriority" };
	const char *mac = jsn_str_or(old, "MacAddress", "");
	const struct json_t *aliases = jsn_at_key(old, "Aliases");
	struct json_t *made = jsn_object(), *ours;

	for (size_t i = 0; i < COUNT_OF(keep); i++)
		if (!is_empty(jsn_at_key(old, keep[i])))
			jsn_set(made, keep[i], jsn_copy(jsn_at_key(old, keep[i])));
	/* from API 1.44 on the engine tells here, and nowhere else, which one was set */
	if (mac[0] != '\0' && !is_made_up(mac, jsn_str_or(old, "IPAddress", "")))
		jsn_set_str(made, "MacAddress", mac);
	if (is_empty(aliases))
		return made;
	ours = jsn_array();
	for (size_t i = 0; i < jsn_len(aliases); i++)
		if (!is_own_id(c, jsn_str_or(jsn_at(aliases, i), "", "")))
			jsn_push(ours, jsn_copy(jsn_at(aliases, i)));
	jsn_set(made, "Aliases", ours);
	return made;
}

static bool
is_one_of(const char *s, const char *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, all[i]) == 0)
			return true;
	return false;
}

/* host, none and the default bridge have no settings of their own.  Podman calls
 * that network podman, and what other networks do bridge, too. */
static bool
is_bare(const char *mode, const struct json_t *all)
{
	static const char *const modes[] = { "host", "none", "default", "bridge" };
	static const char *const names[] = { "host", "none", "bridge", "podman" };

	if (is_empty(all))
		return true;
	return jsn_len(all) == 1 && is_one_of(mode, modes, COUNT_OF(modes)) &&
	       is_one_of(jsn_key(jsn_first(all)), names, COUNT_OF(names));
}

static void
set_networks(struct json_t *spec, const struct json_t *c)
{
	const char *mode = jsn_str_or(c, "HostConfig.NetworkMode", "default");
	const struct json_t *all = jsn_get(c, "NetworkSettings.Networks");
	struct json_t *ends;

	if (joins_container(c) || is_bare(mode, all))
		return;
	ends = jsn_object();
	for (void *it = jsn_first(all); it != NULL; it = jsn_next(all, it))
		jsn_set(ends, jsn_key(it), make_endpoint(c, jsn_value(it)));
	jsn_set(jsn_child(spec, "NetworkingConfig"), "EndpointsConfig", ends);
}

int
spec_make(const struct json_t *container, const struct json_t *old_image, const struct spec_new *n,
	  struct json_t **ret, struct err *e)
{
	AUTO_JSN struct json_t *spec = NULL;
	struct json_t *host;

	if (jsn_bool(container, "HostConfig.AutoRemove", false))
		return err_set(e, ERR_NO, "'%s' was started with --rm and cannot be replaced",
			       n->service);
	spec = make_config(container, old_image, n, e);
	if (spec == NULL)
		return -1;
	host = make_host(container, e);
	if (host == NULL)
		return -1;
	jsn_set(spec, "HostConfig", host);
	set_networks(spec, container);
	*ret = TAKE_PTR(spec);
	return 0;
}

static const char *
env_value(const struct json_t *env, const char *name)
{
	for (size_t i = 0; i < jsn_len(env); i++) {
		const char *s = jsn_str_or(jsn_at(env, i), "", "");

		if (env_is(s, name))
			return s + strlen(name) + 1;
	}
	return NULL;
}

int
spec_again(const struct json_t *saved, const struct spec_new *n, struct json_t **ret, struct err *e)
{
	AUTO_JSN struct json_t *spec = jsn_copy(saved);
	const char *instance = env_value(jsn_at_key(saved, "Env"), SPEC_ENV_INSTANCE);
	struct spec_new mine = *n;

	if (!jsn_is_object(spec))
		return err_set(e, ERR_DATA, "the saved container of '%s' is not whole", n->service);
	mine.instance = instance != NULL ? instance : n->instance;
	set_labels(spec, NULL, &mine);
	if (set_env(spec, NULL, NULL, &mine, e) < 0)
		return -1;
	jsn_set_str(spec, "Image", mine.image);
	*ret = TAKE_PTR(spec);
	return 0;
}

const char *
spec_env(const struct json_t *inspect, const char *name)
{
	return env_value(jsn_get(inspect, "Config.Env"), name);
}
