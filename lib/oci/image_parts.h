/*
 * image_parts: what image.c and image_check.c share.  Who only looks for a platform does without
 * what unpacks layers.
 */
#ifndef GANTRY_OCI_IMAGE_PARTS_H
#define GANTRY_OCI_IMAGE_PARTS_H

#include "oci/store.h"

/* Other manifests only have the form of an image. */
bool image_is_one(const struct manifest *m);
/* *ret is the caller's. */
int image_config(struct store *s, const struct manifest *m, struct json_t **ret, struct err *e);

#endif
