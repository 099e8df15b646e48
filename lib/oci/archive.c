#include "oci/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsn.h"
#include "oci/layout.h"
#include "oci/tags.h"

#define PATH_BYTES	4096
#define BLOCK		(64U << 10)
#define LIST_MAX	(8U << 20) /* bytes of manifest.json */
#define IMAGES_MAX	1024
#define DOCKER_CONFIG	"application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER	"application/vnd.docker.image.rootfs.diff.tar"
#define ENTRY_MODE	0644
#define DESCRIPTORS_MAX 16 /* open folders while one is removed */

/* A folder of ours, which goes with what lies in it. */
struct folder {
	char path[PATH_BYTES];
	char file[PATH_BYTES]; /* the archive to make of it; "" for none */
	bool docker, keep;
	char name[REF_STR_MAX];
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static void
folder_end(void *arg)
{
	struct folder *f = arg;

	if (!f->keep)
		(void)nftw(f->path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS);
	free(f);
}

/* --- unpacking ------------------------------------------------------------- */

/* Legacy archives name a layer that they have already by a symbolic link. */
struct alias {
	char *name, *of;
};

struct unpack {
	struct archive *a;
	int dir;
	int64_t out; /* bytes written so far */
	size_t entries;
	struct alias *aliases;
	size_t n;
};

static void
unpack_clear(struct unpack *u)
{
	if (u->a != NULL)
		(void)archive_read_free(u->a);
	if (u->dir >= 0)
		(void)close(u->dir);
	for (size_t i = 0; i < u->n; i++) {
		free(u->aliases[i].name);
		free(u->aliases[i].of);
	}
	free(u->aliases);
}

/* A relative name without "." and "..", in out. */
static int
clean_name(const char *given, char out[PATH_BYTES], struct err *e)
{
	struct view rest = view_of(given), part;
	size_t n = 0;
	bool more = true;

	out[0] = '\0';
	if (given[0] == '/')
		return err_set(e, ERR_DATA, "the name '%s' is absolute", given);
	while (more) {
		more = view_cut(&rest, '/', &part);
		if (!more)
			part = rest;
		if (part.n == 0 || view_eq(part, "."))
			continue;
		if (view_eq(part, ".."))
			return err_set(e, ERR_DATA, "the name '%s' leads out of the archive",
				       given);
		if (n + part.n + 2 > PATH_BYTES)
			return err_set(e, ERR_DATA, "the name '%.64s…' is too long", given);
		if (n > 0)
			out[n++] = '/';
		memcpy(out + n, part.p, part.n);
		n += part.n;
		out[n] = '\0';
	}
	return 0;
}

static int
make_parents(int dir, char *path, struct err *e)
{
	for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdirat(dir, path, 0700);
		*slash = '/';
		if (made < 0 && errno != EEXIST)
			return err_sys(e, "make the folder of '%s'", path);
	}
	return 0;
}

/* What comes out is in no proportion to what went in. */
static bool
is_bomb(const struct unpack *u)
{
	return u->out > ARCHIVE_FREE && u->out / ARCHIVE_RATIO > archive_filter_bytes(u->a, -1);
}

static int
broken(const struct unpack *u, struct err *e)
{
	const char *words = archive_error_string(u->a);

	return err_set(e, ERR_DATA, "it cannot be read: %s", words != NULL ? words : "no archive");
}

static int
unpack_file(struct unpack *u, char *path, struct err *e)
{
	AUTO_FD int fd = -1;
	AUTO_FREE char *block = malloc(BLOCK);
	la_ssize_t n;

	if (block == NULL)
		return err_nomem(e);
	if (make_parents(u->dir, path, e) < 0)
		return -1;
	if (file_open_beneath(u->dir, path, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, e) < 0)
		return errno == EEXIST ? err_set(e, ERR_DATA, "'%s' is in it twice", path) : -1;
	while ((n = archive_read_data(u->a, block, BLOCK)) > 0) {
		u->out += n;
		if (is_bomb(u))
			return err_set(e, ERR_DATA, "it unpacks to more than %d times its size",
				       ARCHIVE_RATIO);
		if (write(fd, block, (size_t)n) != n)
			return err_sys(e, "unpack '%s'", path);
	}
	return n < 0 ? broken(u, e) : 0;
}

/* Where a link points to from where it lies, as a name in the archive. */
static int
unpack_link(struct unpack *u, const char *path, const char *to, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char joined[2 * PATH_BYTES], clean[PATH_BYTES];
	struct alias *more;
	size_t up = 0;

	/* "../ID/layer.tar" in a folder of the first level is all that there is */
	if (slash != NULL && strncmp(to, "../", 3) == 0)
		up = 3;
	(void)snprintf(joined, sizeof(joined), "%.*s%s",
		       up == 0 && slash != NULL ? (int)(slash + 1 - path) : 0, path, to + up);
	if (clean_name(joined, clean, e) < 0)
		return -1;
	more = reallocarray(u->aliases, u->n + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	u->aliases = more;
	more += u->n++;
	more->name = strdup(path);
	more->of = strdup(clean);
	return more->name != NULL && more->of != NULL ? 0 : err_nomem(e);
}

static int
unpack_entry(struct unpack *u, struct archive_entry *entry, struct err *e)
{
	const char *given = archive_entry_pathname(entry);
	char path[PATH_BYTES];

	if (++u->entries > ARCHIVE_ENTRIES_MAX)
		return err_set(e, ERR_DATA, "it has more than %d entries", ARCHIVE_ENTRIES_MAX);
	if (given == NULL)
		return err_set(e, ERR_DATA, "entry %zu has no name", u->entries);
	if (clean_name(given, path, e) < 0)
		return -1;
	if (archive_entry_hardlink(entry) != NULL)
		return err_set(e, ERR_DATA, "'%s' is a hard link", path);
	if (archive_entry_filetype(entry) == AE_IFDIR || path[0] == '\0')
		return 0;
	if (archive_entry_filetype(entry) == AE_IFLNK)
		return unpack_link(u, path, archive_entry_symlink(entry), e);
	if (archive_entry_filetype(entry) != AE_IFREG)
		return err_set(e, ERR_DATA, "'%s' is no file", path);
	return unpack_file(u, path, e);
}

static int
unpack(struct unpack *u, const char *path, struct err *e)
{
	struct archive_entry *entry;
	int status;

	u->a = archive_read_new();
	if (u->a == NULL || archive_read_support_format_tar(u->a) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(u->a) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(u->a) != ARCHIVE_OK)
		return err_nomem(e);
	if (archive_read_open_filename(u->a, strcmp(path, "-") == 0 ? NULL : path, BLOCK) !=
	    ARCHIVE_OK) {
		if (access(path, F_OK) < 0 && strcmp(path, "-") != 0)
			return err_set(e, ERR_NOTFOUND, "there is no such file");
		return broken(u, e);
	}
	while ((status = archive_read_next_header(u->a, &entry)) == ARCHIVE_OK)
		if (unpack_entry(u, entry, e) < 0)
			return -1;
	return status == ARCHIVE_EOF ? 0 : broken(u, e);
}

/* --- what docker save writes -------------------------------------------------- */

static const char *
without_alias(const struct unpack *u, const char *name)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->aliases[i].name, name) == 0)
			return u->aliases[i].of;
	return name;
}

/* Its beginning says how a layer is packed: docker loads all of these. */
static const char *
layer_type(const char *start, size_t n)
{
	if (n >= 2 && memcmp(start, "\x1f\x8b", 2) == 0)
		return DOCKER_LAYER ".gzip";
	if (n >= 4 && memcmp(start, "\x28\xb5\x2f\xfd", 4) == 0)
		return DOCKER_LAYER ".zstd";
	return DOCKER_LAYER;
}

static int
hash_file(int fd, struct digest *ret, int64_t *ret_size, const char **ret_type, struct err *e)
{
	static const struct digest like = { "sha256:" };
	AUTO_SUM struct digest_sum *sum = NULL;
	AUTO_FREE char *block = malloc(BLOCK);
	ssize_t n;

	*ret_size = 0;
	*ret_type = DOCKER_LAYER;
	if (block == NULL)
		return err_nomem(e);
	if (digest_sum_new(&like, &sum, e) < 0)
		return -1;
	while ((n = read(fd, block, BLOCK)) > 0) {
		if (*ret_size == 0)
			*ret_type = layer_type(block, (size_t)n);
		digest_sum_add(sum, block, (size_t)n);
		*ret_size += n;
	}
	if (n < 0)
		return err_sys(e, "read");
	digest_sum_end(sum, ret);
	return 0;
}

/* A file of the archive becomes a blob of the layout, and a descriptor.  type:
 * NULL for a layer's. */
static int
adopt(const struct unpack *u, const char *given, const char *type, struct json_t **ret,
      struct err *e)
{
	AUTO_FD int fd = -1;
	char name[PATH_BYTES], blob[PATH_BYTES];
	const char *found;
	struct digest d;
	int64_t size;

	if (clean_name(given, name, e) < 0)
		return -1;
	given = without_alias(u, name);
	if (file_open_beneath(u->dir, given, O_RDONLY, 0, &fd, e) < 0)
		return err_set(e, ERR_DATA, "manifest.json names '%s', which is not in it", given);
	if (hash_file(fd, &d, &size, &found, e) < 0)
		return -1;
	(void)snprintf(blob, sizeof(blob), "blobs/sha256/%s", digest_hex(&d));
	if (linkat(u->dir, given, u->dir, blob, 0) < 0 && errno != EEXIST)
		return err_sys(e, "keep '%s'", given);
	*ret = jsn_object();
	jsn_set_str(*ret, "mediaType", type != NULL ? type : found);
	jsn_set_int(*ret, "size", size);
	jsn_set_str(*ret, "digest", d.str);
	return 0;
}

static int
make_manifest(const struct unpack *u, const struct json_t *image, struct manifest *ret,
	      struct err *e)
{
	AUTO_JSN struct json_t *m = jsn_object();
	AUTO_FREE char *text = NULL;
	struct json_t *part = NULL, *layers = jsn_array();
	const struct json_t *names = jsn_get(image, "Layers");

	jsn_set_int(m, "schemaVersion", 2);
	jsn_set_str(m, "mediaType", MEDIA_DOCKER_MANIFEST);
	jsn_set(m, "config", jsn_object());
	jsn_set(m, "layers", layers);
	if (adopt(u, jsn_str_or(image, "Config", "?"), DOCKER_CONFIG, &part, e) < 0)
		return -1;
	jsn_set(m, "config", part);
	if (jsn_len(names) > MANIFEST_LAYERS_MAX)
		return err_set(e, ERR_DATA, "manifest.json: more than %d layers",
			       MANIFEST_LAYERS_MAX);
	for (size_t i = 0; i < jsn_len(names); i++) {
		if (adopt(u, jsn_str_or(jsn_at(names, i), "", "?"), NULL, &part, e) < 0)
			return -1;
		jsn_push(layers, part);
	}
	text = jsn_dump(m);
	if (text == NULL)
		return err_nomem(e);
	return manifest_parse(view_of(text), NULL, NULL, "manifest.json", ret, e);
}

static int
put_image(const struct unpack *u, const struct json_t *image, struct store *s, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	const struct json_t *names = jsn_get(image, "RepoTags");
	bool tagged = false;

	if (make_manifest(u, image, &m, e) < 0)
		return -1;
	for (size_t i = 0; i < jsn_len(names); i++) {
		const char *name = jsn_str_or(jsn_at(names, i), "", ""), *tag = strrchr(name, ':');

		if (tag == NULL || !ref_is_tag(view_of(tag + 1)))
			continue;
		if (store_put_manifest(s, tag + 1, &m, e) < 0)
			return -1;
		tagged = true;
	}
	return tagged ? 0 : store_put_manifest(s, m.digest.str, &m, e);
}

/* The folder becomes a layout that has the same images. */
static int
convert(const struct unpack *u, const char *dir, const char *name, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(LIST_MAX);
	AUTO_JSN struct json_t *images = NULL;
	AUTO_STORE struct store *s = NULL;

	if (file_read(u->dir, "manifest.json", &text, NULL) < 0)
		return err_set(e, ERR_DATA, "it is neither an OCI layout nor a docker archive");
	images = jsn_parse(view_buf(&text), "manifest.json", e);
	if (images == NULL)
		return -1;
	if (!jsn_is_array(images) || jsn_len(images) > IMAGES_MAX)
		return err_set(e, ERR_DATA, "manifest.json is no list, or too long");
	if (layout_open(dir, true, name, &s, e) < 0)
		return -1;
	for (size_t i = 0; i < jsn_len(images); i++)
		if (put_image(u, jsn_at(images, i), s, e) < 0)
			return -1;
	return store_finish(s, e);
}

static int
unpack_all(const char *path, const char *dir, const char *name, struct err *e)
{
	AUTO(unpack_clear) struct unpack u = { .dir = -1 };

	u.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u.dir < 0)
		return err_sys(e, "open '%s'", dir);
	if (unpack(&u, path, e) < 0)
		return -1;
	return faccessat(u.dir, "oci-layout", F_OK, 0) == 0 ? 0 : convert(&u, dir, name, e);
}

int
archive_open(const char *path, const char *name, struct store **ret, struct err *e)
{
	struct folder *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	if (f == NULL)
		return err_nomem(e);
	(void)snprintf(f->path, sizeof(f->path), "%s/gantry-XXXXXX",
		       tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(f->path) == NULL) {
		(void)err_sys(e, "make '%s'", f->path);
		free(f);
		return -1;
	}
	if (unpack_all(path, f->path, name, e) < 0) {
		folder_end(f);
		return err_wrap(e, "'%s'", name);
	}
	if (layout_open(f->path, false, name, ret, e) < 0) {
		folder_end(f);
		return -1;
	}
	layout_hooks(*ret, NULL, folder_end, f);
	return 0;
}

/* --- packing -------------------------------------------------------------------- */

struct pack {
	struct archive *a;
	int dir, fd;
};

static void
pack_clear(struct pack *p)
{
	if (p->a != NULL)
		(void)archive_write_free(p->a);
	if (p->dir >= 0)
		(void)close(p->dir);
	if (p->fd >= 0)
		(void)close(p->fd);
}

static int
write_failed(const struct pack *p, struct err *e)
{
	errno = archive_errno(p->a);
	return err_sys(e, "write the archive");
}

static int
begin_entry(struct pack *p, const char *name, int64_t size, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	int status = 0;

	if (entry == NULL)
		return err_nomem(e);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, ENTRY_MODE);
	archive_entry_set_mtime(entry, 0, 0);
	if (archive_write_header(p->a, entry) != ARCHIVE_OK)
		status = write_failed(p, e);
	archive_entry_free(entry);
	return status;
}

static int
add_bytes(struct pack *p, const char *name, const char *bytes, struct err *e)
{
	size_t n = strlen(bytes);

	if (begin_entry(p, name, (int64_t)n, e) < 0)
		return -1;
	return archive_write_data(p->a, bytes, n) == (la_ssize_t)n ? 0 : write_failed(p, e);
}

static int
add_file(struct pack *p, const char *from, const char *name, struct err *e)
{
	AUTO_FD int fd = -1;
	AUTO_FREE char *block = malloc(BLOCK);
	struct stat st;
	ssize_t n;

	if (block == NULL)
		return err_nomem(e);
	if (file_open_beneath(p->dir, from, O_RDONLY, 0, &fd, e) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", from);
	if (begin_entry(p, name, st.st_size, e) < 0)
		return -1;
	while ((n = read(fd, block, BLOCK)) > 0)
		if (archive_write_data(p->a, block, (size_t)n) != n)
			return write_failed(p, e);
	return n < 0 ? err_sys(e, "read '%s'", from) : 0;
}

static int
is_blob(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int
add_blobs(struct pack *p, const char *folder, struct err *e)
{
	struct dirent **all = NULL;
	int n = scandirat(p->dir, folder, &all, is_blob, alphasort), status = 0;
	char path[PATH_BYTES];

	if (n < 0 && errno != ENOENT)
		return err_sys(e, "read '%s'", folder);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, all[i]->d_name);
		if (status == 0)
			status = add_file(p, path, path, e);
		free(all[i]);
	}
	free(all);
	return status;
}

static int
pack_layout(struct pack *p, struct err *e)
{
	if (add_file(p, "oci-layout", "oci-layout", e) < 0 ||
	    add_file(p, "index.json", "index.json", e) < 0 || add_blobs(p, "blobs/sha256", e) < 0)
		return -1;
	return add_blobs(p, "blobs/sha512", e);
}

/* "robot-app" from "/mnt/Robot-App.tar": what docker load calls the image. */
static void
image_name(const char *file, char *out, size_t size)
{
	const char *base = strrchr(file, '/');
	size_t n = 0;

	base = base != NULL ? base + 1 : file;
	for (; *base != '\0' && *base != '.' && n + 1 < size; base++)
		if (isalnum((unsigned char)*base) || (n > 0 && *base == '-'))
			out[n++] = (char)tolower((unsigned char)*base);
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		(void)snprintf(out, size, "image");
}

/* The one image that a tag means; of an index the one child that is there. */
static int
single_image(struct store *s, const char *what, struct manifest *ret, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	const struct descriptor *only = NULL;

	if (store_manifest(s, what, &m, e) < 0)
		return -1;
	for (size_t i = 0; i < m.nchildren; i++) {
		const struct descriptor *d = &m.children[i];

		if (strncmp(d->platform, "unknown/", 8) == 0 ||
		    store_has_manifest(s, &d->digest, NULL) != 1)
			continue;
		if (only != NULL)
			return err_set(e, ERR_DATA,
				       "'%s' is an index of several images, and a docker-archive "
				       "holds one: choose with --platform",
				       what);
		only = d;
	}
	if (m.is_index && only == NULL)
		return err_set(e, ERR_DATA, "'%s' is an index without an image", what);
	return store_manifest(s, m.is_index ? only->digest.str : m.digest.str, ret, e);
}

static int
pack_blob(struct pack *p, const struct digest *d, const char *end, struct json_t *names,
	  struct json_t *done, struct err *e)
{
	char from[PATH_BYTES], name[DIGEST_STR_MAX + 8];

	(void)snprintf(from, sizeof(from), "blobs/%.*s/%s", (int)strcspn(d->str, ":"), d->str,
		       digest_hex(d));
	(void)snprintf(name, sizeof(name), "%s%s", digest_hex(d), end);
	if (names != NULL)
		jsn_push(names, jsn_string(name));
	if (jsn_at_key(done, name) != NULL)
		return 0;
	jsn_set_bool(done, name, true);
	return add_file(p, from, name, e);
}

static int
pack_image(struct pack *p, struct store *s, const char *tag, const char *repo, struct json_t *list,
	   struct json_t *done, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct json_t *v = jsn_object(), *layers = jsn_array(), *tags = jsn_array();
	char name[DIGEST_STR_MAX + 8], full[REF_STR_MAX];

	jsn_push(list, v);
	jsn_set(v, "RepoTags", tags);
	jsn_set(v, "Layers", layers);
	if (single_image(s, tag, &m, e) < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "%s.json", digest_hex(&m.config.digest));
	(void)snprintf(full, sizeof(full), "%s:%s", repo, tag);
	jsn_set_str(v, "Config", name);
	jsn_push(tags, jsn_string(full));
	if (pack_blob(p, &m.config.digest, ".json", NULL, done, e) < 0)
		return -1;
	for (size_t i = 0; i < m.nlayers; i++)
		if (pack_blob(p, &m.layers[i].digest, ".tar", layers, done, e) < 0)
			return -1;
	return 0;
}

static int
pack_docker(struct pack *p, const struct folder *f, struct err *e)
{
	AUTO_STORE struct store *s = NULL;
	AUTO_JSN struct json_t *list = jsn_array();
	AUTO_JSN struct json_t *done = jsn_object();
	AUTO_FREE char *text = NULL;
	char **tags = NULL, repo[128];
	size_t n = 0;
	int status = 0;

	image_name(f->file, repo, sizeof(repo));
	if (layout_open(f->path, false, f->name, &s, e) < 0 || store_tags(s, &tags, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (status == 0 && !tags_is_referrer(tags[i]))
			status = pack_image(p, s, tags[i], repo, list, done, e);
		free(tags[i]);
	}
	free(tags);
	if (status < 0)
		return -1;
	text = jsn_dump(list);
	return text == NULL ? err_nomem(e) : add_bytes(p, "manifest.json", text, e);
}

static int
pack(const struct folder *f, const char *to, struct err *e)
{
	AUTO(pack_clear) struct pack p = { .dir = -1, .fd = -1 };

	p.dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, ENTRY_MODE);
	if (p.dir < 0 || p.fd < 0)
		return err_sys(e, "write '%s'", to);
	p.a = archive_write_new();
	if (p.a == NULL || archive_write_set_format_pax_restricted(p.a) != ARCHIVE_OK ||
	    archive_write_open_fd(p.a, p.fd) != ARCHIVE_OK)
		return err_nomem(e);
	if ((f->docker ? pack_docker(&p, f, e) : pack_layout(&p, e)) < 0)
		return -1;
	if (archive_write_close(p.a) != ARCHIVE_OK)
		return write_failed(&p, e);
	return fsync(p.fd) < 0 ? err_sys(e, "write '%s'", to) : 0;
}

static int
folder_fin(void *arg, struct err *e)
{
	struct folder *f = arg;
	char tmp[PATH_BYTES + 8];

	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", f->file);
	if (pack(f, tmp, e) < 0) {
		(void)unlink(tmp);
		return err_wrap(e, "'%s'", f->name);
	}
	if (rename(tmp, f->file) < 0)
		return err_sys(e, "'%s': rename", f->name);
	f->keep = false;
	return 0;
}

int
archive_create(const char *path, bool docker, const char *name, struct store **ret, struct err *e)
{
	struct folder *f;

	if (strcmp(path, "-") == 0)
		return err_set(e, ERR_USAGE, "'%s': records go to standard output, no archive",
			       name);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return err_nomem(e);
	f->docker = docker;
	/* an interrupted run is gone on with */
	f->keep = true;
	(void)snprintf(f->file, sizeof(f->file), "%s", path);
	(void)snprintf(f->path, sizeof(f->path), "%s.part", path);
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	if (layout_open(f->path, true, name, ret, e) < 0) {
		free(f);
		return -1;
	}
	layout_hooks(*ret, folder_fin, folder_end, f);
	return 0;
}
