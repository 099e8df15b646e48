#include "content.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
	struct item *next;
	enum kind kind;
	bool gone;
	char repo[256], name[160];
	const struct bytes *what;
};

static struct item *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct item *
find(enum kind kind, const char *repo, const char *name)
{
	for (struct item *i = all; i != NULL; i = i->next)
		if (i->kind == kind && strcmp(i->name, name) == 0 && strcmp(i->repo, repo) == 0)
			return i;
	return NULL;
}

const struct bytes *
content_find(enum kind kind, const char *repo, const char *name)
{
	const struct bytes *what = NULL;
	struct item *i;

	(void)pthread_mutex_lock(&lock);
	i = find(kind, repo, name);
	if (i != NULL && !i->gone)
		what = i->what;
	(void)pthread_mutex_unlock(&lock);
	return what;
}

void
content_link(enum kind kind, const char *repo, const char *name, const struct bytes *what)
{
	struct item *i;

	(void)pthread_mutex_lock(&lock);
	i = find(kind, repo, name);
	if (i == NULL) {
		i = calloc(1, sizeof(*i));
		if (i == NULL)
			abort();
		i->kind = kind;
		(void)snprintf(i->repo, sizeof(i->repo), "%s", repo);
		(void)snprintf(i->name, sizeof(i->name), "%s", name);
		i->next = all;
		all = i;
	}
	i->what = what;
	i->gone = false;
	(void)pthread_mutex_unlock(&lock);
}

const struct bytes *
content_put(enum kind kind, const char *repo, const char *name, const char *type, char *data,
	    size_t n)
{
	struct bytes *b = calloc(1, sizeof(*b));

	if (b == NULL)
		abort();
	b->data = data;
	b->n = n;
	digest_of(data, n, &b->digest);
	(void)snprintf(b->type, sizeof(b->type), "%s", type);
	content_link(kind, repo, kind == TAG ? name : b->digest.str, b);
	if (kind == TAG)
		content_link(MANIFEST, repo, b->digest.str, b);
	return b;
}

bool
content_remove(enum kind kind, const char *repo, const char *name)
{
	struct item *i;
	bool there;

	(void)pthread_mutex_lock(&lock);
	i = find(kind, repo, name);
	there = i != NULL && !i->gone;
	if (there)
		i->gone = true;
	if (there && kind == MANIFEST)
		for (struct item *t = all; t != NULL; t = t->next)
			if (t->kind == TAG && t->what == i->what && strcmp(t->repo, repo) == 0)
				t->gone = true;
	(void)pthread_mutex_unlock(&lock);
	return there;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t
content_names(enum kind kind, const char *repo, const char *after, const char ***ret, size_t max)
{
	const char **names;
	size_t n = 0;

	(void)pthread_mutex_lock(&lock);
	for (struct item *i = all; i != NULL; i = i->next)
		n++;
	names = calloc(n + 1, sizeof(*names));
	if (names == NULL)
		abort();
	n = 0;
	for (struct item *i = all; i != NULL; i = i->next)
		if (i->kind == kind && !i->gone && strcmp(i->repo, repo) == 0 &&
		    strcmp(i->name, after) > 0)
			names[n++] = i->name;
	(void)pthread_mutex_unlock(&lock);
	qsort(names, n, sizeof(*names), by_name);
	*ret = names;
	return n < max ? n : max;
}

bool
content_has_repo(const char *repo)
{
	bool there = false;

	(void)pthread_mutex_lock(&lock);
	for (struct item *i = all; i != NULL && !there; i = i->next)
		there = !i->gone && strcmp(i->repo, repo) == 0;
	(void)pthread_mutex_unlock(&lock);
	return there;
}
