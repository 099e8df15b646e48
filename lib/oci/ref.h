/*
 * ref: names of images in registries, as CONTRACT says:
 *
 *     [docker://]HOST[:PORT]/REPO[:TAG][@DIGEST]
 *     oci:DIR[:TAG][@DIGEST]               an OCI image layout
 *     oci-archive:FILE[:TAG][@DIGEST]      one in a tar file
 *     docker-archive:FILE[:TAG][@DIGEST]   what docker save writes
 *
 * Grammar of the OCI distribution specification; repository and host at most
 * 255 bytes, a tag 128.  Names without a host follow Docker's rules: the first
 * part is a host if it has a '.' or a ':' or is "localhost", otherwise the
 * host is docker.io, and a single name is under library/.
 */
#ifndef GANTRY_OCI_REF_H
#define GANTRY_OCI_REF_H

#include "oci/digest.h"

#define REF_PART_MAX 256
#define REF_TAG_MAX  129
#define REF_PATH_MAX 512
#define REF_STR_MAX  (REF_PATH_MAX + 2 * REF_PART_MAX + REF_TAG_MAX + DIGEST_STR_MAX + 4)

enum ref_kind { REF_REGISTRY, REF_LAYOUT, REF_OCI_ARCHIVE, REF_DOCKER_ARCHIVE };

struct ref {
	enum ref_kind kind;
	char path[REF_PATH_MAX]; /* of a folder or file; "" for a registry */
	char host[REF_PART_MAX]; /* with its port if it has one: "localhost:5000" */
	char repo[REF_PART_MAX];
	char tag[REF_TAG_MAX]; /* "" if none was given */
	struct digest digest;  /* not set if none was given */
};

/* ERR_USAGE "'x' is not an image reference: why". */
int ref_parse(struct view s, struct ref *ret, struct err *e);
/* The same, and layouts and archives too.  What comes after the last ':' of a
 * path is a tag if it can be one. */
int ref_parse_place(struct view s, struct ref *ret, struct err *e);
bool ref_is_tag(struct view v);
/* HOST/REPO[:TAG][@DIGEST]; what is empty is left out. */
void ref_print(const struct ref *r, char out[REF_STR_MAX]);
/* The tag or digest that a registry is asked for: digest first, "latest" if
 * neither is there. */
const char *ref_what(const struct ref *r);
/* The host that answers: docker.io becomes registry-1.docker.io. */
const char *ref_host(const struct ref *r);
/* Loopback by name or number: plain HTTP unless its port answers TLS. */
bool ref_is_local(const struct ref *r);

#endif
