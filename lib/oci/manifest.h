/*
 * manifest: what a registry says an image is made of.
 *
 * OCI image manifest and index 1.1, Docker manifest v2 schema 2 and manifest
 * list.  Parsed from exact bytes that stay beside the result; schema 1 and
 * unknown types are refused by name.
 */
#ifndef GANTRY_OCI_MANIFEST_H
#define GANTRY_OCI_MANIFEST_H

#include <stdint.h>

#include "oci/digest.h"

#define MANIFEST_MAX		(4U << 20) /* bytes: what registries accept */
#define MANIFEST_LAYERS_MAX	1024	   /* artifacts have more than images may */
#define MANIFEST_CHILDREN_MAX	1024
#define MANIFEST_MEDIA_TYPE_MAX 256

#define MEDIA_OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX	      "application/vnd.oci.image.index.v1+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"

struct json_t;

struct descriptor {
	char media_type[MANIFEST_MEDIA_TYPE_MAX];
	struct digest digest;
	int64_t size;
	bool foreign;			  /* has urls, or a non-distributable type */
	char platform[96];		  /* "linux/arm64/v8", children only; may be "" */
	const struct json_t *annotations; /* lent by the manifest, may be NULL */
};

struct manifest {
	char media_type[MANIFEST_MEDIA_TYPE_MAX];
	struct digest digest; /* of the exact bytes */
	char *bytes;	      /* as they came, for storing elsewhere */
	size_t len;
	bool is_index;
	struct descriptor config;  /* manifests only */
	struct descriptor *layers; /* of a manifest */
	size_t nlayers;
	struct descriptor *children; /* of an index */
	size_t nchildren;
	struct descriptor subject; /* digest not set: none */
	char artifact_type[MANIFEST_MEDIA_TYPE_MAX];
	const struct json_t *annotations; /* lent */
	struct json_t *json;		  /* the whole document */
};

/* bytes are copied.  content_type: what the server said, or NULL; if the
 * document names its own mediaType the two must agree.  want: the digest that
 * the bytes must have, or NULL.  what: names it in errors.  ERR_DATA. */
int manifest_parse(struct view bytes, const char *content_type, const struct digest *want,
		   const char *what, struct manifest *ret, struct err *e);
void manifest_clear(struct manifest *m);
#define AUTO_MANIFEST AUTO(manifest_clear)

#endif
