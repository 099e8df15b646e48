/*
 * sandbox: what this process still needs of the machine, and from here on no
 * more than that: a mistake in the reading of hostile bytes is then of little
 * use to whoever sent them.
 *
 * By no_new_privs (prctl(2)) and landlock(7), as far as the running kernel has
 * it: files are read only where that is allowed, and written in no folder but
 * one; nothing is executed; no TCP port is bound, and none connected to unless allowed; no
 * process outside is signalled.  Descriptors that are open already stay as
 * they are.  There is no way back; threads and children inherit it, so it is
 * entered before there are any.
 */
#ifndef GANTRY_BASE_SANDBOX_H
#define GANTRY_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sandbox {
	const char *const *read; /* files, and folders with all in them; what is not there is
				    left out */
	size_t n;
	const char *replace; /* a folder in which files are made and replaced; NULL: none */
	bool connect;	     /* to TCP ports */
};

/* 1; 0 if the kernel (or who started us) has no landlock, so that only
 * no_new_privs holds; -1 ERR_SYS if it has and refuses. */
int sandbox_enter(const struct sandbox *s, struct err *e);
/* The least of it: nothing that is executed has more rights than we do. */
int sandbox_no_new_privs(struct err *e);

#endif
