#include "ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "oci/place.h"
#include "oci/tags.h"

struct end {
	struct end *next;
	struct store *store; /* NULL: its host did not answer */
	struct ref at;
	struct registry *session; /* lent to the store; NULL where it is none */
	char **tags;		  /* for tools, if the list could be had */
	size_t ntags;
	struct err why;
};

static void
end_free(struct end *n)
{
	store_close(&n->store);
	registry_close(&n->session);
	registry_tags_free(n->tags, n->ntags);
	free(n);
}

void
ends_clear(struct ends *all)
{
	for (struct end *n = all->first, *next; n != NULL; n = next) {
		next = n->next;
		end_free(n);
	}
	all->first = NULL;
}

int
ends_finish(struct ends *all, struct err *e)
{
	int status = 0;

	for (struct end *n = all->first; n != NULL; n = n->next)
		if (n->store != NULL && store_finish(n->store, status == 0 ? e : NULL) < 0)
			status = -1;
	return status;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
open_session(const struct ends *all, struct end *n, const struct ref *r, struct err *e)
{
	for (const struct end *other = all->first; other != NULL; other = other->next) {
		if (other->at.kind != REF_REGISTRY || strcmp(other->at.host, n->at.host) != 0)
			continue;
		if (other->session == NULL)
			return err_set(e, other->why.code, "%s", other->why.msg);
		return registry_again(other->session, &n->session, e);
	}
	if (registry_open(ref_host(r), &all->o, &n->session, e) < 0)
		return -1;
	log_debug("registry '%s' answers", registry_host(n->session));
	return 0;
}

static struct end *
add_end(struct ends *all, const struct ref *r)
{
	struct end *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->at = *r;
	if (r->kind != REF_REGISTRY)
		(void)place_open(r, all->writes, &n->store, &n->why);
	else if (open_session(all, n, r, &n->why) == 0)
		(void)registry_store(n->session, n->at.repo, &n->store, &n->why);
	n->next = all->first;
	all->first = n;
	return n;
}

static struct end *
find_end(const struct ends *all, const struct ref *r)
{
	struct end *n = all->first;

	while (n != NULL && (n->at.kind != r->kind || strcmp(n->at.path, r->path) != 0 ||
			     strcmp(n->at.host, r->host) != 0 || strcmp(n->at.repo, r->repo) != 0))
		n = n->next;
	return n;
}

int
ends_open(struct ends *all, const struct ref *r, struct store **ret, struct err *e)
{
	struct end *n = find_end(all, r);

	if (n == NULL && (n = add_end(all, r)) == NULL)
		return err_nomem(e);
	*ret = n->store;
	return n->store != NULL ? 0 : err_set(e, n->why.code, "%s", n->why.msg);
}

int
ends_know(struct ends *all, const struct ref *r, char *const *tags, size_t ntags, struct err *e)
{
	struct end *n = find_end(all, r);

	if (n->tags != NULL)
		return 0;
	n->tags = calloc(ntags + 1, sizeof(*n->tags));
	if (n->tags == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < ntags; i++) {
		if (!tags_is_referrer(tags[i]))
			continue;
		n->tags[n->ntags] = strdup(tags[i]);
		if (n->tags[n->ntags] == NULL)
			return err_nomem(e);
		n->ntags++;
	}
	qsort(n->tags, n->ntags, sizeof(*n->tags), by_name);
	if (n->session != NULL)
		registry_know_tags(n->session, n->at.repo, n->tags, n->ntags);
	return 0;
}

bool
ends_is_known(const struct ends *all, const struct ref *r)
{
	const struct end *n = find_end(all, r);

	return n != NULL && n->tags != NULL;
}
