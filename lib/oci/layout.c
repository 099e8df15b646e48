#include "oci/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsn.h"
#include "base/scope.h"

#define VERSION	     "{\"imageLayoutVersion\":\"1.0.0\"}"
#define REF_NAME     "org.opencontainers.image.ref.name"
#define MODE	     0644
#define BUFFER_BYTES (256U << 10)
#define PATH_BYTES   (DIGEST_STR_MAX + 16)

/* What all stores of one layout share. */
/* What refers to what. */
struct link {
	struct digest subject;
	struct descriptor from;
};

struct layout {
	pthread_mutex_t lock;
	int stores;
	int dir;
	bool writes;
	int sha256, sha512, ingest; /* folders to write in, held open: no name is followed again */
	struct json_t *index;	    /* index.json */
	struct digest *loose;	    /* manifests of this run that have no tag; children fall out */
	size_t nloose;
	struct link *links;
	size_t nlinks;
	bool links_known;
	int (*fin)(void *arg, struct err *e);
	void (*end)(void *arg);
	void *arg;
};

struct kept {
	struct store store;
	struct layout *l;
};

static struct layout *
of(const struct store *s)
{
	return ((const struct kept *)s)->l;
}

static void
layout_free(struct layout **l)
{
	int fds[4];

	if (*l == NULL)
		return;
	memcpy(fds, (const int[]){ (*l)->dir, (*l)->sha256, (*l)->sha512, (*l)->ingest },
	       sizeof(fds));
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	if ((*l)->end != NULL)
		(*l)->end((*l)->arg);
	jsn_free(&(*l)->index);
	free((*l)->loose);
	free((*l)->links);
	(void)pthread_mutex_destroy(&(*l)->lock);
	free(*l);
	*l = NULL;
}

static const struct store_ops ops;

static int
new_store(struct layout *l, const char *name, struct store **ret, struct err *e)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return err_nomem(e);
	k->store.ops = &ops;
	k->store.repo = "";
	(void)snprintf(k->store.name, sizeof(k->store.name), "%s", name);
	k->l = l;
	(void)pthread_mutex_lock(&l->lock);
	l->stores++;
	(void)pthread_mutex_unlock(&l->lock);
	*ret = &k->store;
	return 0;
}

static void
close_store(struct store *s)
{
	struct layout *l = of(s);
	bool last;

	(void)pthread_mutex_lock(&l->lock);
	last = --l->stores == 0;
	(void)pthread_mutex_unlock(&l->lock);
	if (last)
		layout_free(&l);
	free(s);
}

static int
again(struct store *s, struct store **ret, struct err *e)
{
	return new_store(of(s), s->name, ret, e);
}

void
layout_hooks(struct store *s, int (*fin)(void *arg, struct err *e), void (*end)(void *arg),
	     void *arg)
{
	of(s)->fin = fin;
	of(s)->end = end;
	of(s)->arg = arg;
}

/* --- files ------------------------------------------------------------------ */

/* "blobs/sha256/9f86…": a digest has no '/' and no dot. */
static void
blob_path(const struct digest *d, char out[PATH_BYTES])
{
	(void)snprintf(out, PATH_BYTES, "blobs/%.*s/%s", (int)strcspn(d->str, ":"), d->str,
		       digest_hex(d));
}

static int
open_file(const struct store *s, const struct digest *d, int *ret, struct err *e)
{
	char path[PATH_BYTES];
	struct err why = { 0 };

	blob_path(d, path);
	if (file_open_beneath(of(s)->dir, path, O_RDONLY | O_CLOEXEC, 0, ret, &why) == 0)
		return 0;
	if (why.code == ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "'%s' has no '%s'", s->name, d->str);
	return err_set(e, why.code, "'%s': %s", s->name, why.msg);
}

/* A folder below dir, made if it is missing, and held; a link that leads out of
 * dir is ERR_DATA. */
static int
hold_dir(int dir, const char *name, int *ret, struct err *e)
{
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s'", name);
	return file_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0, ret, e);
}

static bool
is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static int
begin_layout(struct layout *l, struct err *e)
{
	AUTO_FD int blobs = -1;

	if (hold_dir(l->dir, "blobs", &blobs, e) < 0 ||
	    hold_dir(blobs, "sha256", &l->sha256, e) < 0 ||
	    hold_dir(blobs, "sha512", &l->sha512, e) < 0 ||
	    hold_dir(l->dir, "ingest", &l->ingest, e) < 0)
		return -1;
	if (is_there(l->dir, "oci-layout"))
		return 0;
	return file_replace(l->dir, "oci-layout", VERSION, strlen(VERSION), MODE, e);
}

static int
read_version(int dir, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(4096);
	AUTO_JSN struct json_t *v = NULL;

	if (file_read(dir, "oci-layout", &text, e) < 0)
		return -1;
	v = jsn_parse(view_buf(&text), "oci-layout", e);
	if (v == NULL)
		return -1;
	if (strncmp(jsn_str_or(v, "imageLayoutVersion", ""), "1.", 2) != 0)
		return err_set(e, ERR_DATA, "oci-layout: version '%s', not 1.0.0",
			       jsn_str_or(v, "imageLayoutVersion", ""));
	return 0;
}

static struct json_t *
new_index(void)
{
	struct json_t *v = jsn_object();

	jsn_set_int(v, "schemaVersion", 2);
	jsn_set_str(v, "mediaType", MEDIA_OCI_INDEX);
	jsn_set(v, "manifests", jsn_array());
	return v;
}

static int
read_index(struct layout *l, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(LAYOUT_INDEX_MAX);
	struct err why = { 0 };

	if (file_read(l->dir, "index.json", &text, &why) < 0) {
		if (why.code != ERR_NOTFOUND || !l->writes)
			return err_set(e, why.code, "%s", why.msg);
		l->index = new_index();
		return 0;
	}
	l->index = jsn_parse(view_buf(&text), "index.json", e);
	if (l->index == NULL)
		return -1;
	if (!jsn_is_array(jsn_get(l->index, "manifests")))
		return err_set(e, ERR_DATA, "index.json: no list 'manifests'");
	if (jsn_len(jsn_get(l->index, "manifests")) > LAYOUT_ENTRIES_MAX)
		return err_set(e, ERR_DATA, "index.json: more than %d entries", LAYOUT_ENTRIES_MAX);
	return 0;
}

static int
write_index(struct layout *l, struct err *e)
{
	AUTO_FREE char *text = jsn_dump(l->index);

	if (text == NULL)
		return err_nomem(e);
	return file_replace(l->dir, "index.json", text, strlen(text), MODE, e);
}

static int
open_dir(struct layout *l, const char *dir, struct err *e)
{
	if (l->writes && file_mkdirs(dir, 0755, e) < 0)
		return -1;
	l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir < 0)
		return errno == ENOENT ? err_set(e, ERR_NOTFOUND, "there is no such folder")
				       : err_sys(e, "open");
	if (!l->writes)
		return read_version(l->dir, e);
	if (flock(l->dir, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_TEMP, "another process writes there");
	return begin_layout(l, e);
}

int
layout_open(const char *dir, bool write, const char *name, struct store **ret, struct err *e)
{
	AUTO(layout_free) struct layout *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	l->dir = l->sha256 = l->sha512 = l->ingest = -1;
	l->writes = write;
	(void)pthread_mutex_init(&l->lock, NULL);
	if (open_dir(l, dir, e) < 0 || read_index(l, e) < 0)
		return err_wrap(e, "'%s'", name);
	if (new_store(l, name, ret, e) < 0)
		return -1;
	l = NULL; /* goes with its last store */
	return 0;
}

/* --- index.json: under the lock ------------------------------------------------ */

static const struct json_t *
entries(const struct layout *l)
{
	return jsn_get(l->index, "manifests");
}

static const char *
tag_of(const struct json_t *entry)
{
	return jsn_str_or(jsn_at_key(jsn_get(entry, "annotations"), REF_NAME), "", "");
}

static const struct json_t *
find_entry(const struct layout *l, const char *what)
{
	bool by_digest = strchr(what, ':') != NULL;

	for (size_t i = 0; i < jsn_len(entries(l)); i++) {
		const struct json_t *v = jsn_at(entries(l), i);

		if (strcmp(by_digest ? jsn_str_or(v, "digest", "") : tag_of(v), what) == 0)
			return v;
	}
	return NULL;
}

static struct json_t *
make_entry(const struct manifest *m, const char *tag)
{
	struct json_t *v = jsn_object();

	jsn_set_str(v, "mediaType", m->media_type);
	jsn_set_str(v, "digest", m->digest.str);
	jsn_set_int(v, "size", (int64_t)m->len);
	if (m->artifact_type[0] != '\0')
		jsn_set_str(v, "artifactType", m->artifact_type);
	if (tag[0] != '\0')
		jsn_set_str(jsn_child(v, "annotations"), REF_NAME, tag);
	return v;
}

/* The entries without those of a tag (or, what is a digest: of it), and with
 * one more, which is taken and may be NULL. */
static int
replace_entry(struct layout *l, const char *what, struct json_t *entry, struct err *e)
{
	bool by_digest = strchr(what, ':') != NULL;
	struct json_t *all = jsn_array();

	for (size_t i = 0; i < jsn_len(entries(l)); i++) {
		const struct json_t *v = jsn_at(entries(l), i);
		const char *name = by_digest ? jsn_str_or(v, "digest", "") : tag_of(v);

		if (strcmp(name, what) != 0)
			jsn_push(all, jsn_copy(v));
	}
	if (entry != NULL)
		jsn_push(all, entry);
	jsn_set(l->index, "manifests", all);
	return write_index(l, e);
}

static void
forget_loose(struct layout *l, const struct digest *d)
{
	for (size_t i = 0; i < l->nloose; i++) {
		if (digest_equal(&l->loose[i], d)) {
			l->loose[i] = l->loose[--l->nloose];
			return;
		}
	}
}

static int
add_loose(struct layout *l, const struct digest *d, struct err *e)
{
	struct digest *more;

	forget_loose(l, d);
	more = reallocarray(l->loose, l->nloose + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	l->loose = more;
	l->loose[l->nloose++] = *d;
	return 0;
}

/* --- reading --------------------------------------------------------------------- */

static int
tags(struct store *s, char ***ret, size_t *n, struct err *e)
{
	struct layout *l = of(s);
	size_t most;
	int status = 0;

	(void)pthread_mutex_lock(&l->lock);
	most = jsn_len(entries(l));
	*n = 0;
	*ret = calloc(most + 1, sizeof(**ret));
	if (*ret == NULL)
		status = err_nomem(e);
	for (size_t i = 0; i < most && status == 0; i++) {
		const char *tag = tag_of(jsn_at(entries(l), i));

		/* others write whole names there; these are no tags */
		if (!ref_is_tag(view_of(tag)))
			continue;
		(*ret)[*n] = strdup(tag);
		if ((*ret)[*n] == NULL)
			status = err_nomem(e);
		else
			(*n)++;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return status;
}

static int
read_small(struct store *s, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	AUTO_FD int fd = -1;
	char part[16384];
	ssize_t n;

	if (open_file(s, d, &fd, e) < 0)
		return -1;
	buf_reset(ret);
	while ((n = read(fd, part, sizeof(part))) > 0) {
		if (ret->len + (size_t)n > max)
			return err_set(e, ERR_DATA, "'%s': '%s' is larger than %zu bytes", s->name,
				       d->str, max);
		buf_add(ret, part, (size_t)n);
	}
	if (n < 0)
		return err_sys(e, "'%s': read '%s'", s->name, d->str);
	if (buf_ok(ret, d->str, e) < 0)
		return -1;
	return digest_check(buf_cstr(ret), ret->len, d, "blob", e) < 0
		       ? err_wrap(e, "'%s'", s->name)
		       : 0;
}

/* The digest that a name means now, and its media type where index.json has it. */
static int
find_digest(struct store *s, const char *what, struct digest *ret, char *type, struct err *e)
{
	struct layout *l = of(s);
	const struct json_t *v;
	const char *found;
	int status;

	type[0] = '\0';
	(void)pthread_mutex_lock(&l->lock);
	v = find_entry(l, what);
	found = jsn_str_or(v, "digest", strchr(what, ':') != NULL ? what : "");
	(void)snprintf(type, MANIFEST_MEDIA_TYPE_MAX, "%s", jsn_str_or(v, "mediaType", ""));
	if (found[0] == '\0')
		status = err_set(e, ERR_NOTFOUND, "'%s' has no tag '%s'", s->name, what);
	else
		status = digest_parse(view_of(found), ret, e);
	(void)pthread_mutex_unlock(&l->lock);
	return status;
}

static int
manifest(struct store *s, const char *what, struct manifest *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_MAX);
	char type[MANIFEST_MEDIA_TYPE_MAX];
	struct err why = { 0 };
	struct digest d;

	if (find_digest(s, what, &d, type, e) < 0)
		return -1;
	if (read_small(s, &d, MANIFEST_MAX, &text, &why) < 0) {
		/* a name for what is not there is worse than no name */
		if (why.code == ERR_NOTFOUND && type[0] != '\0')
			why.code = ERR_DATA;
		return err_set(e, why.code, "%s", why.msg);
	}
	if (manifest_parse(view_buf(&text), type[0] != '\0' ? type : NULL, &d, what, ret, e) < 0)
		return err_wrap(e, "'%s'", s->name);
	return 0;
}

static int
resolve(struct store *s, const char *what, struct descriptor *ret, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };

	*ret = (struct descriptor){ 0 };
	if (manifest(s, what, &m, e) < 0)
		return -1;
	ret->digest = m.digest;
	ret->size = (int64_t)m.len;
	(void)snprintf(ret->media_type, sizeof(ret->media_type), "%s", m.media_type);
	return 0;
}

static int
blob(struct store *s, const struct descriptor *d, size_t max, struct buf *ret, struct err *e)
{
	return read_small(s, &d->digest, max, ret, e);
}

struct stream {
	struct store_stream stream;
	int fd;
};

static long
stream_read(struct store_stream *b, void *p, size_t n, struct err *e)
{
	ssize_t got;

	do {
		got = read(((struct stream *)b)->fd, p, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? err_sys(e, "read") : (long)got;
}

static void
stream_close(struct store_stream *b)
{
	(void)close(((struct stream *)b)->fd);
	free(b);
}

static int
open_blob(struct store *s, const struct digest *d, int64_t from, struct store_stream **ret,
	  struct err *e)
{
	AUTO_FREE struct stream *b = calloc(1, sizeof(*b));
	AUTO_FD int fd = -1;
	struct stat st;

	if (b == NULL)
		return err_nomem(e);
	if (open_file(s, d, &fd, e) < 0)
		return -1;
	if (fstat(fd, &st) < 0 || lseek(fd, (off_t)from, SEEK_SET) < 0)
		return err_sys(e, "'%s': '%s'", s->name, d->str);
	b->stream = (struct store_stream){
		.read = stream_read, .close = stream_close, .at = from, .length = st.st_size - from
	};
	b->fd = TAKE_FD(fd);
	*ret = &b->stream;
	b = NULL;
	return 0;
}

static int
has_blob(struct store *s, const struct digest *d, struct err *e)
{
	AUTO_FD int fd = -1;
	struct err why = { 0 };

	if (open_file(s, d, &fd, &why) == 0)
		return 1;
	return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
}

/* --- what refers to what ------------------------------------------------------------ */

static int
add_link(struct layout *l, const struct manifest *m, struct err *e)
{
	struct link *more;

	if (!digest_is_set(&m->subject.digest))
		return 0;
	for (size_t i = 0; i < l->nlinks; i++)
		if (digest_equal(&l->links[i].from.digest, &m->digest))
			return 0;
	more = reallocarray(l->links, l->nlinks + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	l->links = more;
	more += l->nlinks++;
	*more = (struct link){ .subject = m->subject.digest };
	more->from.digest = m->digest;
	more->from.size = (int64_t)m->len;
	(void)snprintf(more->from.media_type, sizeof(more->from.media_type), "%s", m->media_type);
	return 0;
}

/* Every entry's manifest is read once; what cannot be read refers to nothing. */
static int
learn_links(struct store *s, struct err *e)
{
	struct layout *l = of(s);
	int status = 0;

	if (l->links_known)
		return 0;
	for (size_t i = 0; i < jsn_len(entries(l)) && status == 0; i++) {
		AUTO_BUF struct buf text = BUF_INIT(MANIFEST_MAX);
		AUTO_MANIFEST struct manifest m = { 0 };
		const char *digest = jsn_str_or(jsn_at(entries(l), i), "digest", "");
		struct digest d;

		if (digest_parse(view_of(digest), &d, NULL) == 0 &&
		    read_small(s, &d, MANIFEST_MAX, &text, NULL) == 0 &&
		    manifest_parse(view_buf(&text), NULL, &d, digest, &m, NULL) == 0)
			status = add_link(l, &m, e);
	}
	l->links_known = status == 0;
	return status;
}

static int
referrers(struct store *s, const struct digest *subject, struct descriptor **ret, size_t *n,
	  struct err *e)
{
	struct layout *l = of(s);
	int status;

	(void)pthread_mutex_lock(&l->lock);
	status = learn_links(s, e);
	if (status == 0 && (*ret = calloc(l->nlinks + 1, sizeof(**ret))) == NULL)
		status = err_nomem(e);
	for (size_t i = 0; i < l->nlinks && status == 0; i++)
		if (digest_equal(&l->links[i].subject, subject))
			(*ret)[(*n)++] = l->links[i].from;
	(void)pthread_mutex_unlock(&l->lock);
	return status;
}

/* --- writing --------------------------------------------------------------------------- */

/* The bytes that an earlier run has left, and their sum so far. */
static int
take_up(int fd, struct digest_sum *sum, int64_t size, int64_t *ret, struct err *e)
{
	AUTO_FREE char *part = malloc(BUFFER_BYTES);
	struct stat st;
	ssize_t n;

	*ret = 0;
	if (part == NULL)
		return err_nomem(e);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at what is there");
	if (st.st_size > size)
		return ftruncate(fd, 0) < 0 ? err_sys(e, "begin again") : 0;
	while ((n = read(fd, part, BUFFER_BYTES)) > 0) {
		digest_sum_add(sum, part, (size_t)n);
		*ret += n;
	}
	return n < 0 ? err_sys(e, "read what is there") : 0;
}

static int
write_all(int fd, const char *p, size_t n, struct err *e)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, "write");
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int
fill(int fd, const struct descriptor *d, const struct store_feed *feed, int64_t at,
     struct digest_sum *sum, struct err *e)
{
	AUTO_FREE char *part = malloc(BUFFER_BYTES);
	struct digest got;
	long n = 1;

	if (part == NULL)
		return err_nomem(e);
	if (at < d->size && feed->start(feed->arg, at, e) < 0)
		return -1;
	for (; at < d->size && n > 0; at += n) {
		n = feed->read(feed->arg, part, BUFFER_BYTES, e);
		if (n < 0)
			return -1;
		if (n > d->size - at)
			return err_set(e, ERR_DATA, "is longer than %" PRId64 " bytes", d->size);
		digest_sum_add(sum, part, (size_t)n);
		if (write_all(fd, part, (size_t)n, e) < 0)
			return -1;
	}
	digest_sum_end(sum, &got);
	if (!digest_equal(&got, &d->digest))
		return err_set(e, ERR_DATA, "has digest %s", got.str);
	return fsync(fd) < 0 ? err_sys(e, "fsync") : 0;
}

static int
folder_of(const struct layout *l, const struct digest *d)
{
	return strncmp(d->str, "sha512:", 7) == 0 ? l->sha512 : l->sha256;
}

static int
put_blob(struct store *s, const struct descriptor *d, const struct store_feed *feed, struct err *e)
{
	struct layout *l = of(s);
	AUTO_SUM struct digest_sum *sum = NULL;
	AUTO_FD int fd = -1;
	const char *name = digest_hex(&d->digest);
	int into = folder_of(l, &d->digest);
	struct err why = { 0 };
	int64_t at = 0;

	if (digest_sum_new(&d->digest, &sum, e) < 0 ||
	    file_open_beneath(l->ingest, name, O_RDWR | O_CREAT | O_CLOEXEC, MODE, &fd, e) < 0)
		return err_wrap(e, "'%s'", s->name);
	if (take_up(fd, sum, d->size, &at, &why) == 0 && fill(fd, d, feed, at, sum, &why) == 0) {
		if (renameat(l->ingest, name, into, name) == 0 && fsync(into) == 0)
			return 0;
		(void)err_sys(&why, "rename");
	}
	/* what is wrong must not be gone on with */
	if (why.code == ERR_DATA)
		(void)unlinkat(l->ingest, name, 0);
	return err_set(e, why.code, "'%s': blob '%s': %s", s->name, d->digest.str, why.msg);
}

static int
note_manifest(struct layout *l, const char *what, const struct manifest *m, struct err *e)
{
	bool by_digest = strchr(what, ':') != NULL;

	for (size_t i = 0; i < m->nchildren; i++)
		forget_loose(l, &m->children[i].digest);
	if (l->links_known && add_link(l, m, e) < 0)
		return -1;
	if (!by_digest) {
		forget_loose(l, &m->digest);
		return replace_entry(l, what, make_entry(m, what), e);
	}
	if (find_entry(l, what) != NULL)
		return 0;
	/* a child is named by its index, which comes later */
	if (!digest_is_set(&m->subject.digest))
		return add_loose(l, &m->digest, e);
	return replace_entry(l, what, make_entry(m, ""), e);
}

static int
put_manifest(struct store *s, const char *what, const struct manifest *m, struct err *e)
{
	struct layout *l = of(s);
	int status;

	if (file_replace(folder_of(l, &m->digest), digest_hex(&m->digest), m->bytes, m->len, MODE,
			 e) < 0)
		return err_wrap(e, "'%s'", s->name);
	(void)pthread_mutex_lock(&l->lock);
	status = note_manifest(l, what, m, e);
	(void)pthread_mutex_unlock(&l->lock);
	return status;
}

static int
remove_name(struct store *s, const char *what, struct err *e)
{
	struct layout *l = of(s);
	int status;

	(void)pthread_mutex_lock(&l->lock);
	status = find_entry(l, what) == NULL ? 0 : replace_entry(l, what, NULL, e);
	(void)pthread_mutex_unlock(&l->lock);
	return status;
}

/* What was put by digest alone and no index names is an image too. */
static int
finish(struct store *s, struct err *e)
{
	struct layout *l = of(s);

	while (l->nloose > 0) {
		AUTO_MANIFEST struct manifest m = { 0 };
		struct digest d = l->loose[l->nloose - 1];

		if (manifest(s, d.str, &m, e) < 0 ||
		    replace_entry(l, d.str, make_entry(&m, ""), e) < 0)
			return -1;
		l->nloose--;
	}
	(void)unlinkat(l->dir, "ingest", AT_REMOVEDIR);
	if (!is_there(l->dir, "index.json") && write_index(l, e) < 0)
		return -1;
	return l->fin == NULL ? 0 : l->fin(l->arg, e);
}

static const struct store_ops ops = {
	.close = close_store,
	.again = again,
	.finish = finish,
	.tags = tags,
	.resolve = resolve,
	.manifest = manifest,
	.blob = blob,
	.open_blob = open_blob,
	.referrers = referrers,
	.has_manifest = has_blob,
	.has_blob = has_blob,
	.put_blob = put_blob,
	.put_manifest = put_manifest,
	.remove = remove_name,
};
