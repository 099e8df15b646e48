#include "oci/sync.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/platform.h"
#include "oci/sync_blobs.h"

#define SESSIONS 8 /* of one worker */

struct sync {
	struct sync_opts o;
	struct sync_blobs *blobs;
};

int
sync_new(const struct sync_opts *o, struct sync **ret, struct err *e)
{
	AUTO_SYNC struct sync *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->o = *o;
	if (s->o.jobs == 0)
		s->o.jobs = 1;
	if (sync_blobs_new(&s->o, &s->blobs, e) < 0)
		return -1;
	*ret = TAKE_PTR(s);
	return 0;
}

void
sync_free(struct sync **s)
{
	if (*s == NULL)
		return;
	sync_blobs_free(&(*s)->blobs);
	free(*s);
	*s = NULL;
}

int64_t
sync_bytes(struct sync *s)
{
	return sync_blobs_moved(s->blobs);
}

/* --- sessions -------------------------------------------------------------- */

struct session {
	const struct store *of;
	struct store *own;
};

/* A worker's own; the last one used stands first. */
struct sessions {
	struct session all[SESSIONS];
};

void
sync_leave(void *state)
{
	struct sessions *all = state;

	for (size_t i = 0; i < SESSIONS; i++)
		store_close(&all->all[i].own);
	free(all);
}

int
sync_session(struct pool_worker *w, struct store *of, struct store **ret, struct err *e)
{
	struct sessions *all = *pool_state(w);
	struct session s = { .of = of };
	size_t i = 0;

	if (all == NULL) {
		all = *pool_state(w) = calloc(1, sizeof(*all));
		if (all == NULL)
			return err_nomem(e);
	}
	while (i < SESSIONS && all->all[i].of != of)
		i++;
	if (i < SESSIONS)
		s = all->all[i];
	else if (store_again(of, &s.own, e) < 0)
		return -1;
	else
		store_close(&all->all[--i].own);
	memmove(&all->all[1], &all->all[0], i * sizeof(s));
	all->all[0] = s;
	*ret = s.own;
	return 0;
}

/* --- one image ------------------------------------------------------------- */

/* What all threads that work on it share. */
struct image {
	struct sync *s;
	struct store *src, *dst; /* opened for the whole run */
	pthread_mutex_t lock;	 /* of what follows */
	bool sparse;
	size_t n;
	struct digest seen[SYNC_MANIFESTS_MAX];
};

/* One thread at it. */
struct hand {
	struct image *im;
	struct pool_worker *w;
	struct store *src, *dst; /* its own sessions */
};

static int
hand_init(struct hand *h, struct image *im, struct pool_worker *w, struct err *e)
{
	*h = (struct hand){ .im = im, .w = w };
	if (sync_session(w, im->src, &h->src, e) < 0)
		return -1;
	return sync_session(w, im->dst, &h->dst, e);
}

/* What was dealt with: a source may name one thing often, or in circles.
 * 1 it is new, 0 it is not, -1 there are too many. */
static int
note(struct image *im, const struct digest *d, struct err *e)
{
	int status = 1;

	(void)pthread_mutex_lock(&im->lock);
	for (size_t i = 0; i < im->n && status == 1; i++)
		if (digest_equal(&im->seen[i], d))
			status = 0;
	if (status == 1 && im->n == SYNC_MANIFESTS_MAX)
		status = err_set(e, ERR_DATA, "more than %d manifests belong to it",
				 SYNC_MANIFESTS_MAX);
	if (status == 1)
		im->seen[im->n++] = *d;
	(void)pthread_mutex_unlock(&im->lock);
	return status;
}

/* The same for each of some descriptors, side by side; the first error of
 * them is the error of all. */
struct many {
	struct image *im;
	const struct descriptor *all;
	int (*fn)(struct hand *h, const struct descriptor *d, int depth, struct err *e);
	int depth;
	pthread_mutex_t lock;
	struct err why;
};

static void
one_of_many(struct pool_worker *w, void *arg, size_t i)
{
	struct many *m = arg;
	struct hand h;
	struct err why = { 0 };
	bool over;

	(void)pthread_mutex_lock(&m->lock);
	over = m->why.code != ERR_NONE;
	(void)pthread_mutex_unlock(&m->lock);
	if (over ||
	    (hand_init(&h, m->im, w, &why) == 0 && m->fn(&h, &m->all[i], m->depth, &why) == 0))
		return;
	(void)pthread_mutex_lock(&m->lock);
	if (m->why.code == ERR_NONE)
		m->why = why;
	(void)pthread_mutex_unlock(&m->lock);
}

static int
for_each(struct hand *h, const struct descriptor *all, size_t n,
	 int (*fn)(struct hand *h, const struct descriptor *d, int depth, struct err *e), int depth,
	 struct err *e)
{
	struct many m = { .im = h->im, .all = all, .fn = fn, .depth = depth };

	(void)pthread_mutex_init(&m.lock, NULL);
	pool_each(h->w, n, one_of_many, &m);
	(void)pthread_mutex_destroy(&m.lock);
	return m.why.code == ERR_NONE ? 0 : err_set(e, m.why.code, "%s", m.why.msg);
}

static int
copy_blob(struct hand *h, const struct descriptor *d, int depth, struct err *e)
{
	(void)depth;
	return sync_blobs_copy(h->im->s->blobs, h->src, h->dst, d, e);
}

/* --- which children ---------------------------------------------------------- */

static bool
is_platform(const struct sync_opts *o, const char *platform)
{
	for (const char *const *p = o->platforms; *p != NULL; p++)
		if (platform_match(*p, platform))
			return true;
	return false;
}

/* BuildKit keeps what it says about a child beside it, as a child of no
 * platform that names the other in an annotation. */
static const char *
speaks_of(const struct descriptor *d)
{
	return d->annotations == NULL
		       ? NULL
		       : jsn_str(jsn_at_key(d->annotations, "vnd.docker.reference.digest"), "");
}

static bool
is_child_wanted(const struct sync_opts *o, const struct manifest *m, const struct descriptor *d)
{
	const char *of = speaks_of(d);

	if (o->platforms == NULL)
		return true;
	for (size_t i = 0; of != NULL && i < m->nchildren; i++)
		if (strcmp(m->children[i].digest.str, of) == 0)
			return is_platform(o, m->children[i].platform);
	/* an index of something that has no platforms is left alone */
	return d->platform[0] == '\0' || is_platform(o, d->platform);
}

/* The children to take, in *ret, the caller's to free. */
static int
choose_children(struct image *im, const struct manifest *m, struct descriptor **ret, size_t *n,
		struct err *e)
{
	*n = 0;
	*ret = calloc(m->nchildren + 1, sizeof(**ret));
	if (*ret == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < m->nchildren; i++)
		if (is_child_wanted(&im->s->o, m, &m->children[i]))
			(*ret)[(*n)++] = m->children[i];
	if (*n < m->nchildren) {
		(void)pthread_mutex_lock(&im->lock);
		im->sparse = true;
		(void)pthread_mutex_unlock(&im->lock);
	}
	return 0;
}

/* --- manifests ----------------------------------------------------------------- */

static int copy_manifest(struct hand *h, const struct descriptor *d, int depth, struct err *e);
static int copy_referrers(struct hand *h, const struct digest *subject, int depth, struct err *e);

static int
copy_parts(struct hand *h, const struct manifest *m, int depth, struct err *e)
{
	AUTO_FREE struct descriptor *all = NULL;
	size_t n;

	if (m->is_index) {
		if (choose_children(h->im, m, &all, &n, e) < 0)
			return -1;
		return for_each(h, all, n, copy_manifest, depth + 1, e);
	}
	all = calloc(m->nlayers + 1, sizeof(*all));
	if (all == NULL)
		return err_nomem(e);
	for (n = 0; n < m->nlayers; n++)
		all[n] = m->layers[n];
	all[n++] = m->config;
	return for_each(h, all, n, copy_blob, depth, e);
}

/* The media type that the destination has it under; 1, 0 it is not there, -1. */
static int
look_up(struct store *s, const char *what, struct descriptor *ret, struct err *e)
{
	struct err why = { 0 };

	if (store_resolve(s, what, ret, &why) == 0)
		return 1;
	return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
}

static bool
is_index_type(const char *type)
{
	return strcmp(type, MEDIA_OCI_INDEX) == 0 || strcmp(type, MEDIA_DOCKER_LIST) == 0;
}

/* Something that is there may have got signatures since, and an index's
 * children too. */
static int
refresh(struct hand *h, const struct descriptor *d, int depth, struct err *e)
{
	AUTO_FREE struct descriptor *all = NULL;
	AUTO_MANIFEST struct manifest m = { 0 };
	size_t n;

	if (h->im->s->o.no_referrers)
		return 0;
	if (is_index_type(d->media_type)) {
		if (store_manifest(h->dst, d->digest.str, &m, e) < 0 ||
		    choose_children(h->im, &m, &all, &n, e) < 0 ||
		    for_each(h, all, n, copy_manifest, depth + 1, e) < 0)
			return -1;
	}
	return copy_referrers(h, &d->digest, depth, e);
}

static int
copy_manifest(struct hand *h, const struct descriptor *d, int depth, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct descriptor here = { 0 };
	int there;

	if (depth > SYNC_DEPTH_MAX)
		return err_set(e, ERR_DATA, "'%s' is nested deeper than %d", d->digest.str,
			       SYNC_DEPTH_MAX);
	there = note(h->im, &d->digest, e);
	if (there <= 0)
		return there;
	there = look_up(h->dst, d->digest.str, &here, e);
	if (there < 0)
		return -1;
	if (there > 0)
		return refresh(h, &here, depth, e);
	if (store_manifest(h->src, d->digest.str, &m, e) < 0 || copy_parts(h, &m, depth, e) < 0 ||
	    store_put_manifest(h->dst, d->digest.str, &m, e) < 0)
		return -1;
	return copy_referrers(h, &d->digest, depth, e);
}

/* --- what belongs to an image -------------------------------------------------- */

static const char *const tool_ends[] = { ".sig", ".att", ".sbom" };

struct belongings {
	struct descriptor tools[COUNT_OF(tool_ends)]; /* cosign's tags; not set: none */
	struct descriptor *referrers;
	size_t n;
};

static void
belongings_clear(struct belongings *b)
{
	free(b->referrers);
}

static void
tool_tag(const struct digest *subject, const char *end, char out[REF_TAG_MAX])
{
	(void)snprintf(out, REF_TAG_MAX, "%.*s-%.*s%s", (int)strcspn(subject->str, ":"),
		       subject->str, REF_TAG_MAX - 16, digest_hex(subject), end);
}

/* What the source has; *ret is cleared by the caller. */
static int
find_belongings(struct hand *h, const struct digest *subject, struct belongings *ret, struct err *e)
{
	char tag[REF_TAG_MAX];

	if (h->im->s->o.no_referrers)
		return 0;
	for (size_t i = 0; i < COUNT_OF(tool_ends); i++) {
		tool_tag(subject, tool_ends[i], tag);
		if (look_up(h->src, tag, &ret->tools[i], e) < 0)
			return -1;
	}
	return store_referrers(h->src, subject, &ret->referrers, &ret->n, e);
}

static bool
has_belongings(const struct belongings *b)
{
	for (size_t i = 0; i < COUNT_OF(tool_ends); i++)
		if (digest_is_set(&b->tools[i].digest))
			return true;
	return b->n > 0;
}

static int
copy_tool_tag(struct hand *h, const struct digest *subject, const char *end,
	      const struct descriptor *there, int depth, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct descriptor here = { 0 };
	char tag[REF_TAG_MAX];

	if (!digest_is_set(&there->digest))
		return 0;
	tool_tag(subject, end, tag);
	if (look_up(h->dst, tag, &here, e) < 0)
		return -1;
	if (digest_equal(&here.digest, &there->digest))
		return 0;
	if (store_manifest(h->src, there->digest.str, &m, e) < 0 || copy_parts(h, &m, depth, e) < 0)
		return -1;
	return store_put_manifest(h->dst, tag, &m, e);
}

static int
copy_referrer(struct hand *h, const struct descriptor *d, int depth, struct err *e)
{
	struct err why = { 0 };

	if (copy_manifest(h, d, depth, &why) == 0)
		return 0;
	/* lists outlive what they name, where garbage is collected */
	if (why.code == ERR_NOTFOUND && store_has_manifest(h->src, &d->digest, e) == 0)
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
list_referrer(struct hand *h, const struct digest *subject, const struct digest *d, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct err why = { 0 };

	if (store_manifest(h->dst, d->str, &m, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (!digest_equal(&m.subject.digest, subject))
		return 0;
	return store_put_manifest(h->dst, d->str, &m, e);
}

static int
copy_belongings(struct hand *h, const struct digest *subject, const struct belongings *b, int depth,
		struct err *e)
{
	AUTO_FREE struct descriptor *there = NULL;
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(tool_ends); i++)
		if (copy_tool_tag(h, subject, tool_ends[i], &b->tools[i], depth, e) < 0)
			return -1;
	if (b->n == 0)
		return 0;
	if (for_each(h, b->referrers, b->n, copy_referrer, depth + 1, e) < 0 ||
	    store_referrers(h->dst, subject, &there, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (!is_among(there, n, &b->referrers[i].digest) &&
		    list_referrer(h, subject, &b->referrers[i].digest, e) < 0)
			return -1;
	return 0;
}

static int
copy_referrers(struct hand *h, const struct digest *subject, int depth, struct err *e)
{
	AUTO(belongings_clear) struct belongings b = { 0 };

	if (find_belongings(h, subject, &b, e) < 0)
		return -1;
	return copy_belongings(h, subject, &b, depth, e);
}

/* --- an image under its tag ------------------------------------------------------ */

/* The tag comes last.  Without anything that belongs to the image its one
 * manifest is put once, under the tag. */
static int
copy_new(struct hand *h, const struct digest *digest, const char *tag, struct err *e)
{
	AUTO(belongings_clear) struct belongings b = { 0 };
	AUTO_MANIFEST struct manifest m = { 0 };

	if (store_manifest(h->src, digest->str, &m, e) < 0 || copy_parts(h, &m, 0, e) < 0 ||
	    find_belongings(h, digest, &b, e) < 0)
		return -1;
	if ((has_belongings(&b) || tag[0] == '\0') &&
	    (store_put_manifest(h->dst, digest->str, &m, e) < 0 ||
	     copy_belongings(h, digest, &b, 0, e) < 0))
		return -1;
	return tag[0] == '\0' ? 0 : store_put_manifest(h->dst, tag, &m, e);
}

static int
tag_it(struct hand *h, const struct digest *digest, const char *tag, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };

	if (tag[0] == '\0')
		return 0;
	if (store_manifest(h->dst, digest->str, &m, e) < 0)
		return -1;
	return store_put_manifest(h->dst, tag, &m, e);
}

static int
copy_image(struct hand *h, const struct digest *digest, const char *tag, enum sync_result *ret,
	   struct err *e)
{
	struct descriptor here = { 0 };
	int there;

	if (tag[0] != '\0' && look_up(h->dst, tag, &here, e) < 0)
		return -1;
	*ret = digest_equal(&here.digest, digest) ? SYNC_CURRENT : SYNC_COPIED;
	if (h->im->s->o.dry_run)
		return 0;
	if (note(h->im, digest, e) < 0)
		return -1;
	if (*ret == SYNC_CURRENT)
		return refresh(h, &here, 0, e);
	there = look_up(h->dst, digest->str, &here, e);
	if (there < 0)
		return -1;
	if (there == 0)
		return copy_new(h, digest, tag, e);
	return refresh(h, &here, 0, e) < 0 ? -1 : tag_it(h, digest, tag, e);
}

int
sync_image(struct sync *s, struct pool_worker *w, struct store *src, struct store *dst,
	   const struct digest *digest, const char *tag, enum sync_result *ret, bool *ret_sparse,
	   struct err *e)
{
	AUTO_FREE struct image *im = malloc(sizeof(*im));
	struct hand h;
	int status = -1;

	if (im == NULL)
		return err_nomem(e);
	/* seen is large, and almost never used beyond its beginning */
	im->s = s;
	im->src = src;
	im->dst = dst;
	im->sparse = false;
	im->n = 0;
	(void)pthread_mutex_init(&im->lock, NULL);
	if (hand_init(&h, im, w, e) == 0)
		status = copy_image(&h, digest, tag, ret, e);
	*ret_sparse = im->sparse;
	(void)pthread_mutex_destroy(&im->lock);
	return status;
}
