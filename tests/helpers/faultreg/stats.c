#include "stats.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count {
	struct count *next;
	char *name;
	long n;
};

static struct count *kinds, *lines;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
clear(struct count **list)
{
	while (*list != NULL) {
		struct count *c = *list;

		*list = c->next;
		free(c->name);
		free(c);
	}
}

static long
add_to(struct count **list, const char *name, long n)
{
	for (; *list != NULL; list = &(*list)->next)
		if (strcmp((*list)->name, name) == 0)
			return (*list)->n += n;
	*list = calloc(1, sizeof(**list));
	if (*list == NULL || ((*list)->name = strdup(name)) == NULL)
		abort();
	return (*list)->n = n;
}

void
stats_reset(void)
{
	(void)pthread_mutex_lock(&lock);
	clear(&kinds);
	clear(&lines);
	(void)pthread_mutex_unlock(&lock);
}

long
stats_count(const char *kind, long add)
{
	long n;

	(void)pthread_mutex_lock(&lock);
	n = add_to(&kinds, kind, add);
	(void)pthread_mutex_unlock(&lock);
	return n;
}

void
stats_note(const char *line)
{
	(void)pthread_mutex_lock(&lock);
	(void)add_to(&lines, line, 1);
	(void)pthread_mutex_unlock(&lock);
}

void
stats_print(struct buf *ret)
{
	(void)pthread_mutex_lock(&lock);
	for (struct count *c = kinds; c != NULL; c = c->next)
		buf_addf(ret, "%s %ld\n", c->name, c->n);
	for (struct count *c = lines; c != NULL; c = c->next)
		if (c->n > 1)
			buf_addf(ret, "twice %ld %s\n", c->n, c->name);
	(void)pthread_mutex_unlock(&lock);
}
