/*
 * scope: release at the end of a scope, and handing over.
 *
 * AUTO_FREE and AUTO_FD are put before a declaration that has an
 * initialiser; TAKE_PTR and TAKE_FD give the thing away and leave nothing
 * to be released.
 */
#ifndef GANTRY_BASE_SCOPE_H
#define GANTRY_BASE_SCOPE_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
scope_free(void *p)
{
	free(*(void **)p);
}

static inline void
scope_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline int
scope_take_fd(int *fd)
{
	int had = *fd;

	*fd = -1;
	return had;
}

#define AUTO(fn)  __attribute__((cleanup(fn)))
#define AUTO_FREE AUTO(scope_free)
#define AUTO_FD	  AUTO(scope_close)

#define TAKE_PTR(p)                         \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})
#define TAKE_FD(fd) scope_take_fd(&(fd))

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
