#include "oci/referrers.h"

#include <stdio.h>
#include <string.h>

#include "oci/link.h"

struct list {
	struct descriptor *all;
	size_t n;
};

static void
list_free(struct list *l)
{
	free(l->all);
}

static bool
has(const struct list *l, const struct digest *d)
{
	for (size_t i = 0; i < l->n; i++)
		if (digest_equal(&l->all[i].digest, d))
			return true;
	return false;
}

static int
add_page(struct list *l, const struct manifest *m, struct err *e)
{
	struct descriptor *more;

	if (!m->is_index)
		return err_set(e, ERR_DATA, "not an index");
	more = reallocarray(l->all, l->n + m->nchildren + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	l->all = more;
	for (size_t i = 0; i < m->nchildren; i++) {
		if (has(l, &m->children[i].digest))
			continue;
		if (l->n == REFERRERS_MAX)
			return err_set(e, ERR_DATA, "more than %d", REFERRERS_MAX);
		l->all[l->n] = m->children[i];
		/* these lie in the index, which goes */
		l->all[l->n].annotations = NULL;
		l->n++;
	}
	return 0;
}

void
referrers_tag(const struct digest *subject, char out[REF_TAG_MAX])
{
	(void)snprintf(out, REF_TAG_MAX, "%.*s-%.64s", (int)strcspn(subject->str, ":"),
		       subject->str, digest_hex(subject));
}

static int
by_tag(struct registry *r, const char *repo, const struct digest *subject, struct list *ret,
       struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct err why = { 0 };
	char tag[REF_TAG_MAX];

	referrers_tag(subject, tag);
	if (registry_manifest(r, repo, tag, &m, &why) == 0)
		return add_page(ret, &m, e);
	return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
}

/* The API is not there: what registries without it answer. */
static bool
is_unsupported(const struct http_resp *resp, const char *type)
{
	if (resp->status == 200)
		return !registry_is_page(resp) &&
		       strncmp(type, MEDIA_OCI_INDEX, strlen(MEDIA_OCI_INDEX)) != 0;
	return resp->status == 400 || (resp->status >= 404 && resp->status <= 406);
}

/* "No such repository" says nothing about the others. */
static bool
is_about_repo(const struct http_resp *resp)
{
	return strstr(buf_cstr(&resp->body), "NAME_UNKNOWN") != NULL;
}

static int
list_all(struct registry *r, const char *repo, const struct digest *subject, struct list *ret,
	 struct err *e)
{
	char path[LINK_MAX];
	size_t pages = 0;
	int more;

	if (registry_has_habit(r, REGISTRY_NO_REFERRERS))
		return by_tag(r, repo, subject, ret, e);
	(void)snprintf(path, sizeof(path), "/v2/%s/referrers/%s", repo, subject->str);
	do {
		AUTO_RESP struct http_resp resp = { 0 };
		AUTO_MANIFEST struct manifest m = { 0 };
		struct http_req q = { .url = path, .max = MANIFEST_MAX };
		char type[128] = "";

		if (registry_request(r, repo, false, &q, &resp, e) < 0)
			return -1;
		(void)http_header(&resp, "content-type", type, sizeof(type));
		if (pages == 0 && is_unsupported(&resp, type)) {
			if (!is_about_repo(&resp))
				registry_learn(r, REGISTRY_NO_REFERRERS);
			return by_tag(r, repo, subject, ret, e);
		}
		if (resp.status != 200 || registry_is_page(&resp))
			return registry_refuse(r, repo, subject->str, &resp, e);
		if (manifest_parse(view_buf(&resp.body), type, NULL, "list", &m, e) < 0 ||
		    add_page(ret, &m, e) < 0)
			return -1;
		more = link_next(&resp, path, &pages, e);
	} while (more > 0);
	return more;
}

int
referrers_list(struct registry *r, const char *repo, const struct digest *subject,
	       struct descriptor **ret, size_t *n, struct err *e)
{
	AUTO(list_free) struct list l = { 0 };

	if (list_all(r, repo, subject, &l, e) < 0)
		return err_wrap(e, "referrers of '%s/%s@%s'", registry_host(r), repo, subject->str);
	*ret = TAKE_PTR(l.all);
	*n = l.n;
	return 0;
}
