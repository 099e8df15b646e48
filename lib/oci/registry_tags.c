#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/link.h"
#include "oci/registry.h"

#define PAGE_MAX_BYTES (4U << 20)
#define PAGE_TAGS      "1000"

void
registry_tags_free(char **tags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(tags[i]);
	free(tags);
}

struct tag_list {
	char **tags;
	size_t n;
};

static int
add_tags(struct tag_list *l, const struct json_t *page, struct err *e)
{
	const struct json_t *names = jsn_get(page, "tags");
	char **more;

	if (!jsn_is_array(names) && !jsn_is_null(names))
		return err_set(e, ERR_DATA, "no list 'tags'");
	if (l->n + jsn_len(names) > REGISTRY_TAGS_MAX)
		return err_set(e, ERR_DATA, "more than %d", REGISTRY_TAGS_MAX);
	if (jsn_len(names) == 0)
		return 0;
	more = reallocarray(l->tags, l->n + jsn_len(names), sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	l->tags = more;
	for (size_t i = 0; i < jsn_len(names); i++) {
		const char *name = jsn_str(jsn_at(names, i), "");

		/* names become addresses and lines of output */
		if (name == NULL || !ref_is_tag(view_of(name)))
			return err_set(e, ERR_DATA, "number %zu is none", l->n + 1);
		l->tags[l->n] = strdup(name);
		if (l->tags[l->n] == NULL)
			return err_nomem(e);
		l->n++;
	}
	return 0;
}

static int
list_tags(struct registry *r, const char *repo, struct tag_list *l, struct err *e)
{
	char path[LINK_MAX];
	size_t pages = 0;
	int more;

	(void)snprintf(path, sizeof(path), "/v2/%s/tags/list?n=" PAGE_TAGS, repo);
	do {
		AUTO_RESP struct http_resp resp = { 0 };
		AUTO_JSN struct json_t *page = NULL;
		struct http_req q = { .url = path, .max = PAGE_MAX_BYTES };

		if (registry_request(r, repo, false, &q, &resp, e) < 0)
			return -1;
		if (resp.status != 200 || registry_is_page(&resp))
			return registry_refuse(r, repo, "", &resp, e);
		page = jsn_parse(view_buf(&resp.body), "tag list", e);
		more = page != NULL && add_tags(l, page, e) == 0 ? link_next(&resp, path, &pages, e)
								 : -1;
	} while (more > 0);
	return more == 0 ? 0 : err_wrap(e, "tags of '%s/%s'", registry_host(r), repo);
}

int
registry_tags(struct registry *r, const char *repo, char ***ret, size_t *n, struct err *e)
{
	struct tag_list l = { 0 };

	if (list_tags(r, repo, &l, e) < 0) {
		registry_tags_free(l.tags, l.n);
		return -1;
	}
	*ret = l.tags;
	*n = l.n;
	return 0;
}
