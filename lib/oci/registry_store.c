#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/push.h"
#include "oci/referrers.h"
#include "oci/registry.h"

struct kept {
	struct store store;
	struct registry *registry;
	bool owned;
	char repo[REF_PART_MAX];
};

static struct kept *
of(struct store *s)
{
	return (struct kept *)s;
}

static const struct store_ops ops;

static int
make(struct registry *r, const char *repo, bool owned, struct store **ret, struct err *e)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return err_nomem(e);
	k->registry = r;
	k->owned = owned;
	(void)snprintf(k->repo, sizeof(k->repo), "%s", repo);
	(void)snprintf(k->store.name, sizeof(k->store.name), "%s/%s", registry_host(r), repo);
	k->store.repo = k->repo;
	k->store.ops = &ops;
	*ret = &k->store;
	return 0;
}

int
registry_store(struct registry *r, const char *repo, struct store **ret, struct err *e)
{
	return make(r, repo, false, ret, e);
}

int
registry_store_own(struct registry **r, const char *repo, struct store **ret, struct err *e)
{
	if (make(*r, repo, true, ret, e) < 0)
		return -1;
	*r = NULL;
	return 0;
}

static void
close_store(struct store *s)
{
	if (of(s)->owned)
		registry_close(&of(s)->registry);
	free(s);
}

static int
again(struct store *s, struct store **ret, struct err *e)
{
	AUTO_REGISTRY struct registry *r = NULL;

	if (registry_again(of(s)->registry, &r, e) < 0)
		return -1;
	return registry_store_own(&r, of(s)->repo, ret, e);
}

/* --- reading ---------------------------------------------------------- */

static int
tags(struct store *s, char ***ret, size_t *n, struct err *e)
{
	return registry_tags(of(s)->registry, of(s)->repo, ret, n, e);
}

static int
resolve(struct store *s, const char *what, struct descriptor *ret, struct err *e)
{
	return registry_describe(of(s)->registry, of(s)->repo, what, ret, e);
}

static int
manifest(struct store *s, const char *what, struct manifest *ret, struct err *e)
{
	return registry_manifest(of(s)->registry, of(s)->repo, what, ret, e);
}

static int
blob(struct store *s, const struct descriptor *d, size_t max, struct buf *ret, struct err *e)
{
	return registry_blob(of(s)->registry, of(s)->repo, d, max, ret, e);
}

struct stream {
	struct store_stream stream;
	struct http_stream *from;
};

static long
stream_read(struct store_stream *b, void *p, size_t n, struct err *e)
{
	return http_read(((struct stream *)b)->from, p, n, e);
}

static void
stream_close(struct store_stream *b)
{
	http_close(&((struct stream *)b)->from);
	free(b);
}

static int
open_blob(struct store *s, const struct digest *d, int64_t from, struct store_stream **ret,
	  struct err *e)
{
	AUTO_FREE struct stream *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_nomem(e);
	if (registry_blob_open(of(s)->registry, of(s)->repo, d, from, &b->from, &b->stream.at, e) <
	    0)
		return -1;
	b->stream.read = stream_read;
	b->stream.close = stream_close;
	b->stream.length = http_stream_resp(b->from)->length;
	*ret = &b->stream;
	b = NULL;
	return 0;
}

static int
referrers(struct store *s, const struct digest *subject, struct descriptor **ret, size_t *n,
	  struct err *e)
{
	return referrers_list(of(s)->registry, of(s)->repo, subject, ret, n, e);
}

static int
has_manifest(struct store *s, const struct digest *d, struct err *e)
{
	return registry_has_manifest(of(s)->registry, of(s)->repo, d->str, e);
}

static int
has_blob(struct store *s, const struct digest *d, struct err *e)
{
	return registry_has_blob(of(s)->registry, of(s)->repo, d, e);
}

/* --- writing ---------------------------------------------------------- */

static int
put_blob(struct store *s, const struct descriptor *d, const struct store_feed *feed, struct err *e)
{
	return push_blob(of(s)->registry, of(s)->repo, d, feed, e);
}

static int
mount(struct store *s, const struct digest *d, const char *repo, struct err *e)
{
	return push_mount(of(s)->registry, of(s)->repo, d, repo, e);
}

static struct json_t *
new_index(void)
{
	struct json_t *index = jsn_object();

	jsn_set_int(index, "schemaVersion", 2);
	jsn_set_str(index, "mediaType", MEDIA_OCI_INDEX);
	jsn_set(index, "manifests", jsn_array());
	return index;
}

static struct json_t *
entry_of(const struct manifest *m)
{
	const char *type = m->artifact_type[0] != '\0' ? m->artifact_type : m->config.media_type;
	struct json_t *entry = jsn_object();

	jsn_set_str(entry, "mediaType", m->media_type);
	jsn_set_str(entry, "digest", m->digest.str);
	jsn_set_int(entry, "size", (int64_t)m->len);
	if (type[0] != '\0')
		jsn_set_str(entry, "artifactType", type);
	if (m->annotations != NULL)
		jsn_set(entry, "annotations", jsn_copy(m->annotations));
	return entry;
}

/* The index at a subject's fallback tag, with m in it. */
static int
add_to_fallback(struct kept *k, const struct manifest *m, struct err *e)
{
	AUTO_MANIFEST struct manifest old = { 0 };
	AUTO_MANIFEST struct manifest made = { 0 };
	AUTO_JSN struct json_t *index = NULL;
	AUTO_FREE char *text = NULL;
	struct err why = { 0 };
	char tag[REF_TAG_MAX];

	referrers_tag(&m->subject.digest, tag);
	if (registry_manifest(k->registry, k->repo, tag, &old, &why) == 0) {
		for (size_t i = 0; i < old.nchildren; i++)
			if (digest_equal(&old.children[i].digest, &m->digest))
				return 0;
		index = jsn_copy(old.json);
	} else if (why.code != ERR_NOTFOUND) {
		return err_set(e, why.code, "%s", why.msg);
	} else {
		index = new_index();
	}
	jsn_push(jsn_mutable(jsn_get(index, "manifests")), entry_of(m));
	text = jsn_dump(index);
	if (text == NULL)
		return err_nomem(e);
	if (manifest_parse(view_of(text), NULL, NULL, tag, &made, e) < 0)
		return -1;
	return push_manifest(k->registry, k->repo, tag, &made, NULL, e);
}

static int
put_manifest(struct store *s, const char *what, const struct manifest *m, struct err *e)
{
	struct kept *k = of(s);
	bool tracked = false;
	int status;

	if (push_manifest(k->registry, k->repo, what, m, &tracked, e) < 0)
		return -1;
	if (!digest_is_set(&m->subject.digest) || tracked)
		return 0;
	/* read, changed and written: one at a time */
	registry_lock_lists(k->registry);
	status = add_to_fallback(k, m, e);
	registry_unlock_lists(k->registry);
	return status;
}

static int
remove_name(struct store *s, const char *what, struct err *e)
{
	return push_remove(of(s)->registry, of(s)->repo, what, e);
}

static const struct store_ops ops = {
	.close = close_store,
	.again = again,
	.tags = tags,
	.resolve = resolve,
	.manifest = manifest,
	.blob = blob,
	.open_blob = open_blob,
	.referrers = referrers,
	.has_manifest = has_manifest,
	.has_blob = has_blob,
	.put_blob = put_blob,
	.mount = mount,
	.put_manifest = put_manifest,
	.remove = remove_name,
};
