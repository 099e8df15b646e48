#include <stdlib.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/image.h"
#include "oci/image_parts.h"
#include "oci/layer.h"

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

	if (image_config(c->s, m, &v, e) < 0)
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
	if (image_is_one(&m))
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
