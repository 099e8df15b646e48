#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What is followed is a path of ours and nothing else. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char next[LINK_MAX];

	if (link_parse((struct view){ (const char *)p, n }, "/v2/a/tags/list?n=1", next, NULL) ==
		    1 &&
	    (next[0] != '/' || strpbrk(next, " \r\n\t") != NULL))
		abort();
	return 0;
}
