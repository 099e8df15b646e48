/*
 * sync: one image from one store to another, byte for byte, with all that
 * belongs to it.
 *
 * Order: blobs, then manifests, children before parents, then signatures and
 * other referrers, and the tag at the very end, so that a reader of the
 * destination never sees a tag that cannot be pulled or verified.  What is
 * there already is not moved.  Blobs are streamed from source to destination
 * through a bounded buffer and hashed on the way; the last bytes of a blob
 * whose digest is wrong are never sent.
 *
 * What belongs to an image: cosign's tags (sha256-HEX.sig, .att, .sbom), and
 * OCI 1.1 referrers, theirs included down to SYNC_DEPTH_MAX.  At a destination
 * without the referrers API the fallback index is brought up to date, also for
 * what an interrupted run has left out of it; entries that others have put
 * there stay.  A referrer that the source lists but no longer has is left out.
 */
#ifndef GANTRY_OCI_SYNC_H
#define GANTRY_OCI_SYNC_H

#include "oci/store.h"

#define SYNC_DEPTH_MAX	   8
#define SYNC_MANIFESTS_MAX 4096 /* of one image, with all that belongs to it */

enum sync_result { SYNC_CURRENT, SYNC_COPIED };

struct sync {
	struct store *src, *dst; /* two sessions, even to the same host */
	bool no_referrers;
	bool dry_run;				 /* only say what would be done */
	int retries;				 /* of one blob whose transfer was cut */
	void (*moved)(void *arg, int64_t bytes); /* may be NULL */
	void *arg;
	int64_t bytes;		/* moved so far */
	struct sync_seen *seen; /* sync's own; NULL */
};

/* digest of the source becomes tag (or only the digest, if tag is "") at the
 * destination.  On failure the destination's tag is what it was. */
int sync_image(struct sync *s, const struct digest *digest, const char *tag, enum sync_result *ret,
	       struct err *e);

#endif
