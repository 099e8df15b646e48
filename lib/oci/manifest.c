#include "oci/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

#define SIZE_MAX_BYTES (INT64_C(1) << 46) /* 64 TiB: a blob's announced size */

static bool
is_index_type(const char *t)
{
	return strcmp(t, MEDIA_OCI_INDEX) == 0 || strcmp(t, MEDIA_DOCKER_LIST) == 0;
}

static bool
is_manifest_type(const char *t)
{
	return strcmp(t, MEDIA_OCI_MANIFEST) == 0 || strcmp(t, MEDIA_DOCKER_MANIFEST) == 0;
}

static int
copy_type(char out[MANIFEST_MEDIA_TYPE_MAX], const char *s, const char *what, struct err *e)
{
	if (strlen(s) >= MANIFEST_MEDIA_TYPE_MAX)
		return err_set(e, ERR_DATA, "%s: a media type is longer than %d", what,
			       MANIFEST_MEDIA_TYPE_MAX - 1);
	(void)snprintf(out, MANIFEST_MEDIA_TYPE_MAX, "%s", s);
	return 0;
}

static void
read_platform(const struct json_t *v, struct descriptor *d)
{
	const char *os = jsn_str(v, "platform.os"), *arch = jsn_str(v, "platform.architecture");
	const char *variant = jsn_str(v, "platform.variant");

	if (os != NULL && arch != NULL)
		(void)snprintf(d->platform, sizeof(d->platform), "%s/%s%s%s", os, arch,
			       variant != NULL ? "/" : "", variant != NULL ? variant : "");
}

static int
read_descriptor(const struct json_t *v, const char *what, struct descriptor *ret, struct err *e)
{
	struct descriptor d = { 0 };
	const char *digest;

	if (!jsn_is_object(v))
		return err_set(e, ERR_DATA, "%s: a descriptor is missing", what);
	if (jsn_need_str(v, "digest", what, &digest, e) < 0 ||
	    jsn_need_int(v, "size", what, 0, SIZE_MAX_BYTES, &d.size, e) < 0 ||
	    copy_type(d.media_type, jsn_str_or(v, "mediaType", ""), what, e) < 0)
		return -1;
	if (digest_parse(view_of(digest), &d.digest, e) < 0)
		return err_wrap(e, "%s", what);
	d.foreign = jsn_len(jsn_get(v, "urls")) > 0 ||
		    strstr(d.media_type, "nondistributable") != NULL ||
		    strstr(d.media_type, ".foreign.") != NULL;
	d.annotations = jsn_get(v, "annotations");
	read_platform(v, &d);
	*ret = d;
	return 0;
}

static int
read_list(const struct json_t *v, const char *key, size_t max, const char *what,
	  struct descriptor **ret, size_t *ret_n, struct err *e)
{
	const struct json_t *list = jsn_get(v, key);
	AUTO_FREE struct descriptor *all = NULL;
	size_t n = jsn_len(list);

	if (!jsn_is_array(list))
		return err_set(e, ERR_DATA, "%s: no list '%s'", what, key);
	if (n > max)
		return err_set(e, ERR_DATA, "%s: more than %zu '%s'", what, max, key);
	all = calloc(n > 0 ? n : 1, sizeof(*all));
	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		if (read_descriptor(jsn_at(list, i), what, &all[i], e) < 0)
			return -1;
	*ret = TAKE_PTR(all);
	*ret_n = n;
	return 0;
}

/* The type that the document or, if it names none, the server gives. */
static int
find_type(struct manifest *m, const char *content_type, const char *what, struct err *e)
{
	const char *own = jsn_str(m->json, "mediaType");
	char said[MANIFEST_MEDIA_TYPE_MAX] = "";
	const char *type;

	if (content_type != NULL) {
		(void)snprintf(said, sizeof(said), "%.*s", (int)strcspn(content_type, "; "),
			       content_type);
		if (own != NULL && said[0] != '\0' && strcmp(own, said) != 0 &&
		    strcmp(said, "application/json") != 0)
			return err_set(e, ERR_DATA, "%s: is '%s' but was sent as '%s'", what, own,
				       said);
	}
	type = own != NULL ? own : said;
	if (type[0] == '\0')
		type = jsn_is_array(jsn_get(m->json, "manifests")) ? MEDIA_OCI_INDEX
								   : MEDIA_OCI_MANIFEST;
	if (jsn_int(m->json, "schemaVersion", 0) == 1 ||
	    strstr(type, "distribution.manifest.v1") != NULL)
		return err_set(e, ERR_DATA,
			       "%s: Docker's manifest schema 1 is not supported: build it again",
			       what);
	if (!is_index_type(type) && !is_manifest_type(type))
		return err_set(e, ERR_DATA, "%s: unknown media type '%s'", what, type);
	if (jsn_int(m->json, "schemaVersion", 0) != 2)
		return err_set(e, ERR_DATA, "%s: schemaVersion is not 2", what);
	m->is_index = is_index_type(type);
	return copy_type(m->media_type, type, what, e);
}

static int
read_parts(struct manifest *m, const char *what, struct err *e)
{
	const struct json_t *subject = jsn_get(m->json, "subject");

	m->annotations = jsn_get(m->json, "annotations");
	if (copy_type(m->artifact_type, jsn_str_or(m->json, "artifactType", ""), what, e) < 0)
		return -1;
	if (!jsn_is_null(subject) && read_descriptor(subject, what, &m->subject, e) < 0)
		return -1;
	if (m->is_index)
		return read_list(m->json, "manifests", MANIFEST_CHILDREN_MAX, what, &m->children,
				 &m->nchildren, e);
	if (jsn_is_array(jsn_get(m->json, "manifests")))
		return err_set(e, ERR_DATA, "%s: a manifest with the parts of an index", what);
	if (read_descriptor(jsn_get(m->json, "config"), what, &m->config, e) < 0)
		return -1;
	return read_list(m->json, "layers", MANIFEST_LAYERS_MAX, what, &m->layers, &m->nlayers, e);
}

int
manifest_parse(struct view bytes, const char *content_type, const struct digest *want,
	       const char *what, struct manifest *ret, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };

	if (bytes.n > MANIFEST_MAX)
		return err_set(e, ERR_DATA, "%s: manifest is larger than %u bytes", what,
			       MANIFEST_MAX);
	if (want != NULL && digest_check(bytes.p, bytes.n, want, what, e) < 0)
		return -1;
	m.json = jsn_parse(bytes, what, e);
	if (m.json == NULL)
		return -1;
	if (find_type(&m, content_type, what, e) < 0 || read_parts(&m, what, e) < 0)
		return -1;
	m.bytes = view_dup(bytes);
	if (m.bytes == NULL)
		return err_nomem(e);
	m.len = bytes.n;
	if (want != NULL)
		m.digest = *want;
	else
		digest_of(bytes.p, bytes.n, &m.digest);
	*ret = m;
	m = (struct manifest){ 0 };
	return 0;
}

void
manifest_clear(struct manifest *m)
{
	free(m->bytes);
	free(m->layers);
	free(m->children);
	jsn_free(&m->json);
	*m = (struct manifest){ 0 };
}
