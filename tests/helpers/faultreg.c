/*
 * faultreg: a registry in memory with the habits of real ones, for tests.
 *
 *     faultreg PORT BLOB-PORT [MODE[,MODE]...]
 *
 * Modes are in faultreg/modes.c: single habits ("head-405", "pages=50") and
 * registries ("ghcr").  BLOB-PORT is where "redirect" sends readers of blobs;
 * it answers 400 to whoever shows an Authorization there.  Besides /v2/:
 *
 *     POST /_modes   the body is the list of modes from now on; the counts start anew
 *     GET /_stats    what was asked since: "KIND NUMBER" lines, see stats.h
 *     GET /token     the token server
 *
 * A manifest is refused as long as what it names is not there, and every
 * upload is hashed, so what can be pulled is whole.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/jsn.h"
#include "faultreg/content.h"
#include "faultreg/modes.h"
#include "faultreg/stats.h"
#include "oci/manifest.h"

#define UPLOAD_MAX  (1U << 30)
#define BASIC	    "Basic cm9ib3Q6c2VjcmV0" /* robot:secret */
#define TOKEN_LIFE  10			     /* uses, where tokens get tired */
#define TOKENS_MAX  4096
#define MANIFEST_UP (4U << 20)

struct upload {
	struct upload *next;
	char id[32], repo[256];
	struct buf data;
	size_t first; /* where the first chunk ended */
	int patches, state;
	bool was_short, busy, gone;
};

struct request {
	char repo[256], what[256]; /* what comes after manifests/, blobs/, … */
	char kind[32];		   /* "manifest", "blob", "upload", … */
	struct buf body;	   /* of what is no upload */
	struct upload *upload;
	size_t before; /* bytes that the upload had */
	bool allowed, uploads;
	int refused; /* with this status, whatever the body is */
	int status;
};

static int blob_port;
static struct upload *uploads;
static int uploading, token_uses[TOKENS_MAX], tokens;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *
header(struct MHD_Connection *c, const char *name)
{
	const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	return v != NULL ? v : "";
}

static const char *
argument(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
}

/* --- answers ---------------------------------------------------------- */

static struct MHD_Response *
text(const char *type, const char *body)
{
	struct MHD_Response *a = MHD_create_response_from_buffer(
		strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);

	(void)MHD_add_response_header(a, "Content-Type", type);
	return a;
}

static struct MHD_Response *
nothing(void)
{
	return text("text/plain", "");
}

static enum MHD_Result
reply(struct MHD_Connection *c, struct request *r, int status, struct MHD_Response *a)
{
	enum MHD_Result ok;

	if (mode("warning"))
		(void)MHD_add_response_header(a, "Warning",
					      "299 - \"this registry goes away in spring\"");
	r->status = status;
	ok = MHD_queue_response(c, (unsigned int)status, a);
	MHD_destroy_response(a);
	return ok;
}

static enum MHD_Result
refuse(struct MHD_Connection *c, struct request *r, int status, const char *code, const char *words)
{
	char body[512];

	(void)snprintf(body, sizeof(body),
		       "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\",\"detail\":{}}]}\n", code,
		       words);
	return reply(c, r, status, text("application/json", body));
}

static enum MHD_Result
too_many(struct MHD_Connection *c, struct request *r, const char *seconds)
{
	struct MHD_Response *a = text("text/plain", "You have reached your pull rate limit.\n");

	(void)MHD_add_response_header(a, "Retry-After", seconds);
	return reply(c, r, 429, a);
}

static ssize_t
read_bytes(void *arg, uint64_t at, char *out, size_t max)
{
	const struct bytes *b = arg;
	size_t n = b->n - (size_t)at < max ? b->n - (size_t)at : max;

	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	memcpy(out, b->data + at, n);
	return (ssize_t)n;
}

static struct MHD_Response *
bytes_from(const struct bytes *b, size_t from, bool head)
{
	if (mode("no-length") && from == 0 && !head)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1U << 16, read_bytes,
							 (void *)(uintptr_t)b, NULL);
	return MHD_create_response_from_buffer(b->n - from, b->data + from, MHD_RESPMEM_PERSISTENT);
}

static void
add_digest(struct MHD_Response *a, const char *digest)
{
	if (mode("no-digest"))
		return;
	(void)MHD_add_response_header(
		a, "Docker-Content-Digest",
		mode("wrong-digest")
			? "sha256:0000000000000000000000000000000000000000000000000000000000000000"
			: digest);
}

/* --- who may ---------------------------------------------------------- */

/* A token is its number and the scopes that it is good for. */
static enum MHD_Result
add_scope(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct buf *b = arg;

	(void)kind;
	if (strcmp(key, "scope") != 0 || (mode("one-scope") && strchr(buf_cstr(b), '|') != NULL))
		return MHD_YES;
	buf_addf(b, "|%s", value);
	return MHD_YES;
}

static enum MHD_Result
give_token(struct MHD_Connection *c, struct request *r)
{
	AUTO_BUF struct buf token = BUF_INIT(4096);
	AUTO_BUF struct buf body = BUF_INIT(8192);

	(void)pthread_mutex_lock(&lock);
	buf_addf(&token, "%d", tokens++ % TOKENS_MAX);
	(void)pthread_mutex_unlock(&lock);
	(void)MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, add_scope, &token);
	/* one parameter may name several, and a header has no spaces in its token */
	for (char *p = token.data; *p != '\0'; p++)
		if (*p == ' ')
			*p = '|';
	buf_addf(&body, "{\"token\":\"%s\",\"expires_in\":300}", buf_cstr(&token));
	return reply(c, r, 200, text("application/json", buf_cstr(&body)));
}

static bool
token_allows(const char *token, const char *repo, const char *action)
{
	char scope[512], *actions;
	AUTO_FREE char *copy = strdup(token);
	char *rest = copy, *one;
	int n = (int)strtol(token, NULL, 10);
	bool tired;

	(void)pthread_mutex_lock(&lock);
	tired = n < 0 || n >= TOKENS_MAX || ++token_uses[n] > TOKEN_LIFE;
	(void)pthread_mutex_unlock(&lock);
	if (mode("tired-token") && tired)
		return false;
	(void)snprintf(scope, sizeof(scope), "repository:%s:", repo);
	while ((one = strsep(&rest, "|")) != NULL) {
		if (strncmp(one, scope, strlen(scope)) != 0)
			continue;
		actions = one + strlen(scope);
		if (strstr(actions, action) != NULL)
			return true;
	}
	return false;
}

static bool
is_allowed(struct MHD_Connection *c, const char *repo, const char *action)
{
	const char *who = header(c, "Authorization");

	if (mode("basic"))
		return strcmp(who, BASIC) == 0;
	if (!mode("token"))
		return true;
	return strncasecmp(who, "Bearer ", 7) == 0 &&
	       (repo[0] == '\0' || token_allows(who + 7, repo, action));
}

static enum MHD_Result
ask_who(struct MHD_Connection *c, struct request *r, const char *action)
{
	struct MHD_Response *a =
		text("application/json", "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":"
					 "\"authentication required\"}]}\n");
	char value[1024];

	if (mode("basic"))
		(void)snprintf(value, sizeof(value), "Basic realm=\"a registry\"");
	else
		(void)snprintf(
			value, sizeof(value),
			"Bearer "
			"realm=\"http://%s/token\",service=\"faultreg\",scope=\"repository:%s:%s\"",
			header(c, "Host"), r->repo, action);
	(void)MHD_add_response_header(a, "WWW-Authenticate", value);
	return reply(c, r, 401, a);
}

/* --- reading ---------------------------------------------------------- */

static enum MHD_Result
get_tags(struct MHD_Connection *c, struct request *r)
{
	AUTO_BUF struct buf body = BUF_INIT(64U << 20);
	const char *n = argument(c, "n"), *last = argument(c, mode("link-only") ? "token" : "last");
	const char **names;
	size_t max = n != NULL ? strtoul(n, NULL, 10) : SIZE_MAX, count, more;
	struct MHD_Response *a;
	char link[1024];

	if ((size_t)mode_number("pages", 1000) < max)
		max = (size_t)mode_number("pages", 1000);
	if (!content_has_repo(r->repo))
		return refuse(c, r, 404, "NAME_UNKNOWN", "repository name not known to registry");
	more = content_names(TAG, r->repo, last != NULL ? last : "", &names, SIZE_MAX);
	count = more < max ? more : max;
	buf_addf(&body, "{\"name\":\"%s\",\"tags\":%s", r->repo, count > 0 ? "[" : "null");
	for (size_t i = 0; i < count; i++)
		buf_addf(&body, "%s\"%s\"", i > 0 ? "," : "", names[i]);
	buf_addf(&body, "%s}\n", count > 0 ? "]" : "");
	a = text("application/json", buf_cstr(&body));
	if (more > count && count > 0) {
		(void)snprintf(link, sizeof(link), "</v2/%s/tags/list?n=%zu&%s=%s>; rel=\"next\"",
			       r->repo, max, mode("link-only") ? "token" : "last",
			       names[count - 1]);
		(void)MHD_add_response_header(a, "Link", link);
	}
	free(names);
	return reply(c, r, 200, a);
}

static const struct bytes *
find_manifest(const struct request *r)
{
	return content_find(strchr(r->what, ':') != NULL ? MANIFEST : TAG, r->repo, r->what);
}

static enum MHD_Result
get_manifest(struct MHD_Connection *c, struct request *r, bool head)
{
	const struct bytes *b = find_manifest(r);
	struct MHD_Response *a;
	char type[160];
	long quota = mode_number("quota", -1);

	if (head && mode("head-405"))
		return refuse(c, r, 405, "UNSUPPORTED", "HEAD is not supported");
	if (b == NULL)
		return refuse(c, r, 404, "MANIFEST_UNKNOWN", "manifest unknown");
	/* asking what is there is free, taking it is not */
	if (!head && quota == 0)
		return too_many(c, r, "3600");
	if (!head && quota > 0 && stats_count("pulls", 1) % (quota + 1) == 0)
		return too_many(c, r, "1");
	a = bytes_from(b, 0, head);
	(void)snprintf(type, sizeof(type), "%s%s", mode("odd-type") ? "application/json" : b->type,
		       mode("type-params") ? "; charset=utf-8" : "");
	(void)MHD_add_response_header(a, "Content-Type", type);
	if (mode("ratelimit")) {
		(void)MHD_add_response_header(a, "ratelimit-limit", "100;w=21600");
		(void)MHD_add_response_header(a, "ratelimit-remaining", "97;w=21600");
	}
	add_digest(a, b->digest.str);
	return reply(c, r, 200, a);
}

/* The whole of it with its last byte changed. */
static struct MHD_Response *
spoiled(const struct bytes *b)
{
	struct MHD_Response *a;
	char *copy = malloc(b->n + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, b->data, b->n);
	copy[b->n - 1] ^= 1;
	a = MHD_create_response_from_buffer(b->n, copy, MHD_RESPMEM_MUST_FREE);
	return a;
}

static enum MHD_Result
get_blob(struct MHD_Connection *c, struct request *r, bool head, bool store)
{
	const struct bytes *b = content_find(BLOB, r->repo, r->what);
	const char *range = header(c, "Range");
	struct MHD_Response *a;
	char value[1024];
	size_t from = 0;

	if (head && mode("head-405"))
		return refuse(c, r, 405, "UNSUPPORTED", "HEAD is not supported");
	if (b == NULL)
		return refuse(c, r, 404, "BLOB_UNKNOWN", "blob unknown to registry");
	if (!head && !store && mode("redirect")) {
		(void)snprintf(value, sizeof(value), "http://127.0.0.1:%d/v2/%s/blobs/%s?signed=1",
			       blob_port, r->repo, r->what);
		a = nothing();
		(void)MHD_add_response_header(a, "Location", value);
		return reply(c, r, 307, a);
	}
	if (!mode("no-range") && strncmp(range, "bytes=", 6) == 0)
		from = strtoul(range + 6, NULL, 10);
	if (from > 0 && from >= b->n)
		return refuse(c, r, 416, "RANGE_INVALID", "there is no such byte");
	a = mode("bad-blob") && b->n > 0 && from == 0 ? spoiled(b) : bytes_from(b, from, head);
	(void)MHD_add_response_header(a, "Content-Type", "application/octet-stream");
	add_digest(a, b->digest.str);
	if (from > 0) {
		(void)snprintf(value, sizeof(value), "bytes %zu-%zu/%zu", from, b->n - 1, b->n);
		(void)MHD_add_response_header(a, "Content-Range", value);
	}
	if (!head)
		(void)stats_count("bytes-out", (long)(b->n - from));
	return reply(c, r, from > 0 ? 206 : 200, a);
}

static struct json_t *
entry_of(const struct manifest *m)
{
	struct json_t *entry = jsn_object();

	jsn_set_str(entry, "mediaType", m->media_type);
	jsn_set_str(entry, "digest", m->digest.str);
	jsn_set_int(entry, "size", (int64_t)m->len);
	jsn_set_str(entry, "artifactType",
		    m->artifact_type[0] != '\0' ? m->artifact_type : m->config.media_type);
	return entry;
}

static enum MHD_Result
get_referrers(struct MHD_Connection *c, struct request *r)
{
	AUTO_JSN struct json_t *index = jsn_object();
	AUTO_FREE char *body = NULL;
	const char **names;
	size_t n;

	if (mode("referrers-406"))
		return refuse(c, r, 406, "UNSUPPORTED", "not acceptable");
	if (!mode("referrers"))
		return reply(c, r, 404, text("text/plain", "404 page not found\n"));
	jsn_set_int(index, "schemaVersion", 2);
	jsn_set_str(index, "mediaType", MEDIA_OCI_INDEX);
	jsn_set(index, "manifests", jsn_array());
	n = content_names(MANIFEST, r->repo, "", &names, SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		AUTO_MANIFEST struct manifest m = { 0 };
		const struct bytes *b = content_find(MANIFEST, r->repo, names[i]);

		if (b == NULL ||
		    manifest_parse((struct view){ b->data, b->n }, NULL, NULL, "it", &m, NULL) < 0)
			continue;
		if (strcmp(m.subject.digest.str, r->what) == 0)
			jsn_push(jsn_mutable(jsn_get(index, "manifests")), entry_of(&m));
	}
	free(names);
	body = jsn_dump(index);
	return reply(c, r, 200, text(MEDIA_OCI_INDEX, body != NULL ? body : ""));
}

/* --- uploads ---------------------------------------------------------- */

static struct upload *
upload_new(const char *repo)
{
	struct upload *u = calloc(1, sizeof(*u));

	if (u == NULL)
		abort();
	(void)pthread_mutex_lock(&lock);
	(void)snprintf(u->id, sizeof(u->id), "u%ld", stats_count("sessions", 1));
	(void)snprintf(u->repo, sizeof(u->repo), "%s", repo);
	u->data = BUF_INIT(UPLOAD_MAX);
	u->next = uploads;
	uploads = u;
	(void)pthread_mutex_unlock(&lock);
	return u;
}

static struct upload *
upload_find(const char *repo, const char *id)
{
	struct upload *u;

	(void)pthread_mutex_lock(&lock);
	for (u = uploads; u != NULL; u = u->next)
		if (!u->gone && strcmp(u->id, id) == 0 && strcmp(u->repo, repo) == 0)
			break;
	(void)pthread_mutex_unlock(&lock);
	return u;
}

static void
upload_end(struct upload *u)
{
	buf_clear(&u->data);
	u->gone = true;
}

static void
add_location(struct MHD_Connection *c, struct MHD_Response *a, struct upload *u)
{
	char value[1024], state[64] = "";

	u->state++;
	if (mode("state"))
		(void)snprintf(state, sizeof(state), "?_state=%d%%3D", u->state);
	if (mode("relative"))
		(void)snprintf(value, sizeof(value), "/v2/%s/blobs/uploads/%s%s", u->repo, u->id,
			       state);
	else
		(void)snprintf(value, sizeof(value), "http://%s/v2/%s/blobs/uploads/%s%s",
			       header(c, "Host"), u->repo, u->id, state);
	(void)MHD_add_response_header(a, "Location", value);
}

static void
add_range(struct MHD_Response *a, const struct upload *u)
{
	size_t n = mode("stale-range") && u->patches > 0 ? u->first : u->data.len;
	char value[64];

	(void)snprintf(value, sizeof(value), "0-%zu", n > 0 ? n - 1 : 0);
	(void)MHD_add_response_header(a, "Range", value);
}

static enum MHD_Result
created(struct MHD_Connection *c, struct request *r, const char *kind, const char *digest)
{
	struct MHD_Response *a = nothing();
	char value[1024];

	(void)snprintf(value, sizeof(value), "http://%s/v2/%s/%s/%s", header(c, "Host"), r->repo,
		       kind, digest);
	(void)MHD_add_response_header(a, "Location", value);
	add_digest(a, digest);
	return reply(c, r, 201, a);
}

/* 201 if it was, 202 to go on with an upload, else the status to refuse with. */
static int
try_mount(struct MHD_Connection *c, struct request *r, const char *digest)
{
	const char *from = argument(c, "from");
	const struct bytes *b;

	(void)stats_count("mount", 1);
	if (mode("mount-401"))
		return 401;
	if (from == NULL && mode("mount-from"))
		return 400;
	if (from == NULL || mode("mount-none") || !is_allowed(c, from, "pull"))
		return 202;
	b = content_find(BLOB, from, digest);
	if (b == NULL)
		return 202;
	content_link(BLOB, r->repo, digest, b);
	(void)stats_count("mounted", 1);
	return 201;
}

static enum MHD_Result
post_upload(struct MHD_Connection *c, struct request *r)
{
	const char *digest = argument(c, "mount");
	struct MHD_Response *a;
	char value[32];
	int status = 202;

	if (mode_once("post-500"))
		return refuse(c, r, 500, "UNKNOWN", "try again");
	if (digest != NULL)
		status = try_mount(c, r, digest);
	if (status == 201)
		return created(c, r, "blobs", digest);
	if (status == 401)
		return ask_who(c, r, "pull,push");
	if (status != 202)
		return refuse(c, r, status, "UNSUPPORTED", "no such mount");
	a = nothing();
	add_location(c, a, upload_new(r->repo));
	if (mode("min-length")) {
		(void)snprintf(value, sizeof(value), "%ld", mode_number("min-length", 0));
		(void)MHD_add_response_header(a, "OCI-Chunk-Min-Length", value);
	}
	return reply(c, r, 202, a);
}

/* Before its first byte comes: 0, or the status that the bytes are refused with. */
static int
body_refused(struct MHD_Connection *c, const struct request *r, bool patch)
{
	const char *range = header(c, "Content-Range"), *state = argument(c, "_state");
	const struct upload *u = r->upload;
	char *end;

	if (patch && mode("no-patch"))
		return 405;
	if (mode("state") && (state == NULL || strtol(state, NULL, 10) != u->state))
		return 404;
	if (range[0] == '\0')
		return 0;
	if (strtoul(range, &end, 10) != u->data.len || end == range)
		return 416;
	return patch && u->was_short ? 416 : 0;
}

static enum MHD_Result
patched(struct MHD_Connection *c, struct request *r)
{
	struct upload *u = r->upload;
	struct MHD_Response *a;
	size_t n = u->data.len - r->before;

	if (mode("patch-max") && n > (size_t)mode_number("patch-max", 0)) {
		u->data.len = r->before;
		return refuse(c, r, 416, "BLOB_UPLOAD_INVALID", "request body is too large");
	}
	if (n < (size_t)mode_number("min-length", 0))
		u->was_short = true;
	if (u->patches++ == 0)
		u->first = u->data.len;
	a = nothing();
	add_location(c, a, u);
	add_range(a, u);
	return reply(c, r, mode("patch-201") ? 201 : 202, a);
}

static enum MHD_Result
finished(struct MHD_Connection *c, struct request *r)
{
	struct upload *u = r->upload;
	const char *digest = argument(c, "digest");
	struct digest got;
	size_t n = u->data.len;
	char *data;

	if (digest == NULL)
		return refuse(c, r, 400, "DIGEST_INVALID", "no digest");
	if (r->before == n && mode_once("finish-500"))
		return refuse(c, r, 500, "UNKNOWN", "try again");
	if (mode("patch-first") && u->patches == 0)
		return refuse(c, r, 400, "BLOB_UPLOAD_INVALID", "nothing was uploaded");
	digest_of(buf_cstr(&u->data), n, &got);
	if (strcmp(got.str, digest) != 0) {
		upload_end(u);
		return refuse(c, r, 400, "DIGEST_INVALID",
			      "provided digest did not match uploaded content");
	}
	data = buf_take(&u->data);
	if (data == NULL)
		abort();
	(void)content_put(BLOB, r->repo, "", "", data, n);
	upload_end(u);
	if (mode_once("put-blob-500"))
		return refuse(c, r, 500, "UNKNOWN", "something went wrong");
	return created(c, r, "blobs", digest);
}

static enum MHD_Result
upload_status(struct MHD_Connection *c, struct request *r)
{
	struct MHD_Response *a;

	if (mode("no-status"))
		return refuse(c, r, 405, "UNSUPPORTED", "not here");
	if (r->upload == NULL)
		return refuse(c, r, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
	a = nothing();
	add_location(c, a, r->upload);
	add_range(a, r->upload);
	return reply(c, r, 204, a);
}

static enum MHD_Result
upload_request(struct MHD_Connection *c, struct request *r, const char *method)
{
	if (strcmp(method, "POST") == 0 && r->what[0] == '\0')
		return post_upload(c, r);
	if (strcmp(method, "GET") == 0 || r->upload == NULL)
		return upload_status(c, r);
	if (strcmp(method, "DELETE") == 0) {
		upload_end(r->upload);
		return reply(c, r, 204, nothing());
	}
	return strcmp(method, "PATCH") == 0 ? patched(c, r) : finished(c, r);
}

/* --- manifests -------------------------------------------------------- */

/* What m names and is not there, or NULL. */
static const char *
missing(const struct request *r, const struct manifest *m)
{
	for (size_t i = 0; i < m->nchildren; i++)
		if (content_find(MANIFEST, r->repo, m->children[i].digest.str) == NULL)
			return m->children[i].digest.str;
	if (m->is_index)
		return NULL;
	for (size_t i = 0; i < m->nlayers; i++)
		if (!m->layers[i].foreign &&
		    content_find(BLOB, r->repo, m->layers[i].digest.str) == NULL)
			return m->layers[i].digest.str;
	return content_find(BLOB, r->repo, m->config.digest.str) == NULL ? m->config.digest.str
									 : NULL;
}

static enum MHD_Result
put_manifest(struct MHD_Connection *c, struct request *r)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	bool by_digest = strchr(r->what, ':') != NULL;
	const struct bytes *b;
	struct MHD_Response *a;
	struct err e = { 0 };
	size_t n = r->body.len;

	if (manifest_parse(view_buf(&r->body), header(c, "Content-Type"), NULL, "it", &m, &e) < 0)
		return refuse(c, r, 400, "MANIFEST_INVALID", "manifest invalid");
	if (by_digest && strcmp(m.digest.str, r->what) != 0)
		return refuse(c, r, 400, "DIGEST_INVALID", "that is another one");
	if (mode("immutable") && !by_digest && find_manifest(r) != NULL)
		return refuse(c, r, 400, "TAG_INVALID", "the tag exists and cannot be overwritten");
	if (missing(r, &m) != NULL)
		return refuse(c, r, 404, "MANIFEST_BLOB_UNKNOWN", missing(r, &m));
	b = content_put(by_digest ? MANIFEST : TAG, r->repo, r->what, m.media_type,
			buf_take(&r->body), n);
	if (mode_once("put-500"))
		return refuse(c, r, 500, "UNKNOWN", "something went wrong");
	a = nothing();
	add_digest(a, b->digest.str);
	(void)MHD_add_response_header(a, "Location", r->what);
	if (digest_is_set(&m.subject.digest) && mode("referrers") && !mode("no-subject"))
		(void)MHD_add_response_header(a, "OCI-Subject", m.subject.digest.str);
	return reply(c, r, 201, a);
}

static enum MHD_Result
manifest_request(struct MHD_Connection *c, struct request *r, const char *method)
{
	if (strcmp(method, "PUT") == 0)
		return put_manifest(c, r);
	if (strcmp(method, "DELETE") != 0)
		return get_manifest(c, r, strcmp(method, "HEAD") == 0);
	if (mode("no-delete"))
		return refuse(c, r, 405, "UNSUPPORTED", "the operation is unsupported");
	return content_remove(strchr(r->what, ':') != NULL ? MANIFEST : TAG, r->repo, r->what)
		       ? reply(c, r, 202, nothing())
		       : refuse(c, r, 404, "MANIFEST_UNKNOWN", "manifest unknown");
}

/* --- requests --------------------------------------------------------- */

/* "/v2/a/b/manifests/1" into its parts. */
static void
split(const char *url, struct request *r)
{
	static const char *const kinds[][2] = { { "/blobs/uploads/", "upload" },
						{ "/manifests/", "manifest" },
						{ "/blobs/", "blob" },
						{ "/tags/", "tags" },
						{ "/referrers/", "referrers" } };
	const char *at;

	(void)snprintf(r->kind, sizeof(r->kind), "%s", strcmp(url, "/v2/") == 0 ? "ping" : "other");
	if (strncmp(url, "/v2/", 4) != 0)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		at = strstr(url + 3, kinds[i][0]);
		if (at == NULL)
			continue;
		(void)snprintf(r->kind, sizeof(r->kind), "%s", kinds[i][1]);
		(void)snprintf(r->repo, sizeof(r->repo), "%.*s", (int)(at - url - 4), url + 4);
		(void)snprintf(r->what, sizeof(r->what), "%s", at + strlen(kinds[i][0]));
		return;
	}
}

static const char *
action_of(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ? "pull" : "push";
}

static enum MHD_Result
control(struct MHD_Connection *c, struct request *r, const char *url)
{
	AUTO_BUF struct buf out = BUF_INIT(16U << 20);

	if (strcmp(url, "/_modes") == 0) {
		stats_reset();
		if (!modes_set(buf_cstr(&r->body)))
			return refuse(c, r, 400, "UNKNOWN", "no such mode");
		return reply(c, r, 200, nothing());
	}
	if (strcmp(url, "/_stats") != 0)
		return reply(c, r, 404, text("text/plain", "404 page not found\n"));
	stats_print(&out);
	return reply(c, r, 200, text("text/plain", buf_cstr(&out)));
}

static enum MHD_Result
answer(struct MHD_Connection *c, struct request *r, const char *url, const char *method)
{
	long every = mode_number("throttle", 0);
	char once[1024];

	if (strcmp(url, "/token") == 0)
		return give_token(c, r);
	if (strcmp(r->kind, "other") == 0)
		return control(c, r, url);
	/* uploads have other names the next time */
	(void)snprintf(once, sizeof(once), "429 %s %s", method, r->upload != NULL ? r->repo : url);
	if (every > 0 && stats_count("requests", 1) % every == 0 && stats_count(once, 1) == 1)
		return too_many(c, r, "0");
	if (!r->allowed)
		return ask_who(c, r, strcmp(action_of(method), "pull") == 0 ? "pull" : "pull,push");
	if (r->refused != 0)
		return refuse(c, r, r->refused, "BLOB_UPLOAD_INVALID", "not like that");
	if (strcmp(r->kind, "ping") == 0)
		return reply(c, r, 200, text("application/json", "{}"));
	if (strcmp(r->kind, "tags") == 0)
		return get_tags(c, r);
	if (strcmp(r->kind, "referrers") == 0)
		return get_referrers(c, r);
	if (strcmp(r->kind, "blob") == 0)
		return get_blob(c, r, strcmp(method, "HEAD") == 0, false);
	if (strcmp(r->kind, "upload") == 0)
		return upload_request(c, r, method);
	return manifest_request(c, r, method);
}

static enum MHD_Result
begin(struct MHD_Connection *c, struct request *r, const char *url, const char *method)
{
	bool patch = strcmp(method, "PATCH") == 0;

	split(url, r);
	r->body = BUF_INIT(MANIFEST_UP);
	r->allowed = is_allowed(c, r->repo, action_of(method));
	if (strcmp(r->kind, "upload") != 0 || r->what[0] == '\0')
		return MHD_YES;
	r->upload = upload_find(r->repo, r->what);
	if (r->upload == NULL || (!patch && strcmp(method, "PUT") != 0))
		return MHD_YES;
	r->before = r->upload->data.len;
	r->uploads = true;
	r->refused = body_refused(c, r, patch);
	(void)pthread_mutex_lock(&lock);
	if (++uploading > 1 && mode("fragile"))
		r->refused = 500;
	(void)pthread_mutex_unlock(&lock);
	return MHD_YES;
}

static void
take(struct request *r, const char *p, size_t n)
{
	(void)stats_count("bytes-in", (long)n);
	if (!r->uploads)
		buf_add(&r->body, p, n);
	else if (r->allowed && r->refused == 0)
		buf_add(&r->upload->data, p, n);
}

static enum MHD_Result
add_argument(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct buf *b = arg;

	(void)kind;
	buf_addf(b, "%c%s=%s", strchr(buf_cstr(b), '?') != NULL ? '&' : '?', key,
		 value != NULL ? value : "");
	return MHD_YES;
}

static void
log_request(struct MHD_Connection *c, const struct request *r, const char *url, const char *method)
{
	AUTO_BUF struct buf line = BUF_INIT(8192);
	const char *range = header(c, "Range");
	char name[64];

	if (url[1] == '_')
		return;
	(void)snprintf(name, sizeof(name), "%s-%s", method,
		       strcmp(r->kind, "other") == 0 ? url + 1 : r->kind);
	(void)stats_count(name, 1);
	buf_addf(&line, "%s %s", method, url);
	(void)MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, add_argument, &line);
	if (range[0] != '\0')
		buf_addf(&line, " %s", range);
	(void)fprintf(stderr, "%s %d\n", buf_cstr(&line), r->status);
	/* uploads may well begin and go on alike */
	if ((r->status < 400 || r->status == 404) && strcmp(method, "POST") != 0 &&
	    strcmp(method, "PATCH") != 0)
		stats_note(buf_cstr(&line));
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
       const char *version, const char *data, size_t *size, void **mine)
{
	struct request *r = *mine;
	enum MHD_Result ok;

	(void)arg;
	(void)version;
	if (r == NULL) {
		*mine = r = calloc(1, sizeof(*r));
		return r == NULL ? MHD_NO : begin(c, r, url, method);
	}
	if (*size > 0) {
		take(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	ok = answer(c, r, url, method);
	log_request(c, r, url, method);
	return ok;
}

static void
completed(void *arg, struct MHD_Connection *c, void **mine, enum MHD_RequestTerminationCode why)
{
	struct request *r = *mine;

	(void)arg;
	(void)c;
	if (r == NULL)
		return;
	if (r->uploads) {
		(void)pthread_mutex_lock(&lock);
		uploading--;
		(void)pthread_mutex_unlock(&lock);
		if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && mode("no-resume"))
			upload_end(r->upload);
	}
	buf_clear(&r->body);
	free(r);
}

/* The blob store that redirects point to. */
static enum MHD_Result
handle_store(void *arg, struct MHD_Connection *c, const char *url, const char *method,
	     const char *version, const char *data, size_t *size, void **mine)
{
	struct request r = { 0 };

	(void)arg;
	(void)version;
	(void)data;
	(void)size;
	(void)mine;
	split(url, &r);
	(void)stats_count("store", 1);
	if (header(c, "Authorization")[0] != '\0' || argument(c, "signed") == NULL)
		return reply(c, &r, 400,
			     text("application/xml", "<Error>Only one auth mechanism</Error>"));
	return get_blob(c, &r, strcmp(method, "HEAD") == 0, true);
}

static struct MHD_Daemon *
serve(const char *port, MHD_AccessHandlerCallback fn)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct MHD_Daemon *d;

	a.sin_port = htons((uint16_t)strtol(port, NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION,
			     ntohs(a.sin_port), NULL, NULL, fn, NULL, MHD_OPTION_SOCK_ADDR,
			     (struct sockaddr *)&a, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
			     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(256U << 10),
			     MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
	if (d == NULL)
		(void)fprintf(stderr, "faultreg: port %s: cannot listen\n", port);
	return d;
}

int
main(int argc, char **argv)
{
	if (argc < 3 || argc > 4 || (argc == 4 && !modes_set(argv[3]))) {
		(void)fprintf(stderr, "usage: faultreg PORT BLOB-PORT [MODE[,MODE]...]\n");
		return 64;
	}
	blob_port = (int)strtol(argv[2], NULL, 10);
	if (serve(argv[1], handle) == NULL || serve(argv[2], handle_store) == NULL)
		return 71;
	for (;;)
		(void)pause();
}
