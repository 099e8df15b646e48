#include "oci/sync.h"

#include <stdio.h>
#include <string.h>

/* --- blobs ------------------------------------------------------------ */

struct flow {
	struct sync *s;
	const struct descriptor *d;
	struct store_stream *from;
	struct digest_sum *sum;
	int64_t done;
};

static void
flow_end(struct flow *f)
{
	store_stream_close(&f->from);
	digest_sum_free(&f->sum);
}

static int
flow_start(void *arg, int64_t from, struct err *e)
{
	struct flow *f = arg;

	flow_end(f);
	if (from != 0)
		return err_set(e, ERR_DATA, "blob '%s' can only be sent whole", f->d->digest.str);
	f->done = 0;
	if (store_open_blob(f->s->src, &f->d->digest, 0, &f->from, e) < 0)
		return -1;
	if (f->from->length >= 0 && f->from->length != f->d->size)
		return err_set(e, ERR_DATA, "blob '%s' has %lld bytes, not %lld", f->d->digest.str,
			       (long long)f->from->length, (long long)f->d->size);
	return digest_sum_new(&f->d->digest, &f->sum, e);
}

/* The next bytes for the destination.  The blob is judged before its last
 * bytes are handed out. */
static long
flow_read(void *arg, void *p, size_t n, struct err *e)
{
	struct flow *f = arg;
	int64_t left = f->d->size - f->done;
	struct digest got;
	long came;

	if (left == 0)
		return 0;
	if ((int64_t)n > left)
		n = (size_t)left;
	came = f->from->read(f->from, p, n, e);
	if (came < 0)
		return -1;
	if (came == 0)
		return err_set(e, ERR_DATA, "blob '%s' ends %lld bytes early", f->d->digest.str,
			       (long long)left);
	digest_sum_add(f->sum, p, (size_t)came);
	f->done += came;
	f->s->bytes += came;
	if (f->s->moved != NULL)
		f->s->moved(f->s->arg, came);
	if (f->done < f->d->size)
		return came;
	digest_sum_end(f->sum, &got);
	if (!digest_equal(&got, &f->d->digest))
		return err_set(e, ERR_DATA, "blob '%s' has digest %s", f->d->digest.str, got.str);
	return came;
}

static int
move_blob(struct sync *s, const struct descriptor *d, struct err *e)
{
	AUTO(flow_end) struct flow f = { .s = s, .d = d };

	return store_put_blob(
		s->dst, d,
		&(struct store_feed){ .start = flow_start, .read = flow_read, .arg = &f }, e);
}

static int
copy_blob(struct sync *s, const struct descriptor *d, struct err *e)
{
	int there;

	if (d->foreign)
		return 0;
	there = store_has_blob(s->dst, &d->digest, e);
	if (there != 0)
		return there < 0 ? -1 : 0;
	for (int tries = 0;; tries++) {
		struct err why = { 0 };

		if (move_blob(s, d, &why) == 0)
			return 0;
		if (why.code != ERR_TEMP || tries >= s->retries)
			return err_set(e, why.code, "%s", why.msg);
	}
}

/* --- manifests -------------------------------------------------------- */

/* What was dealt with: a source may name one thing often, or in circles. */
struct sync_seen {
	size_t n;
	struct digest all[SYNC_MANIFESTS_MAX];
};

/* 1 it is new, 0 it is not, -1 there are too many. */
static int
note(struct sync *s, const struct digest *d, struct err *e)
{
	for (size_t i = 0; i < s->seen->n; i++)
		if (digest_equal(&s->seen->all[i], d))
			return 0;
	if (s->seen->n == SYNC_MANIFESTS_MAX)
		return err_set(e, ERR_DATA, "more than %d manifests belong to it",
			       SYNC_MANIFESTS_MAX);
	s->seen->all[s->seen->n++] = *d;
	return 1;
}

static int copy_manifest(struct sync *s, const struct digest *d, int depth, struct err *e);
static int copy_referrers(struct sync *s, const struct digest *subject, int depth, struct err *e);

static int
copy_parts(struct sync *s, const struct manifest *m, int depth, struct err *e)
{
	for (size_t i = 0; i < m->nchildren; i++)
		if (copy_manifest(s, &m->children[i].digest, depth + 1, e) < 0)
			return -1;
	if (m->is_index)
		return 0;
	for (size_t i = 0; i < m->nlayers; i++)
		if (copy_blob(s, &m->layers[i], e) < 0)
			return -1;
	return copy_blob(s, &m->config, e);
}

static int
copy_manifest(struct sync *s, const struct digest *d, int depth, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	int there;

	if (depth > SYNC_DEPTH_MAX)
		return err_set(e, ERR_DATA, "'%s' is nested deeper than %d", d->str,
			       SYNC_DEPTH_MAX);
	there = note(s, d, e);
	if (there <= 0)
		return there;
	there = store_has_manifest(s->dst, d, e);
	if (there < 0)
		return -1;
	if (there == 0) {
		if (store_manifest(s->src, d->str, &m, e) < 0 || copy_parts(s, &m, depth, e) < 0 ||
		    store_put_manifest(s->dst, d->str, &m, e) < 0)
			return -1;
	}
	return copy_referrers(s, d, depth, e);
}

/* --- what belongs to an image ----------------------------------------- */

/* cosign's tag with this ending, if the source has it. */
static int
copy_tool_tag(struct sync *s, const struct digest *subject, const char *end, int depth,
	      struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct descriptor here = { 0 }, there = { 0 };
	struct err why = { 0 };
	char tag[DIGEST_STR_MAX + 8];

	(void)snprintf(tag, sizeof(tag), "%.*s-%s%s", (int)strcspn(subject->str, ":"), subject->str,
		       digest_hex(subject), end);
	if (store_resolve(s->src, tag, &there, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (store_resolve(s->dst, tag, &here, &why) < 0 && why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	if (digest_equal(&here.digest, &there.digest))
		return 0;
	if (store_manifest(s->src, there.digest.str, &m, e) < 0 || copy_parts(s, &m, depth, e) < 0)
		return -1;
	return store_put_manifest(s->dst, tag, &m, e);
}

static int
copy_referrer(struct sync *s, const struct digest *d, int depth, struct err *e)
{
	struct err why = { 0 };

	if (copy_manifest(s, d, depth, &why) == 0)
		return 0;
	/* lists outlive what they name, where garbage is collected */
	if (why.code == ERR_NOTFOUND && store_has_manifest(s->src, d, e) == 0)
		return 0;
	return err_set(e, why.code, "%s", why.msg);
}

static bool
is_among(const struct descriptor *all, size_t n, const struct digest *d)
{
	for (size_t i = 0; i < n; i++)
		if (digest_equal(&all[i].digest, d))
			return true;
	return false;
}

/* The destination must name what it has: a registry without the API does not
 * by itself, and a run that was cut off did not come so far. */
static int
list_referrer(struct sync *s, const struct digest *subject, const struct digest *d, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct err why = { 0 };

	if (store_manifest(s->dst, d->str, &m, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (!digest_equal(&m.subject.digest, subject))
		return 0;
	return store_put_manifest(s->dst, d->str, &m, e);
}

static int
copy_referrers(struct sync *s, const struct digest *subject, int depth, struct err *e)
{
	static const char *const ends[] = { ".sig", ".att", ".sbom" };
	AUTO_FREE struct descriptor *all = NULL;
	AUTO_FREE struct descriptor *there = NULL;
	size_t n = 0, nthere = 0;

	if (s->no_referrers)
		return 0;
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (copy_tool_tag(s, subject, ends[i], depth, e) < 0)
			return -1;
	if (store_referrers(s->src, subject, &all, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (copy_referrer(s, &all[i].digest, depth + 1, e) < 0)
			return -1;
	if (n > 0 && store_referrers(s->dst, subject, &there, &nthere, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!is_among(there, nthere, &all[i].digest) &&
		    list_referrer(s, subject, &all[i].digest, e) < 0)
			return -1;
	return 0;
}

static int
copy_all(struct sync *s, const struct digest *digest, struct err *e)
{
	int status;

	s->seen = calloc(1, sizeof(*s->seen));
	if (s->seen == NULL)
		return err_nomem(e);
	status = copy_manifest(s, digest, 0, e);
	free(s->seen);
	s->seen = NULL;
	return status;
}

int
sync_image(struct sync *s, const struct digest *digest, const char *tag, enum sync_result *ret,
	   struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct descriptor here = { 0 };
	struct err why = { 0 };

	if (tag[0] != '\0' && store_resolve(s->dst, tag, &here, &why) < 0 &&
	    why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	*ret = digest_equal(&here.digest, digest) ? SYNC_CURRENT : SYNC_COPIED;
	if (s->dry_run)
		return 0;
	/* a current tag's signatures may be newer than the tag */
	if (copy_all(s, digest, e) < 0)
		return -1;
	if (*ret == SYNC_CURRENT || tag[0] == '\0')
		return 0;
	if (store_manifest(s->src, digest->str, &m, e) < 0)
		return -1;
	return store_put_manifest(s->dst, tag, &m, e);
}
