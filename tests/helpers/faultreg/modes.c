#include "modes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODES_MAX 32

static const char *const registries[][2] = {
	{ "ghcr", "token,patch-max=4194304,pages=100" },
	{ "hub", "token,quota=5,ratelimit" },
	{ "ecr", "basic,stale-range,patch-201,immutable,redirect,mount-none,pages=100" },
	{ "gar", "token,no-patch" },
	{ "quay", "token,pages=50,link-only,mount-from" },
	{ "harbor", "token,mount-401" },
	{ "acr", "token,state" },
	{ "jfrog", "basic,patch-first" },
	{ "gitlab", "token,one-scope,relative" },
	{ "zot", "referrers,relative" },
	{ "ghes", "token,referrers-406" },
};

static const char *const known[] = {
	/* who may */
	"basic", "token", "one-scope", "tired-token",
	/* lists */
	"pages", "link-only",
	/* answers */
	"no-digest", "wrong-digest", "odd-type", "type-params", "head-405", "warning", "ratelimit",
	"quota", "throttle", "no-length", "no-range", "redirect", "bad-blob",
	/* uploads */
	"relative", "state", "no-patch", "patch-max", "patch-201", "patch-first", "stale-range",
	"min-length", "no-status", "no-resume", "fragile", "put-500", "put-blob-500", "finish-500",
	"post-500", "mount-401", "mount-none", "mount-from", "immutable", "no-delete",
	/* referrers: an API that says OCI-Subject is the custom */
	"referrers", "referrers-406", "no-subject"
};

static struct {
	char name[32];
	long number;
	bool done;
} now[MODES_MAX];
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool
is_known(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return false;
}

static bool
add(const char *list)
{
	char *copy = strdup(list), *rest = copy, *word;
	bool ok = copy != NULL;

	while (ok && (word = strsep(&rest, ",")) != NULL) {
		const char *other = NULL;
		char *value;

		if (word[0] == '\0')
			continue;
		for (size_t i = 0; i < sizeof(registries) / sizeof(registries[0]); i++)
			if (strcmp(registries[i][0], word) == 0)
				other = registries[i][1];
		if (other != NULL) {
			ok = add(other);
			continue;
		}
		value = strchr(word, '=');
		if (value != NULL)
			*value++ = '\0';
		ok = is_known(word) && count < MODES_MAX;
		if (!ok)
			break;
		(void)snprintf(now[count].name, sizeof(now[count].name), "%s", word);
		now[count].number = value != NULL ? strtol(value, NULL, 10) : 1;
		now[count++].done = false;
	}
	free(copy);
	return ok;
}

bool
modes_set(const char *list)
{
	bool ok;

	(void)pthread_mutex_lock(&lock);
	count = 0;
	ok = add(list);
	if (!ok)
		count = 0;
	(void)pthread_mutex_unlock(&lock);
	return ok;
}

/* The last one counts: "ghcr,pages=2". */
static size_t
find(const char *name)
{
	for (size_t i = count; i-- > 0;)
		if (strcmp(now[i].name, name) == 0)
			return i;
	return MODES_MAX;
}

long
mode_number(const char *name, long other)
{
	long n;

	(void)pthread_mutex_lock(&lock);
	n = find(name) == MODES_MAX ? other : now[find(name)].number;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

bool
mode(const char *name)
{
	return mode_number(name, -1) >= 0;
}

bool
mode_once(const char *name)
{
	bool first;
	size_t i;

	(void)pthread_mutex_lock(&lock);
	i = find(name);
	first = i != MODES_MAX && !now[i].done;
	if (first)
		now[i].done = true;
	(void)pthread_mutex_unlock(&lock);
	return first;
}
