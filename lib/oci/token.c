#include "oci/token.h"

#include <stdlib.h>
#include <string.h>

const char *
token_get(const struct token_store *t, const char *scope)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->all[i].scope, scope) == 0 && !clock_over(t->all[i].until))
			return t->all[i].value;
	return NULL;
}

static struct token *
place(struct token_store *t, const char *scope)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->all[i].scope, scope) == 0)
			return &t->all[i];
	if (t->n < TOKEN_SCOPES_MAX)
		return &t->all[t->n++];
	return &t->all[t->oldest++ % TOKEN_SCOPES_MAX];
}

int
token_keep(struct token_store *t, const char *scope, char *value, int64_t ms, struct err *e)
{
	char *name = strdup(scope);
	struct token *at;

	if (name == NULL || value == NULL) {
		free(name);
		free(value);
		return err_nomem(e);
	}
	at = place(t, scope);
	free(at->scope);
	free(at->value);
	*at = (struct token){ name, value, clock_deadline(ms) };
	return 0;
}

void
token_clear(struct token_store *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->all[i].scope);
		free(t->all[i].value);
	}
	*t = (struct token_store){ 0 };
}
