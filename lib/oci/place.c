#include "oci/place.h"

#include "oci/archive.h"
#include "oci/layout.h"

int
place_open(const struct ref *r, bool write, struct store **ret, struct err *e)
{
	struct ref at = *r;
	char name[REF_STR_MAX];

	at.tag[0] = '\0';
	at.digest.str[0] = '\0';
	ref_print(&at, name);
	if (r->kind == REF_LAYOUT)
		return layout_open(r->path, write, name, ret, e);
	if (write)
		return archive_create(r->path, r->kind == REF_DOCKER_ARCHIVE, name, ret, e);
	return archive_open(r->path, name, ret, e);
}
