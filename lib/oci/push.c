#include "oci/push.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "oci/upload.h"

#define URL_MAX_BYTES 4096
#define CHUNK_BYTES   (512 << 10)	/* what is lost at most when a run is killed */
#define CHUNKED_FROM  (8 * CHUNK_BYTES) /* smaller ones are quickly sent again */
#define PROBE_BYTES   (64 << 10)
#define CHUNK_TRIES   3
#define STREAM_BYTES  (32LL << 20) /* a piece from a source that is faster than this: */
#define FAST_A_SECOND (20LL << 20)
#define DOUBTS_MAX    4
#define DOUBT_MS      50

/* One blob on its way. */
struct push {
	struct registry *r;
	const char *repo;
	const struct descriptor *d;
	const struct store_feed *feed;
	char name[2 * REF_PART_MAX]; /* under which the upload is remembered */
	struct upload at;
	int64_t room;		/* bytes that the request under way still takes */
	int64_t got, waited_ns; /* of the last piece: from the source, and how long that took */
	int64_t least;		/* bytes of a chunk that the registry wants */
};

/* Where the registry wants the next bytes. */
static int
take_location(struct push *p, const struct http_resp *resp, struct err *e)
{
	char *to = p->at.location;

	if (!http_header(resp, "location", to, sizeof(p->at.location)) || to[0] == '\0')
		return err_set(e, ERR_DATA, "upload: no Location in the answer");
	if (to[0] != '/' && strncmp(to, "http://", 7) != 0 && strncmp(to, "https://", 8) != 0)
		return err_set(e, ERR_DATA, "upload: cannot follow Location '%s'", to);
	return 0;
}

/* How many bytes the answer says are there; -1 if it does not. */
static int64_t
stored(const struct http_resp *resp)
{
	char range[64], *end;
	const char *last;
	long long n;

	if (!http_header(resp, "range", range, sizeof(range)) ||
	    (last = strchr(range, '-')) == NULL)
		return -1;
	n = strtoll(last + 1, &end, 10);
	if (end == last + 1 || *end != '\0' || n < 0)
		return -1;
	/* "0-0" is what nothing looks like; one byte would be sent again */
	return n == 0 ? 0 : n + 1;
}

static int
begin(struct push *p, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	char path[URL_MAX_BYTES], least[32];
	struct http_req q = { .method = "POST", .url = path, .body = "", .repeatable = true };

	p->at = (struct upload){ 0 };
	p->least = 0;
	(void)snprintf(path, sizeof(path), "/v2/%s/blobs/uploads/", p->repo);
	if (registry_request(p->r, p->repo, true, &q, &resp, e) < 0)
		return -1;
	if (resp.status != 202)
		return registry_refuse(p->r, p->repo, p->d->digest.str, &resp, e);
	if (http_header(&resp, "oci-chunk-min-length", least, sizeof(least)))
		p->least = strtoll(least, NULL, 10);
	return take_location(p, &resp, e);
}

/* The token may have ended since the upload was begun. */
static int
from_the_start(void *arg, struct err *e)
{
	const struct store_feed *feed = arg;

	return feed->start(feed->arg, 0, e);
}

static long
read_feed(void *arg, void *p, size_t n, struct err *e)
{
	const struct store_feed *feed = arg;

	return feed->read(feed->arg, p, n, e);
}

/* The last request: with all bytes, or none. */
static int
end(struct push *p, bool whole, struct http_resp *ret, struct err *e)
{
	static const char *const headers[] = { "Content-Type: application/octet-stream", NULL };
	AUTO_BUF struct buf address = BUF_INIT(2 * URL_MAX_BYTES);
	struct http_req q = { .method = "PUT", .headers = headers, .body = "" };

	buf_addf(&address, "%s%cdigest=", p->at.location,
		 strchr(p->at.location, '?') != NULL ? '&' : '?');
	http_quote(&address, p->d->digest.str);
	if (buf_ok(&address, "upload address", e) < 0)
		return -1;
	q.url = buf_cstr(&address);
	if (whole) {
		q.body = NULL;
		q.body_fn = read_feed;
		q.body_again = from_the_start;
		q.body_arg = (void *)(uintptr_t)p->feed;
		q.body_size = p->d->size;
	}
	return registry_request(p->r, p->repo, true, &q, ret, e);
}

/* An end that failed may still have been one: the answer was lost. */
static int
judge_end(struct push *p, int sent, const struct http_resp *resp, struct err *e)
{
	struct err why = { 0 };

	if (sent == 0 && resp->status == 201)
		return 0;
	if (sent < 0)
		why = *e;
	else
		(void)registry_refuse(p->r, p->repo, p->d->digest.str, resp, &why);
	if (registry_has_blob(p->r, p->repo, &p->d->digest, NULL) == 1)
		return 0;
	return err_set(e, why.code, "%s", why.msg);
}

/* --- in one PUT ---------------------------------------------------------- */

/* What a registry that wants it in another way answers. */
static bool
is_another_way(int status)
{
	return status >= 400 && status < 500 && status != 401 && status != 403 && status != 429;
}

static int
push_whole(struct push *p, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	int sent;

	if (begin(p, e) < 0 || p->feed->start(p->feed->arg, 0, e) < 0)
		return -1;
	sent = end(p, true, &resp, e);
	if (judge_end(p, sent, &resp, e) == 0)
		return 0;
	return sent == 0 && is_another_way(resp.status) ? 1 : -1;
}

/* --- in chunks ----------------------------------------------------------- */

static long
feed_piece(void *arg, void *to, size_t n, struct err *e)
{
	struct push *p = arg;
	int64_t before = clock_mono_ns();
	long got;

	if ((int64_t)n > p->room)
		n = (size_t)p->room;
	if (n == 0)
		return 0;
	got = p->feed->read(p->feed->arg, to, n, e);
	if (got == 0)
		return err_set(e, ERR_DATA, "blob '%s' ends early", p->d->digest.str);
	if (got > 0) {
		p->room -= got;
		p->got += got;
	}
	p->waited_ns += clock_mono_ns() - before;
	return got;
}

static int
fill(struct push *p, char *chunk, size_t want, struct err *e)
{
	p->room = (int64_t)want;
	for (size_t n = 0; n < want;) {
		long got = feed_piece(p, chunk + n, want - n, e);

		if (got < 0)
			return -1;
		n += (size_t)got;
	}
	return 0;
}

/* Ask how far the upload is; false if it is lost. */
static bool
ask_status(struct push *p)
{
	AUTO_RESP struct http_resp resp = { 0 };
	struct http_req q = { .url = p->at.location };
	struct upload before = p->at;
	int64_t n;

	if (registry_request(p->r, p->repo, true, &q, &resp, NULL) < 0 ||
	    (resp.status != 204 && resp.status != 200))
		return false;
	n = stored(&resp);
	if (n < 0 || n > p->d->size)
		return false;
	if (take_location(p, &resp, NULL) < 0)
		p->at = before;
	p->at.offset = n;
	return true;
}

/* n bytes from chunk, or from the feed as they come if it is NULL. */
static int
send_piece(struct push *p, const char *chunk, int64_t n, struct http_resp *ret, struct err *e)
{
	char range[96];
	const char *const headers[] = { "Content-Type: application/octet-stream", range, NULL };
	struct http_req q = { .method = "PATCH",
			      .url = p->at.location,
			      .headers = headers,
			      .body = chunk,
			      .body_len = (size_t)n };

	(void)snprintf(range, sizeof(range), "Content-Range: %" PRId64 "-%" PRId64, p->at.offset,
		       p->at.offset + n - 1);
	if (chunk == NULL) {
		q.body_fn = feed_piece;
		q.body_arg = p;
		q.body_size = p->room = n;
	}
	return registry_request(p->r, p->repo, true, &q, ret, e);
}

/* 0 the piece is there, 1 the registry does not take pieces like that, -1. */
static int
judge_piece(struct push *p, int64_t n, const struct http_resp *resp, struct err *e)
{
	int64_t now = stored(resp);

	if (is_another_way(resp->status))
		return 1;
	if (resp->status != 202 && resp->status != 201 && resp->status != 204)
		return registry_refuse(p->r, p->repo, p->d->digest.str, resp, e);
	if (take_location(p, resp, e) < 0)
		return -1;
	p->at.offset += n;
	return now >= 0 && now != p->at.offset ? 1 : 0;
}

static int
push_chunk(struct push *p, const char *chunk, int64_t n, struct err *e)
{
	int64_t before = p->at.offset;

	for (int tries = 0;; tries++) {
		AUTO_RESP struct http_resp resp = { 0 };
		struct err why = { 0 };

		if (send_piece(p, chunk, n, &resp, &why) == 0)
			return judge_piece(p, n, &resp, e);
		if (why.code != ERR_TEMP || tries == CHUNK_TRIES || !ask_status(p))
			return err_set(e, why.code, "%s", why.msg);
		if (p->at.offset == before + n)
			return 0;
		if (p->at.offset != before)
			return err_set(e, ERR_TEMP, "%s", why.msg);
	}
}

static int
push_stream(struct push *p, int64_t n, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };

	if (send_piece(p, NULL, n, &resp, e) < 0)
		return -1;
	return judge_piece(p, n, &resp, e);
}

/* From a slow source a chunk is gathered first and then sent in an instant:
 * registries lose an upload that is cut within one.  What comes fast is
 * streamed, because it will come fast again. */
static int
push_piece(struct push *p, char *chunk, struct err *e)
{
	int64_t left = p->d->size - p->at.offset, n = CHUNK_BYTES;
	bool fast = p->got > 0 && p->got >= FAST_A_SECOND * (p->waited_ns / 1000) / 1000000;

	/* the first one only finds out how fast the source is */
	if (p->got == 0)
		n = p->least > PROBE_BYTES ? p->least : PROBE_BYTES;
	if (n > left)
		n = left;
	p->got = p->waited_ns = 0;
	if (fast)
		return push_stream(p, left < STREAM_BYTES ? left : STREAM_BYTES, e);
	return fill(p, chunk, (size_t)n, e) < 0 ? -1 : push_chunk(p, chunk, n, e);
}

static int
push_pieces(struct push *p, char *chunk, struct err *e)
{
	int status;

	p->got = p->waited_ns = 0;
	if (p->feed->start(p->feed->arg, p->at.offset, e) < 0)
		return -1;
	while (p->at.offset < p->d->size) {
		status = push_piece(p, chunk, e);
		if (status != 0)
			return status;
		upload_save(registry_uploads(p->r), p->name, &p->d->digest, &p->at);
	}
	return 0;
}

/* Go on with what another run has begun, or begin. */
static int
push_by_chunks(struct push *p, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	AUTO_FREE char *chunk = malloc(CHUNK_BYTES);
	const char *dir = registry_uploads(p->r);
	int status, sent;

	if (chunk == NULL)
		return err_nomem(e);
	if (!upload_load(dir, p->name, &p->d->digest, &p->at) || !ask_status(p) ||
	    p->at.offset == 0) {
		if (begin(p, e) < 0)
			return -1;
		/* more than is worth holding in memory */
		if (p->least > CHUNK_BYTES)
			return 1;
	}
	status = push_pieces(p, chunk, e);
	if (status != 0) {
		if (status > 0)
			upload_drop(dir, p->name, &p->d->digest);
		return status;
	}
	sent = end(p, false, &resp, e);
	if (judge_end(p, sent, &resp, e) < 0) {
		if (sent == 0)
			upload_drop(dir, p->name, &p->d->digest);
		return -1;
	}
	upload_drop(dir, p->name, &p->d->digest);
	return 0;
}

int
push_blob(struct registry *r, const char *repo, const struct descriptor *d,
	  const struct store_feed *feed, struct err *e)
{
	struct push p = { .r = r, .repo = repo, .d = d, .feed = feed };
	bool chunks = !registry_has_habit(r, REGISTRY_NO_CHUNKS) &&
		      (d->size >= CHUNKED_FROM || registry_has_habit(r, REGISTRY_NO_WHOLE));
	int status;

	(void)snprintf(p.name, sizeof(p.name), "%s/%s", registry_host(r), repo);
	status = chunks ? push_by_chunks(&p, e) : push_whole(&p, e);
	if (status <= 0)
		return status;
	if ((chunks ? push_whole(&p, e) : push_by_chunks(&p, e)) != 0)
		return -1;
	registry_learn(r, chunks ? REGISTRY_NO_CHUNKS : REGISTRY_NO_WHOLE);
	return 0;
}

int
push_mount(struct registry *r, const char *repo, const struct digest *d, const char *from,
	   struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(URL_MAX_BYTES);
	AUTO_RESP struct http_resp resp = { 0 };
	struct http_req q = { .method = "POST", .body = "", .repeatable = true };
	struct err why = { 0 };

	buf_addf(&path, "/v2/%s/blobs/uploads/?mount=", repo);
	http_quote(&path, d->str);
	buf_adds(&path, "&from=");
	http_quote(&path, from);
	if (buf_ok(&path, "mount address", e) < 0)
		return -1;
	q.url = buf_cstr(&path);
	/* anything but success is "not like that", a token server that gives no
	 * token for both too: the bytes are sent instead */
	if (registry_request_from(r, repo, from, &q, &resp, &why) < 0)
		return why.code == ERR_AUTH ? 0 : err_set(e, why.code, "%s", why.msg);
	return resp.status == 201;
}

/* Refused, but there: a tag that may be set only once was set to this, or the
 * answer to that was lost. */
static bool
is_stored(struct registry *r, const char *repo, const char *what, const struct manifest *m)
{
	struct digest now;

	return registry_resolve(r, repo, what, &now, NULL) == 0 && digest_equal(&now, &m->digest);
}

/* Where two requests write the same name at once, a registry may read what is
 * half written and doubt a digest that is right. */
static bool
is_doubted(const struct http_resp *resp)
{
	return resp->status == 400 && strstr(buf_cstr(&resp->body), "DIGEST_INVALID") != NULL;
}

static int
put_manifest(struct registry *r, const char *repo, const struct http_req *q, struct http_resp *ret,
	     struct err *e)
{
	for (int tries = 0;; tries++) {
		if (registry_request(r, repo, true, q, ret, e) < 0)
			return -1;
		if (!is_doubted(ret) || tries == DOUBTS_MAX)
			return 0;
		clock_sleep_ms(DOUBT_MS << tries, NULL);
	}
}

int
push_manifest(struct registry *r, const char *repo, const char *what, const struct manifest *m,
	      bool *ret_subject, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	char path[URL_MAX_BYTES], type[MANIFEST_MEDIA_TYPE_MAX + 16], said[DIGEST_STR_MAX + 1];
	const char *headers[] = { type, NULL };
	struct http_req q = { .method = "PUT",
			      .url = path,
			      .headers = headers,
			      .body = m->bytes,
			      .body_len = m->len };

	(void)snprintf(path, sizeof(path), "/v2/%s/manifests/%s", repo, what);
	(void)snprintf(type, sizeof(type), "Content-Type: %s", m->media_type);
	if (put_manifest(r, repo, &q, &resp, e) < 0)
		return -1;
	if (resp.status != 201)
		return is_stored(r, repo, what, m) ? 0 : registry_refuse(r, repo, what, &resp, e);
	if (http_header(&resp, "docker-content-digest", said, sizeof(said)) &&
	    strcmp(said, m->digest.str) != 0)
		return err_set(e, ERR_DATA, "'%s/%s' stored %s as '%s'", registry_host(r), repo,
			       m->digest.str, said);
	if (ret_subject != NULL)
		*ret_subject = http_header(&resp, "oci-subject", said, sizeof(said));
	return 0;
}

int
push_remove(struct registry *r, const char *repo, const char *what, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	char path[URL_MAX_BYTES], words[ERR_MSG_MAX / 2];
	struct http_req q = { .method = "DELETE", .url = path };

	(void)snprintf(path, sizeof(path), "/v2/%s/manifests/%s", repo, what);
	if (registry_request(r, repo, true, &q, &resp, e) < 0)
		return -1;
	if (resp.status == 202 || resp.status == 200 || resp.status == 204 || resp.status == 404)
		return 0;
	if (resp.status != 400 && resp.status != 405)
		return registry_refuse(r, repo, what, &resp, e);
	http_explain(&resp, words, sizeof(words));
	return err_set(e, ERR_NO, "'%s' does not delete '%s' of '%s': %s", registry_host(r), what,
		       repo, words);
}
