#include "lazy/library.h"

#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>

int
library_load(const char *name, void **ret, struct err *e)
{
	if (*ret == NULL)
		*ret = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	return *ret != NULL ? 0 : err_set(e, ERR_SYS, "%s", dlerror());
}

void *
library_find(void *library, const char *name)
{
	void *f;

	assert(library != NULL);
	f = dlsym(library, name);
	assert(f != NULL);
	return f;
}
