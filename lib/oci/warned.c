#include "oci/warned.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 512

struct warned {
	warned_fn *tell;
	pthread_mutex_t lock; /* of what follows */
	size_t n;
	char *said[WARNED_MAX];
};

int
warned_new(warned_fn *tell, struct warned **ret, struct err *e)
{
	struct warned *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(e);
	w->tell = tell;
	(void)pthread_mutex_init(&w->lock, NULL);
	*ret = w;
	return 0;
}

void
warned_free(struct warned **w)
{
	if (*w == NULL)
		return;
	for (size_t i = 0; i < (*w)->n; i++)
		free((*w)->said[i]);
	(void)pthread_mutex_destroy(&(*w)->lock);
	free(*w);
	*w = NULL;
}

/* 299 - "text": only that code is for people, and \ keeps what follows it. */
static bool
text_of(const char *value, char out[TEXT_MAX])
{
	const char *p = strchr(value, '"');
	size_t n = 0;

	if (strncmp(value, "299 ", 4) != 0 || p == NULL)
		return false;
	for (p++; *p != '\0' && *p != '"' && n < TEXT_MAX - 1; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
is_new(struct warned *w, const char *text)
{
	bool fresh = w->n < WARNED_MAX;

	for (size_t i = 0; i < w->n && fresh; i++)
		fresh = strcmp(w->said[i], text) != 0;
	if (!fresh || (w->said[w->n] = strdup(text)) == NULL)
		return false;
	w->n++;
	return true;
}

void
warned_take(struct warned *w, const char *host, const struct http_resp *resp)
{
	char value[2 * TEXT_MAX], text[TEXT_MAX];
	bool fresh;

	if (w->tell == NULL)
		return;
	for (size_t i = 0; http_header_n(resp, "warning", i, value, sizeof(value)); i++) {
		if (!text_of(value, text))
			continue;
		(void)pthread_mutex_lock(&w->lock);
		fresh = is_new(w, text);
		(void)pthread_mutex_unlock(&w->lock);
		if (fresh)
			w->tell(host, text);
	}
}
