#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What parses prints, and parses again to the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[REF_STR_MAX];
	struct ref r, again;

	if (ref_parse((struct view){ (const char *)p, n }, &r, NULL) < 0)
		return 0;
	ref_print(&r, text);
	if (ref_parse(view_of(text), &again, NULL) < 0 || strcmp(r.repo, again.repo) != 0 ||
	    strcmp(r.host, again.host) != 0 || strcmp(r.tag, again.tag) != 0)
		abort();
	return 0;
}
