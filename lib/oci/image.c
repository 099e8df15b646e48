#include "oci/image.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/layer.h"
#include "oci/platform.h"

#define PLATFORM_MAX 96

static const char *const configs[] = { "application/vnd.oci.image.config.v1+json",
				       "application/vnd.docker.container.image.v1+json" };

/* Other manifests only have the form of an image. */
static bool
is_image(const struct manifest *m)
{
	for (size_t i = 0; i < COUNT_OF(configs); i++)
		if (strcmp(m->config.media_type, configs[i]) == 0)
			return true;
	return false;
}

static int
read_config(struct store *s, const struct manifest *m, struct json_t **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(IMAGE_CONFIG_MAX);
	char what[DIGEST_STR_MAX + 16];

	(void)snprintf(what, sizeof(what), "config '%s'", m->config.digest.str);
	if (store_blob(s, &m->config, IMAGE_CONFIG_MAX, &text, e) < 0)
		return -1;
	*ret = jsn_parse(view_buf(&text), what, e);
	return *ret != NULL ? 0 : -1;
}

/* --- one platform --------------------------------------------------------- */

static int
narrow_manifest(struct store *s, const struct manifest *m, const char *platform, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	char is[PLATFORM_MAX];
	const char *variant;

	if (!is_image(m))
		return err_set(e, ERR_NO, "'%s' is for no platform: it is not an image",
			       m->digest.str);
	if (read_config(s, m, &v, e) < 0)
		return -1;
	variant = jsn_str_or(v, "variant", "");
	(void)snprintf(is, sizeof(is), "%s/%s%s%s", jsn_str_or(v, "os", ""),
		       jsn_str_or(v, "architecture", ""), variant[0] != '\0' ? "/" : "", variant);
	if (!platform_match(platform, is))
		return err_set(e, ERR_NO, "'%s' is for '%s', not '%s'", m->digest.str, is,
			       platform);
	return 0;
}

int
image_narrow(struct store *s, const struct digest *d, const char *platform, struct digest *ret,
	     struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	const struct digest *found = NULL;

	if (store_manifest(s, d->str, &m, e) < 0)
		return -1;
	if (!m.is_index) {
		if (narrow_manifest(s, &m, platform, e) < 0)
			return -1;
		*ret = *d;
		return 0;
	}
	for (size_t i = 0; i < m.nchildren; i++) {
		if (!platform_match(platform, m.children[i].platform))
			continue;
		if (found != NULL && !digest_equal(found, &m.children[i].digest))
			return err_set(e, ERR_NO, "'%s' has several images for '%s'", d->str,
				       platform);
		found = &m.children[i].digest;
	}
	if (found == NULL)
		return err_set(e, ERR_NO, "'%s' has no image for '%s'", d->str, platform);
	*ret = *found;
	return 0;
}

/* --- every byte ------------------------------------------------------------- */

/* A manifest or blob that was read already, and as what. */
struct seen {
	struct digest digest, diff_id;
};

struct check {
	struct store *s;
	struct seen *seen;
	size_t n;
};

static void
check_clear(struct check *c)
{
	free(c->seen);
}

static bool
was_seen(const struct check *c, const struct seen *now)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->seen[i].digest.str, now->digest.str) == 0 &&
		    strcmp(c->seen[i].diff_id.str, now->diff_id.str) == 0)
			return true;
	return false;
}

static int
remember(struct check *c, const struct seen *now, struct err *e)
{
	struct seen *more;

	if (c->n == IMAGE_PARTS_MAX)
		return err_set(e, ERR_DATA, "more than %d parts", IMAGE_PARTS_MAX);
	more = realloc(c->seen, (c->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	c->seen = more;
	c->seen[c->n++] = *now;
	return 0;
}

static int
check_blob(struct check *c, const struct descriptor *d, const struct digest *diff_id, struct err *e)
{
	struct seen now = { .digest = d->digest };

	if (diff_id != NULL)
		now.diff_id = *diff_id;
	if (was_seen(c, &now))
		return 0;
	return layer_check(c->s, d, diff_id, 0, e) < 0 ? -1 : remember(c, &now, e);
}

static int
check_layers(struct check *c, const struct manifest *m, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	const struct json_t *ids;

	if (read_config(c->s, m, &v, e) < 0)
		return -1;
	ids = jsn_get(v, "rootfs.diff_ids");
	if (!jsn_is_array(ids) || jsn_len(ids) != m->nlayers)
		return err_set(e, ERR_DATA, "config '%s' has %zu diff_ids for %zu layers",
			       m->config.digest.str, jsn_len(ids), m->nlayers);
	for (size_t i = 0; i < m->nlayers; i++) {
		struct digest id;

		if (digest_parse(view_of(jsn_str_or(jsn_at(ids, i), "", "")), &id, e) < 0)
			return err_wrap(e, "config '%s'", m->config.digest.str);
		if (check_blob(c, &m->layers[i], &id, e) < 0)
			return err_wrap(e, "layer %zu", i + 1);
	}
	return 0;
}

static int
check_manifest(struct check *c, const struct digest *d, int depth, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct seen now = { .digest = *d };

	if (was_seen(c, &now))
		return 0;
	if (depth > IMAGE_DEPTH_MAX)
		return err_set(e, ERR_DATA, "more than %d indexes in each other", IMAGE_DEPTH_MAX);
	if (store_manifest(c->s, d->str, &m, e) < 0 || remember(c, &now, e) < 0)
		return -1;
	for (size_t i = 0; i < m.nchildren; i++)
		if (check_manifest(c, &m.children[i].digest, depth + 1, e) < 0)
			return -1;
	if (m.is_index)
		return 0;
	if (is_image(&m))
		return check_layers(c, &m, e) < 0 ? err_wrap(e, "'%s'", d->str) : 0;
	if (check_blob(c, &m.config, NULL, e) < 0)
		return err_wrap(e, "'%s'", d->str);
	for (size_t i = 0; i < m.nlayers; i++)
		if (check_blob(c, &m.layers[i], NULL, e) < 0)
			return err_wrap(e, "'%s': layer %zu", d->str, i + 1);
	return 0;
}

int
image_check(struct store *s, const struct digest *d, struct err *e)
{
	AUTO(check_clear) struct check c = { .s = s };

	return check_manifest(&c, d, 0, e);
}
