/*
 * image: what stands behind a digest: a manifest, or an index of several, with
 * their configs and layers.
 */
#ifndef GANTRY_OCI_IMAGE_H
#define GANTRY_OCI_IMAGE_H

#include "oci/store.h"

#define IMAGE_CONFIG_MAX (8U << 20)
#define IMAGE_DEPTH_MAX	 4     /* indexes in indexes */
#define IMAGE_PARTS_MAX	 16384 /* manifests and blobs of one index */

/* The manifest for a platform (platform.h): the one child of an index that is
 * for it, or d itself if its config says so.  ERR_NO if there is none, or
 * several. */
int image_narrow(struct store *s, const struct digest *d, const char *platform, struct digest *ret,
		 struct err *e);

/* Everything that d names, read and hashed: children, configs and layers, and
 * of images what the layers unpack to (layer.h).  ERR_NOTFOUND if a part is
 * not there, ERR_DATA if it is not what it must be, both naming it. */
int image_check(struct store *s, const struct digest *d, struct err *e);

#endif
