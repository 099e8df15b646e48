/*
 * store: one repository, wherever it is kept: in a registry, in an OCI layout
 * or in an archive.
 *
 * A struct store belongs to one thread at a time; store_again opens another
 * one to the same place for another thread.  Names ("what") are tags or
 * digests.  Bytes are checked on the way: a manifest or a small blob always
 * has the digest that was asked for.
 *
 * Errors, of all kinds of stores: ERR_NOTFOUND for what is not there, ERR_TEMP
 * for a place that cannot be reached now, ERR_AUTH for one that refuses us,
 * ERR_DATA for bytes that are not what they must be, ERR_USAGE for what this
 * kind of store cannot do, ERR_SYS and ERR_SPACE for this machine.  Messages
 * name the store and the tag or digest.
 */
#ifndef GANTRY_OCI_STORE_H
#define GANTRY_OCI_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "oci/manifest.h"
#include "oci/ref.h"

struct store;

/* A blob's bytes, from an offset on. */
struct store_stream {
	long (*read)(struct store_stream *b, void *p, size_t n, struct err *e);
	void (*close)(struct store_stream *b);
	int64_t at;	/* where it starts: what was asked for, or 0 */
	int64_t length; /* of what will come, -1 if not known */
};

/* Where a blob that is to be stored comes from.  The store asks for its bytes
 * from an offset on, more than once where a transfer has to be taken up again:
 * start positions, read gives what comes next (0 at the end, -1 with *e). */
struct store_feed {
	int (*start)(void *arg, int64_t from, struct err *e);
	long (*read)(void *arg, void *p, size_t n, struct err *e);
	void *arg;
};

/* What a kind of store does; see the functions below.  Only close may not be
 * missing: what is NULL is ERR_USAGE, or "nothing" where that is an answer. */
struct store_ops {
	void (*close)(struct store *s);
	int (*again)(struct store *s, struct store **ret, struct err *e);
	int (*finish)(struct store *s, struct err *e);
	int (*tags)(struct store *s, char ***ret, size_t *n, struct err *e);
	int (*resolve)(struct store *s, const char *what, struct descriptor *ret, struct err *e);
	int (*manifest)(struct store *s, const char *what, struct manifest *ret, struct err *e);
	int (*blob)(struct store *s, const struct descriptor *d, size_t max, struct buf *ret,
		    struct err *e);
	int (*open_blob)(struct store *s, const struct digest *d, int64_t from,
			 struct store_stream **ret, struct err *e);
	int (*referrers)(struct store *s, const struct digest *subject, struct descriptor **ret,
			 size_t *n, struct err *e);
	int (*has_manifest)(struct store *s, const struct digest *d, struct err *e);
	int (*has_blob)(struct store *s, const struct digest *d, struct err *e);
	int (*put_blob)(struct store *s, const struct descriptor *d, const struct store_feed *feed,
			struct err *e);
	int (*mount)(struct store *s, const struct digest *d, const char *repo, struct err *e);
	int (*put_manifest)(struct store *s, const char *what, const struct manifest *m,
			    struct err *e);
	int (*remove)(struct store *s, const char *what, struct err *e);
};

/* The head of each kind's own struct. */
struct store {
	const struct store_ops *ops;
	char name[REF_STR_MAX]; /* "HOST/REPO", "oci:DIR", for messages */
	const char *repo;	/* of a registry; "" elsewhere */
};

void store_close(struct store **s);
#define AUTO_STORE AUTO(store_close)
/* Another one to the same place, for another thread. */
int store_again(struct store *s, struct store **ret, struct err *e);
/* What was put is all there is: an archive writes its index.  Once, by the
 * thread that opened the first one, when all others are closed. */
int store_finish(struct store *s, struct err *e);

/* All tags; *ret: an array of *n strings, both the caller's
 * (registry_tags_free). */
int store_tags(struct store *s, char ***ret, size_t *n, struct err *e);
/* Digest, and where the store says so at once media type and size, of what a
 * name means now. */
int store_resolve(struct store *s, const char *what, struct descriptor *ret, struct err *e);
int store_manifest(struct store *s, const char *what, struct manifest *ret, struct err *e);
/* A whole small blob of at most max bytes, hashed and compared. */
int
store_blob(struct store *s, const struct descriptor *d, size_t max, struct buf *ret, struct err *e);
/* A blob as a stream: not hashed, that is for the reader. */
int store_open_blob(struct store *s, const struct digest *d, int64_t from,
		    struct store_stream **ret, struct err *e);
void store_stream_close(struct store_stream **b);
#define AUTO_STORE_STREAM AUTO(store_stream_close)
/* What refers to subject: *n descriptors (no annotations), the caller's to
 * free.  None is an answer. */
int store_referrers(struct store *s, const struct digest *subject, struct descriptor **ret,
		    size_t *n, struct err *e);
/* 1 it is there, 0 it is not, -1. */
int store_has_manifest(struct store *s, const struct digest *d, struct err *e);
int store_has_blob(struct store *s, const struct digest *d, struct err *e);

/* Store d->size bytes with digest d->digest.  Nobody ever sees a part of them
 * under that digest.  A feed that fails leaves nothing, or what a later call
 * goes on with. */
int store_put_blob(struct store *s, const struct descriptor *d, const struct store_feed *feed,
		   struct err *e);
/* 1 taken from another repository of the same place, 0 not possible, -1. */
int store_mount(struct store *s, const struct digest *d, const char *repo, struct err *e);
/* Under a tag or its digest.  A manifest with a subject is found by
 * store_referrers afterwards. */
int store_put_manifest(struct store *s, const char *what, const struct manifest *m, struct err *e);
/* A tag, or a manifest by digest with all its tags.  Not there is done. */
int store_remove(struct store *s, const char *what, struct err *e);

#endif
