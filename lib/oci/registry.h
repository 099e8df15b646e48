/*
 * registry: a client of the OCI distribution API 1.1.
 *
 * One struct registry is one session with a host; it belongs to one thread at
 * a time, and copying between two repositories needs two of them (see http.h).
 * All sessions that come from one registry_open share what was found out about
 * the host, and its tokens.  Repositories are named in each call.  Answers are
 * checked: a manifest always has the digest that was asked for, a tag's
 * manifest the digest that the server announced.
 *
 * Errors: ERR_TEMP if the host is not reached, answers 5xx or 429, or is not
 * a registry (a captive portal's HTML); ERR_NOTFOUND for 404; ERR_AUTH for 401
 * and 403; ERR_DATA for an answer that is not what it must be.  Messages name
 * the host, the repository and the tag or digest.
 */
#ifndef GANTRY_OCI_REGISTRY_H
#define GANTRY_OCI_REGISTRY_H

#include "net/http.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "oci/store.h"
#include "oci/warned.h"

#define REGISTRY_TAGS_MAX 100000

struct auth_files;

struct registry_opts {
	struct http_opts http;
	const struct auth_files *auth; /* where credentials are; NULL: we have none */
	const char *const *plain_http; /* hosts that speak plain HTTP, NULL-terminated */
	const char *uploads;	       /* folder for upload.h; NULL: none */
	int64_t open_ms;	       /* for the first answer, with all retries; 0: no limit */
	warned_fn *warned;	       /* told what registries want people to know; may be NULL */
};

struct registry;

/* host as in a reference ("localhost:5000"); what o points to must stay.  Found out at once whether
 * it speaks TLS and is a registry (one GET /v2/).  Tokens are asked for later, when there is a
 * repository to name. */
int registry_open(const char *host, const struct registry_opts *o, struct registry **ret,
		  struct err *e);
/* Another session with the same host, for another thread; nothing is sent. */
int registry_again(struct registry *r, struct registry **ret, struct err *e);
void registry_close(struct registry **r);
#define AUTO_REGISTRY AUTO(registry_close)
const char *registry_host(const struct registry *r);

/* One request to the registry's API, with the credentials that it asks for.
 * q's url is a path ("/v2/…") or an address that the registry gave; writes:
 * whether more than reading is meant.  The answer's status is the caller's to
 * judge: registry_refuse makes an error of one that is not good. */
int registry_request(struct registry *r, const char *repo, bool writes, const struct http_req *q,
		     struct http_resp *ret, struct err *e);
/* One that writes to repo and reads from another repository of the same host. */
int registry_request_from(struct registry *r, const char *repo, const char *from,
			  const struct http_req *q, struct http_resp *ret, struct err *e);
int registry_refuse(struct registry *r, const char *repo, const char *what,
		    const struct http_resp *resp, struct err *e);
/* A web page, whatever its status: not what a registry says. */
bool registry_is_page(const struct http_resp *resp);

/* All tags, page after page (Link), in the order that the server gives; a
 * name that is no tag, or a page that cannot be asked for, is ERR_DATA.
 * *ret: an array of *n strings and the array itself are the caller's,
 * registry_tags_free.  A repository that is not there is ERR_NOTFOUND. */
int registry_tags(struct registry *r, const char *repo, char ***ret, size_t *n, struct err *e);
void registry_tags_free(char **tags, size_t n);

/* The digest that a tag (or digest) names now: HEAD, and where the server
 * leaves the digest out, GET and hash. */
int registry_resolve(struct registry *r, const char *repo, const char *what, struct digest *ret,
		     struct err *e);
/* The same with media type and size. */
int registry_describe(struct registry *r, const char *repo, const char *what,
		      struct descriptor *ret, struct err *e);
/* A manifest by tag or digest. */
int registry_manifest(struct registry *r, const char *repo, const char *what, struct manifest *ret,
		      struct err *e);
/* A whole small blob, hashed and compared. */
int registry_blob(struct registry *r, const char *repo, const struct descriptor *d, size_t max,
		  struct buf *ret, struct err *e);
/* 1 it is there, 0 it is not, -1. */
int registry_has_blob(struct registry *r, const char *repo, const struct digest *d, struct err *e);
int registry_has_manifest(struct registry *r, const char *repo, const char *what, struct err *e);
/* A blob as a stream from offset on; *ret_at is where it really starts (0 if
 * the server ignores Range). */
int registry_blob_open(struct registry *r, const char *repo, const struct digest *d, int64_t offset,
		       struct http_stream **ret, int64_t *ret_at, struct err *e);

/* One of its repositories as a store; r is lent (registry_store_own: taken). */
int registry_store(struct registry *r, const char *repo, struct store **ret, struct err *e);
int registry_store_own(struct registry **r, const char *repo, struct store **ret, struct err *e);

/* What one session found out about its host, for all of them. */
enum registry_habit {
	REGISTRY_NO_REFERRERS = 1, /* no referrers API */
	REGISTRY_NO_CHUNKS = 2,	   /* a blob in one PUT, or not at all */
	REGISTRY_NO_WHOLE = 4,	   /* a blob by PATCH, or not at all */
};
bool registry_has_habit(struct registry *r, enum registry_habit h);
void registry_learn(struct registry *r, enum registry_habit h);
/* One session at a time changes lists at fallback tags. */
void registry_lock_lists(struct registry *r);
void registry_unlock_lists(struct registry *r);
/* registry_opts.uploads */
const char *registry_uploads(const struct registry *r);

/* The tags that repo has: those for tools (tags_is_referrer) that are not
 * among them are not asked for any more.  Lent, sorted by strcmp; sessions
 * opened from r by registry_again know it too. */
void registry_know_tags(struct registry *r, const char *repo, char *const *tags, size_t n);

#endif
