#include "oci/image.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/image_parts.h"
#include "oci/platform.h"

#define PLATFORM_MAX 96

static const char *const configs[] = { "application/vnd.oci.image.config.v1+json",
				       "application/vnd.docker.container.image.v1+json" };

bool
image_is_one(const struct manifest *m)
{
	for (size_t i = 0; i < COUNT_OF(configs); i++)
		if (strcmp(m->config.media_type, configs[i]) == 0)
			return true;
	return false;
}

int
image_config(struct store *s, const struct manifest *m, struct json_t **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(IMAGE_CONFIG_MAX);
	char what[DIGEST_STR_MAX + 16];

	(void)snprintf(what, sizeof(what), "config '%s'", m->config.digest.str);
	if (store_blob(s, &m->config, IMAGE_CONFIG_MAX, &text, e) < 0)
		return -1;
	*ret = jsn_parse(view_buf(&text), what, e);
	return *ret != NULL ? 0 : -1;
}

static int
narrow_manifest(struct store *s, const struct manifest *m, const char *platform, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	char is[PLATFORM_MAX];
	const char *variant;

	if (!image_is_one(m))
		return err_set(e, ERR_NO, "'%s' is for no platform: it is not an image",
			       m->digest.str);
	if (image_config(s, m, &v, e) < 0)
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
