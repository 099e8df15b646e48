#include "oci/registry.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/jsn.h"
#include "oci/auth.h"
#include "oci/tags.h"

#define URL_MAX_BYTES  4096
#define PAGE_MAX_BYTES (4U << 20)
#define ACCEPT                                                                    \
	"Accept: " MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST \
	", " MEDIA_DOCKER_MANIFEST

/* What all sessions with one host share. */
struct site {
	char host[REF_PART_MAX];
	char base[REF_PART_MAX + 16]; /* "https://HOST" */
	struct registry_opts opts;
	struct auth *auth;
	struct warned *warned;
	pthread_mutex_t lists; /* see registry_lock_lists */
	pthread_mutex_t lock;  /* of what follows */
	int sessions;
	unsigned int habits; /* enum registry_habit */
};

struct registry {
	struct site *site;
	struct http *http;
	char known_repo[REF_PART_MAX]; /* see registry_know_tags */
	char *const *known;
	size_t nknown;
};

static const char *const accept_manifests[] = { ACCEPT, NULL };

/* --- who we are ------------------------------------------------------- */

static bool
has_tls(const char *url)
{
	return strncmp(url, "https://", 8) == 0;
}

/* What is meant with a repository, and with another one that it takes from. */
static void
scope_of(const char *repo, bool writes, const char *from, struct buf *ret)
{
	if (repo != NULL)
		buf_addf(ret, "repository:%s:%s", repo, writes ? "pull,push" : "pull");
	if (from != NULL)
		buf_addf(ret, " repository:%s:pull", from);
}

/* An address of our own host may have our credentials, no other. */
static bool
is_ours(const struct registry *r, const char *url)
{
	size_t n = strlen(r->site->base);

	return strncmp(url, r->site->base, n) == 0 &&
	       (url[n] == '/' || url[n] == '?' || url[n] == '\0');
}

typedef int send_fn(struct http *h, const struct http_req *q, void *ret, struct err *e);
typedef const struct http_resp *resp_fn(void *ret);

/* Send, and once more if the first answer is a 401 that we can answer. */
static int
authorized(struct registry *r, const struct buf *scope, const struct http_req *given, send_fn *fn,
	   resp_fn *resp_of, void *ret, struct err *e)
{
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX_BYTES);
	AUTO_BUF struct buf value = BUF_INIT(AUTH_VALUE_MAX);
	struct http_req q = *given;

	buf_addf(&url, "%s%s", given->url[0] == '/' ? r->site->base : "", given->url);
	if (buf_ok(&url, "address", e) < 0 || buf_ok(scope, "scope", e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	if (has_tls(r->site->base) && !has_tls(q.url))
		return err_set(e, ERR_DATA, "registry '%s' points from TLS to '%s'", r->site->host,
			       q.url);
	if (is_ours(r, q.url) &&
	    auth_header(r->site->auth, r->http, buf_cstr(scope), &value, e) < 0)
		return err_wrap(e, "registry '%s'", r->site->host);
	for (int tries = 0;; tries++) {
		const struct http_resp *resp;
		int again;

		q.authorization = value.len > 0 ? buf_cstr(&value) : NULL;
		if (fn(r->http, &q, ret, e) < 0)
			return err_wrap(e, "registry '%s'", r->site->host);
		resp = resp_of(ret);
		warned_take(r->site->warned, r->site->host, resp);
		/* nobody else's question is answered */
		if (resp->status != 401 || tries > 0 || !is_ours(r, resp->url))
			return 0;
		again = auth_again(r->site->auth, r->http, resp, buf_cstr(scope), &value, e);
		if (again < 0)
			return err_wrap(e, "registry '%s'", r->site->host);
		if (again == 0)
			return 0;
		/* not every body that came from a callback can be sent twice */
		if (q.body_fn != NULL && q.body_again == NULL)
			return err_set(e, ERR_TEMP,
				       "registry '%s': the token ended before its time",
				       r->site->host);
		if (q.body_again != NULL && q.body_again(q.body_arg, e) < 0)
			return -1;
	}
}

static int
send_whole(struct http *h, const struct http_req *q, void *ret, struct err *e)
{
	return http_do(h, q, ret, e);
}

static const struct http_resp *
resp_whole(void *ret)
{
	return ret;
}

static int
send_stream(struct http *h, const struct http_req *q, void *ret, struct err *e)
{
	http_close(ret);
	return http_open(h, q, ret, e);
}

static const struct http_resp *
resp_stream(void *ret)
{
	return http_stream_resp(*(struct http_stream **)ret);
}

int
registry_request(struct registry *r, const char *repo, bool writes, const struct http_req *q,
		 struct http_resp *ret, struct err *e)
{
	AUTO_BUF struct buf scope = BUF_INIT(AUTH_SCOPE_MAX);

	scope_of(repo, writes, NULL, &scope);
	return authorized(r, &scope, q, send_whole, resp_whole, ret, e);
}

int
registry_request_from(struct registry *r, const char *repo, const char *from,
		      const struct http_req *q, struct http_resp *ret, struct err *e)
{
	AUTO_BUF struct buf scope = BUF_INIT(AUTH_SCOPE_MAX);

	scope_of(repo, true, from, &scope);
	return authorized(r, &scope, q, send_whole, resp_whole, ret, e);
}

bool
registry_is_page(const struct http_resp *resp)
{
	char type[128];

	return http_header(resp, "content-type", type, sizeof(type)) &&
	       strncasecmp(type, "text/html", 9) == 0;
}

int
registry_refuse(struct registry *r, const char *repo, const char *what,
		const struct http_resp *resp, struct err *e)
{
	enum err_code code = ERR_DATA;
	char words[ERR_MSG_MAX / 2];

	http_explain(resp, words, sizeof(words));
	auth_explain(r->site->auth, repo != NULL ? repo : "", resp->status, words, sizeof(words));
	if (resp->status == 404)
		code = ERR_NOTFOUND;
	else if (resp->status == 401 || resp->status == 403)
		code = ERR_AUTH;
	else if (resp->status == 429 || resp->status >= 500)
		code = ERR_TEMP;
	if (registry_is_page(resp))
		return err_set(
			e, ERR_TEMP,
			"'%s' answers like a web page (%s), not like a registry: a proxy or a "
			"captive portal?",
			r->site->host, words);
	if (repo == NULL)
		return err_set(e, code, "registry '%s': %s", r->site->host, words);
	return err_set(e, code, "'%s/%s%s%s': %s", r->site->host, repo,
		       what[0] == '\0'		   ? ""
		       : strchr(what, ':') != NULL ? "@"
						   : ":",
		       what, words);
}

/* --- opening ---------------------------------------------------------- */

static bool
listed(const char *const *hosts, const char *host)
{
	for (; hosts != NULL && *hosts != NULL; hosts++)
		if (strcmp(*hosts, host) == 0)
			return true;
	return false;
}

/* *ret_status stays 0 if nothing answered in HTTP. */
static int
ping(struct registry *r, const char *scheme, struct deadline until, int *ret_status, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	struct http_req q = { .url = "/v2/", .max = PAGE_MAX_BYTES, .deadline = until };
	char version[64];

	(void)snprintf(r->site->base, sizeof(r->site->base), "%s://%s", scheme, r->site->host);
	if (registry_request(r, NULL, false, &q, &resp, e) < 0)
		return -1;
	*ret_status = resp.status;
	if (resp.status == 200 || resp.status == 401) {
		/* not every registry sends the version, but none sends a page */
		if (!registry_is_page(&resp) ||
		    http_header(&resp, "docker-distribution-api-version", version, sizeof(version)))
			return 0;
	}
	if (resp.status == 404)
		return err_set(e, ERR_TEMP, "'%s' is not a registry: no /v2/", r->site->host);
	return registry_refuse(r, NULL, "", &resp, e);
}

static int
find_scheme(struct registry *r, const struct registry_opts *o, struct err *e)
{
	struct ref ref = { 0 };
	struct err why = { 0 }, tls = { 0 };
	struct deadline until = clock_deadline(o->open_ms);
	int status = 0;
	bool hidden;

	(void)snprintf(ref.host, sizeof(ref.host), "%s", r->site->host);
	if (listed(o->plain_http, r->site->host))
		return ping(r, "http", until, &status, e);
	if (!ref_is_local(&ref))
		return ping(r, "https", until, &status, e);
	if (ping(r, "http", until, &status, &why) == 0)
		return 0;
	/* a port that speaks TLS answers plain HTTP with 400 or not at all */
	hidden = status == 400;
	if ((hidden || status == 0) && ping(r, "https", until, &status, &tls) == 0)
		return 0;
	if (hidden)
		why = tls;
	return err_set(e, why.code, "%s", why.msg);
}

static int
new_session(struct site *s, struct registry **ret, struct err *e)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	if (http_new(&s->opts.http, &r->http, e) < 0) {
		free(r);
		return -1;
	}
	r->site = s;
	(void)pthread_mutex_lock(&s->lock);
	s->sessions++;
	(void)pthread_mutex_unlock(&s->lock);
	*ret = r;
	return 0;
}

static void
site_free(struct site **s)
{
	if (*s == NULL)
		return;
	auth_free(&(*s)->auth);
	warned_free(&(*s)->warned);
	(void)pthread_mutex_destroy(&(*s)->lists);
	(void)pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

int
registry_open(const char *host, const struct registry_opts *o, struct registry **ret, struct err *e)
{
	AUTO(site_free) struct site *s = calloc(1, sizeof(*s));
	AUTO_REGISTRY struct registry *r = NULL;

	if (s == NULL)
		return err_nomem(e);
	(void)pthread_mutex_init(&s->lists, NULL);
	(void)pthread_mutex_init(&s->lock, NULL);
	if (strlen(host) >= sizeof(s->host))
		return err_set(e, ERR_USAGE, "host '%s' is too long", host);
	(void)snprintf(s->host, sizeof(s->host), "%s", host);
	s->opts = *o;
	if (auth_new(host, o->auth, o->http.stop, &s->auth, e) < 0 ||
	    warned_new(o->warned, &s->warned, e) < 0 || new_session(s, &r, e) < 0)
		return -1;
	s = NULL; /* goes with its last session */
	if (find_scheme(r, o, e) < 0)
		return -1;
	*ret = TAKE_PTR(r);
	return 0;
}

int
registry_again(struct registry *r, struct registry **ret, struct err *e)
{
	if (new_session(r->site, ret, e) < 0)
		return -1;
	registry_know_tags(*ret, r->known_repo, r->known, r->nknown);
	return 0;
}

void
registry_close(struct registry **r)
{
	struct site *s;
	bool last;

	if (*r == NULL)
		return;
	s = (*r)->site;
	http_free(&(*r)->http);
	free(*r);
	*r = NULL;
	(void)pthread_mutex_lock(&s->lock);
	last = --s->sessions == 0;
	(void)pthread_mutex_unlock(&s->lock);
	if (last)
		site_free(&s);
}

const char *
registry_host(const struct registry *r)
{
	return r->site->host;
}

void
registry_lock_lists(struct registry *r)
{
	(void)pthread_mutex_lock(&r->site->lists);
}

void
registry_unlock_lists(struct registry *r)
{
	(void)pthread_mutex_unlock(&r->site->lists);
}

bool
registry_has_habit(struct registry *r, enum registry_habit h)
{
	unsigned int habits;

	(void)pthread_mutex_lock(&r->site->lock);
	habits = r->site->habits;
	(void)pthread_mutex_unlock(&r->site->lock);
	return (habits & h) != 0;
}

void
registry_learn(struct registry *r, enum registry_habit h)
{
	(void)pthread_mutex_lock(&r->site->lock);
	r->site->habits |= h;
	(void)pthread_mutex_unlock(&r->site->lock);
}

const char *
registry_uploads(const struct registry *r)
{
	return r->site->opts.uploads;
}

void
registry_know_tags(struct registry *r, const char *repo, char *const *tags, size_t n)
{
	(void)snprintf(r->known_repo, sizeof(r->known_repo), "%s", repo);
	r->known = tags;
	r->nknown = n;
}

/* --- reading ---------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, *(char *const *)b);
}

static bool
is_known_missing(const struct registry *r, const char *repo, const char *what)
{
	return r->known_repo[0] != '\0' && strcmp(r->known_repo, repo) == 0 &&
	       tags_is_referrer(what) &&
	       (r->nknown == 0 ||
		bsearch(what, r->known, r->nknown, sizeof(*r->known), by_name) == NULL);
}

static int
get_manifest(struct registry *r, const char *repo, const char *what, const char *method,
	     struct http_resp *ret, struct err *e)
{
	char path[URL_MAX_BYTES];
	struct http_req q = {
		.method = method, .url = path, .headers = accept_manifests, .max = MANIFEST_MAX
	};

	if (is_known_missing(r, repo, what)) {
		ret->status = 404;
		return 0;
	}
	(void)snprintf(path, sizeof(path), "/v2/%s/manifests/%s", repo, what);
	if (registry_request(r, repo, false, &q, ret, e) < 0)
		return err_wrap(e, "'%s/%s' %s", r->site->host, repo, what);
	return ret->status == 200 && registry_is_page(ret) ? registry_refuse(r, repo, what, ret, e)
							   : 0;
}

int
registry_describe(struct registry *r, const char *repo, const char *what, struct descriptor *ret,
		  struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	AUTO_MANIFEST struct manifest m = { 0 };
	char said[DIGEST_STR_MAX + 1];

	*ret = (struct descriptor){ 0 };
	if (get_manifest(r, repo, what, "HEAD", &resp, e) < 0)
		return -1;
	if (resp.status == 200 && http_header(&resp, "docker-content-digest", said, sizeof(said))) {
		if (strchr(what, ':') != NULL && strcmp(what, said) != 0)
			return err_set(e, ERR_DATA, "'%s/%s@%s' has digest '%s'", r->site->host,
				       repo, what, said);
		(void)http_header(&resp, "content-type", ret->media_type, sizeof(ret->media_type));
		ret->media_type[strcspn(ret->media_type, "; ")] = '\0';
		ret->size = resp.length;
		return digest_parse(view_of(said), &ret->digest, e);
	}
	if (resp.status != 200 && resp.status != 405)
		return registry_refuse(r, repo, what, &resp, e);
	if (registry_manifest(r, repo, what, &m, e) < 0)
		return -1;
	ret->digest = m.digest;
	ret->size = (int64_t)m.len;
	(void)snprintf(ret->media_type, sizeof(ret->media_type), "%s", m.media_type);
	return 0;
}

int
registry_resolve(struct registry *r, const char *repo, const char *what, struct digest *ret,
		 struct err *e)
{
	struct descriptor d;

	if (registry_describe(r, repo, what, &d, e) < 0)
		return -1;
	*ret = d.digest;
	return 0;
}

int
registry_manifest(struct registry *r, const char *repo, const char *what, struct manifest *ret,
		  struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	char type[MANIFEST_MEDIA_TYPE_MAX], said[DIGEST_STR_MAX + 1];
	char name[REF_STR_MAX];
	struct digest want = { 0 };

	if (get_manifest(r, repo, what, "GET", &resp, e) < 0)
		return -1;
	if (resp.status != 200)
		return registry_refuse(r, repo, what, &resp, e);
	if (strchr(what, ':') != NULL) {
		if (digest_parse(view_of(what), &want, e) < 0)
			return -1;
	} else if (http_header(&resp, "docker-content-digest", said, sizeof(said))) {
		if (digest_parse(view_of(said), &want, e) < 0)
			return err_wrap(e, "registry '%s'", r->site->host);
	}
	(void)snprintf(name, sizeof(name), "%s/%s%s%s", r->site->host, repo,
		       strchr(what, ':') != NULL ? "@" : ":", what);
	return manifest_parse(view_buf(&resp.body),
			      http_header(&resp, "content-type", type, sizeof(type)) ? type : NULL,
			      digest_is_set(&want) ? &want : NULL, name, ret, e);
}

int
registry_blob(struct registry *r, const char *repo, const struct descriptor *d, size_t max,
	      struct buf *ret, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	char path[URL_MAX_BYTES];
	struct http_req q = { .url = path, .max = max };

	if (d->size > (int64_t)max)
		return err_set(e, ERR_DATA, "blob '%s' is larger than %zu bytes", d->digest.str,
			       max);
	(void)snprintf(path, sizeof(path), "/v2/%s/blobs/%s", repo, d->digest.str);
	if (registry_request(r, repo, false, &q, &resp, e) < 0)
		return err_wrap(e, "blob '%s'", d->digest.str);
	if (resp.status != 200)
		return registry_refuse(r, repo, d->digest.str, &resp, e);
	if (digest_check(buf_cstr(&resp.body), resp.body.len, &d->digest, "blob", e) < 0)
		return err_wrap(e, "'%s/%s'", r->site->host, repo);
	buf_reset(ret);
	buf_add(ret, buf_cstr(&resp.body), resp.body.len);
	return buf_ok(ret, d->digest.str, e);
}

static int
has(struct registry *r, const char *repo, const char *kind, const char *what, struct err *e)
{
	AUTO_RESP struct http_resp resp = { 0 };
	char path[URL_MAX_BYTES];
	struct http_req q = { .method = "HEAD", .url = path, .headers = accept_manifests };

	(void)snprintf(path, sizeof(path), "/v2/%s/%s/%s", repo, kind, what);
	if (registry_request(r, repo, false, &q, &resp, e) < 0)
		return -1;
	if (resp.status == 200 && !registry_is_page(&resp))
		return 1;
	/* where HEAD is not known, asking costs as much as bringing it again */
	return resp.status == 404 || resp.status == 405 ? 0
							: registry_refuse(r, repo, what, &resp, e);
}

int
registry_has_blob(struct registry *r, const char *repo, const struct digest *d, struct err *e)
{
	return has(r, repo, "blobs", d->str, e);
}

int
registry_has_manifest(struct registry *r, const char *repo, const char *what, struct err *e)
{
	return has(r, repo, "manifests", what, e);
}

int
registry_blob_open(struct registry *r, const char *repo, const struct digest *d, int64_t offset,
		   struct http_stream **ret, int64_t *ret_at, struct err *e)
{
	AUTO_STREAM struct http_stream *s = NULL;
	AUTO_BUF struct buf scope = BUF_INIT(AUTH_SCOPE_MAX);
	char path[URL_MAX_BYTES], range[64];
	const char *headers[] = { offset > 0 ? range : NULL, NULL };
	struct http_req q = { .url = path, .headers = headers };
	int status;

	(void)snprintf(path, sizeof(path), "/v2/%s/blobs/%s", repo, d->str);
	(void)snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-", offset);
	scope_of(repo, false, NULL, &scope);
	if (authorized(r, &scope, &q, send_stream, resp_stream, &s, e) < 0)
		return err_wrap(e, "blob '%s'", d->str);
	status = http_stream_resp(s)->status;
	if (status != 200 && status != 206)
		return registry_refuse(r, repo, d->str, http_stream_resp(s), e);
	*ret_at = status == 206 ? offset : 0;
	*ret = TAKE_PTR(s);
	return 0;
}
