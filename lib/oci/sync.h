/*
 * sync: images from one store to another, byte for byte, with all that
 * belongs to them.
 *
 * Order: blobs, then manifests, children before parents, then signatures and
 * other referrers, and the tag at the very end, so that a reader of the
 * destination never sees a tag that cannot be pulled or verified.  What is
 * there already is not moved, what another repository of the same registry
 * has is mounted, and no blob is moved twice in a run.  Blobs are streamed
 * from source to destination through a bounded buffer and hashed on the way;
 * the last bytes of a blob whose digest is wrong are never sent.  A source
 * that breaks off is asked for the rest (Range); what an earlier run has left
 * at the destination is gone on with, and then read back, because its bytes
 * were hashed by nobody who is there to say so.
 *
 * What belongs to an image: cosign's tags (sha256-HEX.sig, .att, .sbom), and
 * OCI 1.1 referrers, theirs included down to SYNC_DEPTH_MAX, of an index also
 * those of its children.  A referrer that the source lists but no longer has
 * is left out.
 *
 * Blobs that move are shown by base/progress.h.
 *
 * One struct sync is one run.  Its functions may be called by all threads of
 * one pool at once (base/pool.h); each thread opens sessions of its own to the
 * stores that it is given.
 */
#ifndef GANTRY_OCI_SYNC_H
#define GANTRY_OCI_SYNC_H

#include "base/pace.h"
#include "base/pool.h"
#include "oci/store.h"

#define SYNC_DEPTH_MAX	   8
#define SYNC_MANIFESTS_MAX 4096 /* of one image, with all that belongs to it */
#define SYNC_PLATFORMS_MAX 16

enum sync_result { SYNC_CURRENT, SYNC_COPIED };

struct sync_opts {
	bool no_referrers;
	bool dry_run;		      /* only say what would be done */
	int retries;		      /* of one blob, without a byte of progress */
	size_t jobs;		      /* blobs that are moved at once */
	const char *const *platforms; /* children of indexes to take; NULL: all */
	const volatile bool *stop;
	struct pace *pace; /* of bytes from sources; NULL: no limit */
};

struct sync;
int sync_new(const struct sync_opts *o, struct sync **ret, struct err *e);
void sync_free(struct sync **s);
#define AUTO_SYNC AUTO(sync_free)

/* What a worker has opened goes with it: pool_opts.leave. */
void sync_leave(void *state);
/* A session of this worker's own to the place of a store that was opened for
 * the whole run; lent. */
int sync_session(struct pool_worker *w, struct store *of, struct store **ret, struct err *e);

/* digest of the source becomes tag (or only the digest, if tag is "") at the
 * destination.  On failure the destination's tag is what it was.
 * *ret_sparse: children of an index were left out (platforms). */
int sync_image(struct sync *s, struct pool_worker *w, struct store *src, struct store *dst,
	       const struct digest *digest, const char *tag, enum sync_result *ret,
	       bool *ret_sparse, struct err *e);

/* Bytes of blobs that came from sources. */
int64_t sync_bytes(struct sync *s);

#endif
