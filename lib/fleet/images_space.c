#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/jsn.h"
#include "fleet/images_parts.h"
#include "oci/image.h"
#include "oci/registry.h"

#define TIMES	     2 /* a layer is on disk as it came while it is unpacked */
#define MB	     (1 << 20)
#define PLATFORM_MAX 96

static bool
has_layer(const struct json_t *image, const struct json_t *diff_id)
{
	const struct json_t *all = jsn_get(image, "RootFS.Layers");

	for (size_t i = 0; i < jsn_len(all); i++)
		if (diff_id != NULL && jsn_equal(jsn_at(all, i), diff_id))
			return true;
	return false;
}

/* Bytes of the layers that the image which runs does not have. */
static int
missing_bytes(struct store *from, const struct digest *d, const struct json_t *running,
	      int64_t *ret, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	AUTO_BUF struct buf bytes = BUF_INIT(IMAGE_CONFIG_MAX);
	AUTO_JSN struct json_t *config = NULL;
	const struct json_t *ids;

	if (store_manifest(from, d->str, &m, e) < 0 ||
	    store_blob(from, &m.config, IMAGE_CONFIG_MAX, &bytes, e) < 0)
		return -1;
	config = jsn_parse(view_buf(&bytes), "image configuration", e);
	if (config == NULL)
		return -1;
	ids = jsn_get(config, "rootfs.diff_ids");
	*ret = 0;
	for (size_t i = 0; i < m.nlayers; i++)
		if (!has_layer(running, jsn_at(ids, i)) && m.layers[i].size < INT64_MAX / 4 - *ret)
			*ret += m.layers[i].size;
	return 0;
}

static int
need_bytes(const struct images_opts *o, const struct service *s, const struct move_goal *goal,
	   int64_t *ret, struct err *e)
{
	struct registry_opts ro = { .http = { .stop = o->stop }, .auth = o->auth };
	AUTO_REGISTRY struct registry *r = NULL;
	AUTO_STORE struct store *from = NULL;
	AUTO_JSN struct json_t *container = NULL;
	AUTO_JSN struct json_t *running = NULL;
	char platform[PLATFORM_MAX];
	struct digest one;
	struct ref ref;

	if (ref_parse(view_of(goal->repo), &ref, e) < 0 || service_need(s, &container, e) < 0 ||
	    engine_image(s->engine, jsn_str_or(container, "Image", ""), &running, e) < 0)
		return -1;
	(void)snprintf(platform, sizeof(platform), "%s/%s", jsn_str_or(running, "Os", "linux"),
		       jsn_str_or(running, "Architecture", ""));
	if (registry_open(ref_host(&ref), &ro, &r, e) < 0 ||
	    registry_store(r, ref.repo, &from, e) < 0 ||
	    image_narrow(from, &goal->digest, platform, &one, e) < 0 ||
	    missing_bytes(from, &one, running, ret, e) < 0)
		return -1;
	/* and the engine's own records of an image */
	*ret = *ret * TIMES + MB;
	return 0;
}

/* Where this machine's engine keeps images; false for another machine's. */
static bool
find_root(struct engine *eng, char *out, size_t size)
{
	AUTO_JSN struct json_t *info = NULL;

	if (engine_machine(eng)[0] != '\0' || engine_info(eng, &info, NULL) < 0)
		return false;
	(void)snprintf(out, size, "%s", jsn_str_or(info, "DockerRootDir", ""));
	return out[0] != '\0';
}

int
images_check_space(const struct images_opts *o, const struct service *s,
		   const struct move_goal *goal, struct err *e)
{
	char root[PATH_MAX];
	struct statvfs disk;
	int64_t need, free_bytes;

	/* what cannot be found out here, the engine finds out when it pulls */
	if (!find_root(s->engine, root, sizeof(root)) || statvfs(root, &disk) < 0 ||
	    need_bytes(o, s, goal, &need, NULL) < 0)
		return 0;
	free_bytes = (int64_t)(disk.f_bavail * disk.f_frsize);
	if (free_bytes - o->min_free >= need)
		return 0;
	return err_set(e, ERR_SPACE,
		       "'%s' needs %" PRId64 " MB at '%s' and MIN_FREE_MB %" PRId64 ", and %" PRId64
		       " MB are free",
		       goal->ref, (need + MB - 1) / MB, root, o->min_free / MB, free_bytes / MB);
}
