/*
 * spec: how to make a container again with another image.
 *
 * From what the engine tells about a container (inspect) and about the image
 * it was made of, what people had set is told apart from what came with the
 * image: the first stays, the second follows the new image.  Pure: JSON in,
 * JSON out.
 *
 * Carried over: host configuration (binds, limits, devices, sysctls, …),
 * volumes without a name, networks with their own aliases and addresses,
 * environment, labels and command that differ from the image's.  Not carried
 * over: names that the engine made up, the restart policy (always "no": the
 * old container has it until the new one is proven).
 */
#ifndef GANTRY_ENGINE_SPEC_H
#define GANTRY_ENGINE_SPEC_H

#include "base/err.h"

#define SPEC_LABEL_SERVICE  "io.gantry.service"
#define SPEC_LABEL_TAG	    "io.gantry.tag"
#define SPEC_LABEL_HANDOVER "io.gantry.handover"
#define SPEC_ENV_INSTANCE   "GANTRY_INSTANCE"
#define SPEC_ENV_IMAGE	    "GANTRY_IMAGE"

struct json_t;

struct spec_new {
	const char *image;    /* REPO@sha256:… or an image id; also GANTRY_IMAGE */
	const char *service;  /* the label io.gantry.service */
	const char *tag;      /* the label io.gantry.tag, "" for none */
	const char *instance; /* GANTRY_INSTANCE */
};

/* container, old_image: inspect answers; old_image may be NULL (nothing is then
 * taken for the image's).  *ret, the body of a create request, is the
 * caller's.  ERR_NO if the container cannot be made again (--rm). */
int spec_make(const struct json_t *container, const struct json_t *old_image,
	      const struct spec_new *n, struct json_t **ret, struct err *e);

/* The same from what spec_make made once, for another image; its instance stays, n's is only for
 * one that has none. */
int spec_again(const struct json_t *saved, const struct spec_new *n, struct json_t **ret,
	       struct err *e);

/* The value of an environment variable in an inspect answer's Config; lent up to
 * the next change of it, NULL if not set. */
const char *spec_env(const struct json_t *inspect, const char *name);

#endif
