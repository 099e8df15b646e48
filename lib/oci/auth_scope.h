/*
 * auth_scope: what a token is asked for, "TYPE:NAME:ACTION,…", several with a
 * space between them (Docker's token scopes).  For auth.c.
 */
#ifndef GANTRY_OCI_AUTH_SCOPE_H
#define GANTRY_OCI_AUTH_SCOPE_H

#include "base/buf.h"

/* The name of the first scope if that is a repository, else "". */
int auth_scope_repo(const char *scopes, char **ret, struct err *e);
/* All that either of them asks for.  What the registry named and we did not
 * comes first: some know a repository by another name than ours, and some
 * token servers read only the first scope.  Appends to ret. */
int auth_scope_merge(const char *named, const char *ours, struct buf *ret, struct err *e);

#endif
