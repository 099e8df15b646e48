/*
 * token: what a token server gave, kept for as long as it may be used.
 *
 * One store for one registry; a token belongs to one scope ("repository:NAME:
 * pull").  When the store is full the oldest makes room.
 */
#ifndef GANTRY_OCI_TOKEN_H
#define GANTRY_OCI_TOKEN_H

#include "base/clock.h"
#include "base/err.h"

#define TOKEN_SCOPES_MAX 16

struct token {
	char *scope, *value;
	struct deadline until;
};

struct token_store {
	struct token all[TOKEN_SCOPES_MAX];
	size_t n, oldest;
};

/* Lent until the next token_keep; NULL if there is none or its time is over. */
const char *token_get(const struct token_store *t, const char *scope);
/* Takes value, even on failure; a value of NULL is out of memory. */
int token_keep(struct token_store *t, const char *scope, char *value, int64_t ms, struct err *e);
void token_clear(struct token_store *t);

#endif
