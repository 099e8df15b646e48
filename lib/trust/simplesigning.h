/*
 * simplesigning: the payload that a classic cosign signature covers.
 *
 *     {"critical": {"identity": {"docker-reference": "…"},
 *                   "image": {"docker-manifest-digest": "sha256:…"},
 *                   "type": "cosign container image signature"},
 *      "optional": null or an object}
 *
 * Format: containers/image, "atomic container signature"; cosign,
 * SIGNATURE_SPEC.  Everything under critical must be understood, so an
 * unknown member there is refused.  What is under optional is not looked at.
 */
#ifndef GANTRY_TRUST_SIMPLESIGNING_H
#define GANTRY_TRUST_SIMPLESIGNING_H

#include "oci/digest.h"

#define SIMPLESIGNING_MEDIA_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIMPLESIGNING_REF_MAX	 1024

struct simplesigning {
	struct digest digest;
	char reference[SIMPLESIGNING_REF_MAX]; /* what the signer called it; a mirror has
						* another name, so this decides nothing */
};

/* ERR_DATA says which member is wrong. */
int simplesigning_parse(struct view payload, struct simplesigning *ret, struct err *e);

/* 0 if the payload speaks of the image with this digest; ERR_NO if of another
 * one, ERR_DATA if it cannot be understood. */
int simplesigning_covers(struct view payload, const struct digest *image, struct err *e);

#endif
