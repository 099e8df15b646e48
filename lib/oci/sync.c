#include "oci/sync.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/push.h"
#include "oci/referrers.h"

/* --- blobs ------------------------------------------------------------ */

struct flow {
	struct sync *s;
	const struct descriptor *d;
	struct http_stream *from;
	struct digest_sum *sum;
	int64_t done;
};

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
	came = http_read(f->from, p, n, e);
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

static void
flow_end(struct flow *f)
{
	http_close(&f->from);
	digest_sum_free(&f->sum);
}

static int
move_blob(struct sync *s, const struct descriptor *d, struct err *e)
{
	AUTO(flow_end) struct flow f = { .s = s, .d = d };
	int64_t at;

	if (registry_blob_open(s->src, s->src_repo, &d->digest, 0, &f.from, &at, e) < 0)
		return -1;
	if (http_stream_resp(f.from)->length >= 0 && http_stream_resp(f.from)->length != d->size)
		return err_set(e, ERR_DATA, "blob '%s' has %lld bytes, not %lld", d->digest.str,
			       (long long)http_stream_resp(f.from)->length, (long long)d->size);
	if (digest_sum_new(&d->digest, &f.sum, e) < 0)
		return -1;
	return push_blob(s->dst, s->dst_repo, d, flow_read, &f, e);
}

static int
copy_blob(struct sync *s, const struct descriptor *d, struct err *e)
{
	int there;

	if (d->foreign)
		return 0;
	there = registry_has_blob(s->dst, s->dst_repo, &d->digest, e);
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

/* The index at a subject's fallback tag, with m in it. */
static int
add_to_fallback(struct sync *s, const struct manifest *m, struct err *e)
{
	AUTO_MANIFEST struct manifest old = { 0 };
	AUTO_MANIFEST struct manifest made = { 0 };
	AUTO_JSN struct json_t *index = NULL;
	AUTO_FREE char *text = NULL;
	struct json_t *entry;
	struct err why = { 0 };
	char tag[REF_TAG_MAX];
	const char *type = m->artifact_type[0] != '\0' ? m->artifact_type : m->config.media_type;

	referrers_tag(&m->subject.digest, tag);
	if (registry_manifest(s->dst, s->dst_repo, tag, &old, &why) == 0) {
		for (size_t i = 0; i < old.nchildren; i++)
			if (digest_equal(&old.children[i].digest, &m->digest))
				return 0;
		index = jsn_copy(old.json);
	} else if (why.code != ERR_NOTFOUND) {
		return err_set(e, why.code, "%s", why.msg);
	} else {
		index = jsn_object();
		jsn_set_int(index, "schemaVersion", 2);
		jsn_set_str(index, "mediaType", MEDIA_OCI_INDEX);
		jsn_set(index, "manifests", jsn_array());
	}
	entry = jsn_object();
	jsn_set_str(entry, "mediaType", m->media_type);
	jsn_set_str(entry, "digest", m->digest.str);
	jsn_set_int(entry, "size", (int64_t)m->len);
	if (type[0] != '\0')
		jsn_set_str(entry, "artifactType", type);
	if (m->annotations != NULL)
		jsn_set(entry, "annotations", jsn_copy(m->annotations));
	jsn_push(jsn_mutable(jsn_get(index, "manifests")), entry);
	text = jsn_dump(index);
	if (text == NULL)
		return err_nomem(e);
	if (manifest_parse(view_of(text), NULL, NULL, tag, &made, e) < 0)
		return -1;
	return push_manifest(s->dst, s->dst_repo, tag, &made, NULL, e);
}

static int
copy_manifest(struct sync *s, const struct digest *d, int depth, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	bool tracked = false;
	int there;

	if (depth > SYNC_DEPTH_MAX)
		return err_set(e, ERR_DATA, "'%s' is nested deeper than %d", d->str,
			       SYNC_DEPTH_MAX);
	there = note(s, d, e);
	if (there <= 0)
		return there;
	there = registry_has_manifest(s->dst, s->dst_repo, d->str, e);
	if (there < 0)
		return -1;
	if (there == 0) {
		if (registry_manifest(s->src, s->src_repo, d->str, &m, e) < 0 ||
		    copy_parts(s, &m, depth, e) < 0 ||
		    push_manifest(s->dst, s->dst_repo, d->str, &m, &tracked, e) < 0)
			return -1;
		if (digest_is_set(&m.subject.digest) && !tracked && add_to_fallback(s, &m, e) < 0)
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
	struct digest here = { 0 }, there = { 0 };
	struct err why = { 0 };
	char tag[DIGEST_STR_MAX + 8];

	(void)snprintf(tag, sizeof(tag), "%.*s-%s%s", (int)strcspn(subject->str, ":"), subject->str,
		       digest_hex(subject), end);
	if (registry_resolve(s->src, s->src_repo, tag, &there, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (registry_resolve(s->dst, s->dst_repo, tag, &here, &why) < 0 && why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	if (digest_equal(&here, &there))
		return 0;
	if (registry_manifest(s->src, s->src_repo, there.str, &m, e) < 0 ||
	    copy_parts(s, &m, depth, e) < 0)
		return -1;
	return push_manifest(s->dst, s->dst_repo, tag, &m, NULL, e);
}

static int
copy_referrer(struct sync *s, const struct digest *d, int depth, struct err *e)
{
	struct err why = { 0 };

	if (copy_manifest(s, d, depth, &why) == 0)
		return 0;
	/* lists outlive what they name, where garbage is collected */
	if (why.code == ERR_NOTFOUND && registry_has_manifest(s->src, s->src_repo, d->str, e) == 0)
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

	if (registry_manifest(s->dst, s->dst_repo, d->str, &m, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (!digest_equal(&m.subject.digest, subject))
		return 0;
	return add_to_fallback(s, &m, e);
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
	if (referrers_list(s->src, s->src_repo, subject, &all, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (copy_referrer(s, &all[i].digest, depth + 1, e) < 0)
			return -1;
	if (n > 0 && referrers_list(s->dst, s->dst_repo, subject, &there, &nthere, e) < 0)
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
	struct digest here = { 0 };
	struct err why = { 0 };

	if (tag[0] != '\0' && registry_resolve(s->dst, s->dst_repo, tag, &here, &why) < 0 &&
	    why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	*ret = digest_equal(&here, digest) ? SYNC_CURRENT : SYNC_COPIED;
	if (s->dry_run)
		return 0;
	/* a current tag's signatures may be newer than the tag */
	if (copy_all(s, digest, e) < 0)
		return -1;
	if (*ret == SYNC_CURRENT || tag[0] == '\0')
		return 0;
	if (registry_manifest(s->src, s->src_repo, digest->str, &m, e) < 0)
		return -1;
	return push_manifest(s->dst, s->dst_repo, tag, &m, NULL, e);
}
