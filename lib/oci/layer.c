#include "oci/layer.h"

#include <archive.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define BLOCK (64U << 10)

/* A blob on its way, hashed as it comes. */
struct source {
	struct store_stream *in;
	struct digest_sum *sum;
	const struct descriptor *d;
	int64_t got;
	struct err *e;
	bool failed; /* and *e says why */
	char block[BLOCK];
};

static void
source_free(struct source **s)
{
	if (*s == NULL)
		return;
	store_stream_close(&(*s)->in);
	digest_sum_free(&(*s)->sum);
	free(*s);
}

static int
source_open(struct store *s, const struct descriptor *d, struct source **ret, struct err *e)
{
	AUTO(source_free) struct source *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	f->d = d;
	f->e = e;
	if (digest_sum_new(&d->digest, &f->sum, e) < 0 ||
	    store_open_blob(s, &d->digest, 0, &f->in, e) < 0)
		return -1;
	*ret = TAKE_PTR(f);
	return 0;
}

/* The next bytes in its block: how many, 0 at the end, -1. */
static long
source_more(struct source *f)
{
	long n = f->in->read(f->in, f->block, BLOCK, f->e);

	if (n > 0) {
		digest_sum_add(f->sum, f->block, (size_t)n);
		f->got += n;
		if (f->got > f->d->size)
			n = err_set(f->e, ERR_DATA, "'%s' has more than %" PRId64 " bytes",
				    f->d->digest.str, f->d->size);
	}
	f->failed |= n < 0;
	return n;
}

/* To its end, which may be far behind that of what it unpacks to. */
static int
source_end(struct source *f)
{
	struct digest is;
	long n;

	while ((n = source_more(f)) > 0)
		continue;
	if (n < 0)
		return -1;
	if (f->got != f->d->size)
		return err_set(f->e, ERR_DATA, "'%s' has %" PRId64 " bytes, not %" PRId64,
			       f->d->digest.str, f->got, f->d->size);
	digest_sum_end(f->sum, &is);
	if (!digest_equal(&is, &f->d->digest))
		return err_set(f->e, ERR_DATA, "'%s' has digest '%s'", f->d->digest.str, is.str);
	return 0;
}

/* --- unpacking ------------------------------------------------------------ */

static void
archive_close_free(struct archive *const *a)
{
	(void)archive_read_free(*a);
}

static la_ssize_t
feed(struct archive *a, void *arg, const void **block)
{
	struct source *f = arg;
	long n = source_more(f);

	if (n < 0)
		archive_set_error(a, EIO, "its blob");
	*block = f->block;
	return n;
}

static bool
ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* One of libarchive's filters; -1: not a layer. */
static int
filter_of(const char *media_type)
{
	if (ends(media_type, ".tar"))
		return ARCHIVE_FILTER_NONE;
	if (ends(media_type, ".tar+gzip") || ends(media_type, ".tar.gzip"))
		return ARCHIVE_FILTER_GZIP;
	if (ends(media_type, ".tar+zstd"))
		return ARCHIVE_FILTER_ZSTD;
	return -1;
}

/* Exactly the one filter that the type names: an archive in an archive in an
 * archive is not what an engine would unpack. */
static int
open_packed(struct source *f, int filter, struct archive **ret)
{
	AUTO(archive_close_free) struct archive *a = archive_read_new();

	if (a == NULL)
		return err_nomem(f->e);
	if (archive_read_append_filter(a, filter) != ARCHIVE_OK ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK)
		return err_set(f->e, ERR_SYS, "libarchive: %s", archive_error_string(a));
	if (archive_read_open(a, f, NULL, feed, NULL) != ARCHIVE_OK)
		return f->failed ? -1
				 : err_set(f->e, ERR_DATA, "'%s' cannot be unpacked: %s",
					   f->d->digest.str, archive_error_string(a));
	*ret = TAKE_PTR(a);
	return 0;
}

static int
unpack(struct source *f, int filter, int64_t few, struct digest_sum *sum)
{
	AUTO(archive_close_free) struct archive *a = NULL;
	AUTO_FREE char *block = malloc(BLOCK);
	struct archive_entry *entry;
	int64_t total = 0, max;
	la_ssize_t n = 0;
	int status;

	if (block == NULL)
		return err_nomem(f->e);
	if (open_packed(f, filter, &a) < 0)
		return -1;
	status = archive_read_next_header(a, &entry);
	while (status == ARCHIVE_OK && (n = archive_read_data(a, block, BLOCK)) > 0) {
		total += n;
		/* by what has come: the size that a manifest announces proves nothing */
		max = f->got > few / LAYER_RATIO ? f->got * LAYER_RATIO : few;
		if (total > max)
			return err_set(f->e, ERR_DATA,
				       "'%s' unpacks to more than %" PRId64 " bytes",
				       f->d->digest.str, max);
		digest_sum_add(sum, block, (size_t)n);
	}
	if (f->failed)
		return -1;
	if (n < 0 || (status != ARCHIVE_OK && status != ARCHIVE_EOF))
		return err_set(f->e, ERR_DATA, "'%s' cannot be unpacked: %s", f->d->digest.str,
			       archive_error_string(a));
	return 0;
}

static int
check_diff_id(struct source *f, const struct digest *diff_id, int64_t few)
{
	AUTO_SUM struct digest_sum *sum = NULL;
	int filter = filter_of(f->d->media_type);
	struct digest is;
	long n = 0;

	if (digest_sum_new(diff_id, &sum, f->e) < 0)
		return -1;
	if (filter < 0)
		return err_set(f->e, ERR_DATA, "'%s' is of type '%s', which no layer has",
			       f->d->digest.str, f->d->media_type);
	if (filter != ARCHIVE_FILTER_NONE && unpack(f, filter, few, sum) < 0)
		return -1;
	while (filter == ARCHIVE_FILTER_NONE && (n = source_more(f)) > 0)
		digest_sum_add(sum, f->block, (size_t)n);
	if (n < 0)
		return -1;
	digest_sum_end(sum, &is);
	if (!digest_equal(&is, diff_id))
		return err_set(f->e, ERR_DATA, "'%s' unpacks to '%s', but the config says '%s'",
			       f->d->digest.str, is.str, diff_id->str);
	return 0;
}

int
layer_check(struct store *s, const struct descriptor *d, const struct digest *diff_id, int64_t few,
	    struct err *e)
{
	AUTO(source_free) struct source *f = NULL;
	struct err why = { 0 };

	if (source_open(s, d, &f, e) < 0)
		return -1;
	f->e = &why;
	if (diff_id != NULL)
		(void)check_diff_id(f, diff_id, few > 0 ? few : LAYER_UNPACKED);
	/* bytes that are not those of the digest explain all the rest */
	if (!f->failed) {
		f->e = e;
		if (source_end(f) < 0)
			return -1;
	}
	return why.code != ERR_NONE ? err_set(e, why.code, "%s", why.msg) : 0;
}
