#include "fleet/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsn.h"
#include "base/scope.h"

#define LOG_LINES 200
#define LOG_MS	  1000
#define KEY_MAX	  512
#define PROC_MAX  8192
#define MB	  1000000
#define MODE_DIR  0700
#define MODE_FILE 0600
#define MASK	  "***"

/* --- secrets ---------------------------------------------------------------- */

static bool
is_secret(const char *variable)
{
	static const char *const parts[] = { "pass",	   "pwd",     "secret", "token", "key",
					     "credential", "private", "auth",	"cookie" };
	const char *value = strchr(variable, '='), *address;
	char name[KEY_MAX];

	if (value == NULL)
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(value - variable), variable);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (strcasestr(name, parts[i]) != NULL)
			return true;
	address = strstr(value, "://");
	return address != NULL && strchr(address, '@') != NULL;
}

struct json_t *
evidence_mask(const struct json_t *inspect)
{
	struct json_t *copy = jsn_copy(inspect);
	struct json_t *all = jsn_mutable(jsn_get(copy, "Config.Env"));

	for (size_t i = 0; i < jsn_len(all); i++) {
		AUTO_BUF struct buf masked = BUF_INIT(KEY_MAX);
		const char *s = jsn_str_or(jsn_at(all, i), "", "");

		if (!is_secret(s))
			continue;
		buf_addf(&masked, "%.*s=" MASK, (int)strcspn(s, "="), s);
		jsn_replace(all, i, jsn_string(buf_cstr(&masked)));
	}
	return copy;
}

/* --- differences ------------------------------------------------------------ */

static void
add_value(struct buf *out, const struct json_t *v)
{
	AUTO_FREE char *text = v != NULL ? jsn_dump(v) : NULL;

	buf_adds(out, text != NULL ? text : "nothing");
}

static bool
has(const struct json_t *list, const struct json_t *v)
{
	for (size_t i = 0; i < jsn_len(list); i++)
		if (jsn_equal(jsn_at(list, i), v))
			return true;
	return false;
}

static void
diff_lists(const char *path, const struct json_t *old, const struct json_t *new, struct buf *out)
{
	const struct json_t *const lists[] = { old, new };

	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		for (size_t i = 0; i < jsn_len(lists[k]); i++) {
			const struct json_t *v = jsn_at(lists[k], i);

			if (has(lists[!k], v))
				continue;
			buf_addf(out, "%s: %c ", path, k == 0 ? '-' : '+');
			add_value(out, v);
			buf_addc(out, '\n');
		}
	}
}

/* Every container has its own. */
static bool
is_noise(const char *path)
{
	static const char *const keys[] = { "Id",	  "Created",	  "ResolvConfPath",
					    "HostsPath",  "HostnamePath", "LogPath",
					    "GraphDriver" };

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (strcmp(path, keys[i]) == 0)
			return true;
	return false;
}

static void
diff(const char *path, const struct json_t *old, const struct json_t *new, struct buf *out)
{
	char deeper[KEY_MAX];
	const char *dot = path[0] != '\0' ? "." : "";

	if (jsn_equal(old, new) || is_noise(path))
		return;
	if (jsn_is_object(old) && jsn_is_object(new)) {
		for (void *it = jsn_first(old); it != NULL; it = jsn_next(old, it)) {
			(void)snprintf(deeper, sizeof(deeper), "%s%s%s", path, dot, jsn_key(it));
			diff(deeper, jsn_value(it), jsn_at_key(new, jsn_key(it)), out);
		}
		for (void *it = jsn_first(new); it != NULL; it = jsn_next(new, it)) {
			(void)snprintf(deeper, sizeof(deeper), "%s%s%s", path, dot, jsn_key(it));
			if (jsn_at_key(old, jsn_key(it)) == NULL)
				diff(deeper, NULL, jsn_value(it), out);
		}
		return;
	}
	if (jsn_is_array(old) && jsn_is_array(new)) {
		diff_lists(path, old, new, out);
		return;
	}
	buf_addf(out, "%s: ", path);
	add_value(out, old);
	buf_adds(out, " -> ");
	add_value(out, new);
	buf_addc(out, '\n');
}

void
evidence_diff(const struct json_t *old, const struct json_t *new, struct buf *out)
{
	diff("", old, new, out);
}

/* --- files ------------------------------------------------------------------ */

/* No fsync: it would keep the robot waiting. */
static int
put(int folder, const char *service, const char *what, struct view bytes, struct err *e)
{
	char name[KEY_MAX];
	AUTO_FD int fd = -1;

	(void)snprintf(name, sizeof(name), "%s.%s", service, what);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE_FILE);
	if (fd < 0)
		return err_sys(e, "open '%s'", name);
	if (bytes.n > EVIDENCE_FILE_MAX)
		bytes.n = EVIDENCE_FILE_MAX;
	if (write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
		return err_sys(e, "write '%s'", name);
	return 0;
}

static int
put_json(int folder, const char *service, const char *what, const struct json_t *v, struct err *e)
{
	AUTO_FREE char *text = jsn_dump(v);

	return text != NULL ? put(folder, service, what, view_of(text), e) : err_nomem(e);
}

static int
remove_folder(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return err_sys(e, "open '%s'", name);
	}
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 ? 0 : err_sys(e, "remove '%s'", name);
}

static int
is_folder(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Names of deployments sort by age. */
static int
make_room(int dir, struct err *e)
{
	struct dirent **all = NULL;
	int n = scandirat(dir, ".", &all, is_folder, alphasort), status = 0;

	if (n < 0)
		return err_sys(e, "read the folder");
	for (int i = 0; i < n; i++) {
		if (i <= n - EVIDENCE_FOLDERS && status == 0)
			status = remove_folder(dir, all[i]->d_name, e);
		free(all[i]);
	}
	free(all);
	return status;
}

static int
open_folder(const struct evidence *v, char path[EVIDENCE_PATH_MAX], int *ret, struct err *e)
{
	AUTO_FD int dir = -1;

	if (file_mkdirs(v->dir, MODE_DIR, e) < 0)
		return -1;
	dir = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open '%s'", v->dir);
	if (faccessat(dir, v->txn, F_OK, 0) < 0 && make_room(dir, e) < 0)
		return -1;
	if (mkdirat(dir, v->txn, MODE_DIR) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s/%s'", v->dir, v->txn);
	*ret = openat(dir, v->txn, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(e, "open '%s/%s'", v->dir, v->txn);
	(void)snprintf(path, EVIDENCE_PATH_MAX, "%s/%s", v->dir, v->txn);
	return 0;
}

/* --- what there is ----------------------------------------------------------- */

static void
add_lines(const char *path, const char *const *keys, struct buf *out)
{
	AUTO_BUF struct buf text = BUF_INIT(PROC_MAX);
	struct view rest, line;

	if (file_read(AT_FDCWD, path, &text, NULL) < 0)
		return;
	rest = view_buf(&text);
	while (view_cut(&rest, '\n', &line))
		for (size_t i = 0; keys[i] != NULL; i++)
			if (view_starts(line, keys[i]))
				buf_addf(out, VIEW_FMT "\n", VIEW_ARG(line));
}

static void
describe(const struct evidence *v, const struct json_t *new, struct buf *out)
{
	static const char *const memory[] = { "MemTotal:", "MemAvailable:", "SwapTotal:",
					      "SwapFree:", NULL };
	static const char *const any[] = { "", NULL };
	char now[CLOCK_RFC3339_MAX];
	struct statvfs fs;

	clock_rfc3339(clock_wall_ns(), now);
	buf_addf(out, "%s %s\n%s\nold: %s\nnew: %s\n\n", now, v->service, v->words,
		 jsn_str_or(v->old, "Config.Image", "-"), jsn_str_or(new, "Config.Image", "-"));
	buf_adds(out, "load: ");
	add_lines("/proc/loadavg", any, out);
	add_lines("/proc/meminfo", memory, out);
	if (statvfs(v->dir, &fs) == 0)
		buf_addf(out, "disk of '%s': %" PRIu64 " of %" PRIu64 " MB free\n", v->dir,
			 (uint64_t)fs.f_bavail * fs.f_frsize / MB,
			 (uint64_t)fs.f_blocks * fs.f_frsize / MB);
}

static int
put_container(const struct evidence *v, int folder, const struct json_t *inspect, struct err *e)
{
	AUTO_JSN struct json_t *old = evidence_mask(v->old);
	AUTO_JSN struct json_t *new = evidence_mask(inspect);
	AUTO_BUF struct buf changes = BUF_INIT(EVIDENCE_FILE_MAX);
	AUTO_BUF struct buf log = BUF_INIT(EVIDENCE_FILE_MAX);
	struct err why = { 0 };

	if (engine_logs(v->engine, v->new_id, LOG_LINES, LOG_MS, &log, &why) < 0)
		buf_addf(&log, "no log: %s\n", why.msg);
	evidence_diff(old, new, &changes);
	if (put(folder, v->service, "log", view_buf(&log), e) < 0 ||
	    put_json(folder, v->service, "old.json", old, e) < 0 ||
	    put_json(folder, v->service, "new.json", new, e) < 0 ||
	    put(folder, v->service, "diff", view_buf(&changes), e) < 0)
		return -1;
	return jsn_get(new, "State.Health") != NULL ? put_json(folder, v->service, "health.json",
							       jsn_get(new, "State.Health"), e)
						    : 0;
}

int
evidence_take(const struct evidence *v, char ret[EVIDENCE_PATH_MAX], struct err *e)
{
	AUTO_JSN struct json_t *new = NULL;
	AUTO_BUF struct buf text = BUF_INIT(EVIDENCE_FILE_MAX);
	AUTO_FD int folder = -1;

	ret[0] = '\0';
	if (strchr(v->service, '/') != NULL)
		return err_set(e, ERR_DATA, "'%s' is no name of a file", v->service);
	if (open_folder(v, ret, &folder, e) < 0)
		return -1;
	if (v->new_id[0] != '\0')
		(void)engine_container(v->engine, v->new_id, &new, NULL);
	describe(v, new, &text);
	if (put(folder, v->service, "txt", view_buf(&text), e) < 0)
		return -1;
	return new != NULL ? put_container(v, folder, new, e) : 0;
}
