/*
 * confine: img-verify has read its own files; what it reads from now on comes
 * from elsewhere.
 */
#ifndef GANTRY_IMG_VERIFY_CONFINE_H
#define GANTRY_IMG_VERIFY_CONFINE_H

#include "oci/auth.h"

/* For asking registries: names are looked up, authorities of TLS read, and the
 * files with credentials.  Programs that keep credentials need more than can
 * be foreseen, so that with one of them privileges cannot grow, and that is
 * all.  replace: a file that is going to be replaced, or NULL. */
int confine_to_registries(const struct auth_files *f, const char *replace, struct err *e);
/* For what is in memory already. */
int confine_to_memory(struct err *e);

#endif
