#include "oci/push.h"

#include <stdio.h>
#include <string.h>

#define URL_MAX_BYTES 4096

/* Where the registry wants an upload to go, with its own query kept. */
static int
upload_address(const struct http_resp *resp, const struct digest *d, struct buf *ret, struct err *e)
{
	char location[URL_MAX_BYTES];

	if (!http_header(resp, "location", location, sizeof(location)) || location[0] == '\0')
		return err_set(e, ERR_DATA, "upload: no Location in the answer");
	if (location[0] != '/' && strncmp(location, "http://", 7) != 0 &&
	    strncmp(location, "https://", 8) != 0)
		return err_set(e, ERR_DATA, "upload: cannot follow Location '%s'", location);
	buf_addf(ret, "%s%cdigest=", location, strchr(location, '?') != NULL ? '&' : '?');
	http_quote(ret, d->str);
	return buf_ok(ret, "upload address", e);
}

int
push_blob(struct registry *r, const char *repo, const struct descriptor *d,
	  const struct store_feed *feed, struct err *e)
{
	static const char *const headers[] = { "Content-Type: application/octet-stream", NULL };
	AUTO_BUF struct buf address = BUF_INIT(2 * URL_MAX_BYTES);
	AUTO_RESP struct http_resp resp = { 0 };
	char path[URL_MAX_BYTES];
	struct http_req post = { .method = "POST", .url = path, .body = "", .repeatable = true };
	struct http_req put = { .method = "PUT",
				.headers = headers,
				.body_fn = feed->read,
				.body_arg = feed->arg,
				.body_size = d->size };

	(void)snprintf(path, sizeof(path), "/v2/%s/blobs/uploads/", repo);
	if (registry_request(r, repo, true, &post, &resp, e) < 0)
		return -1;
	if (resp.status != 202)
		return registry_refuse(r, repo, d->digest.str, &resp, e);
	if (upload_address(&resp, &d->digest, &address, e) < 0)
		return -1;
	put.url = buf_cstr(&address);
	if (feed->start(feed->arg, 0, e) < 0)
		return -1;
	if (registry_request(r, repo, true, &put, &resp, e) < 0)
		return -1;
	return resp.status == 201 ? 0 : registry_refuse(r, repo, d->digest.str, &resp, e);
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
	if (registry_request(r, repo, true, &q, &resp, e) < 0)
		return -1;
	if (resp.status != 201)
		return registry_refuse(r, repo, what, &resp, e);
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
