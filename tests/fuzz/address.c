#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/view.h"
#include "engine/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What is accepted is one word for a shell, and no option for ssh. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_FREE char *text = view_dup((struct view){ (const char *)p, n });
	struct address a;

	if (text == NULL || address_parse(text, &a, NULL) < 0)
		return 0;
	if (a.host[0] == '-' || a.user[0] == '-' || strpbrk(a.host, " '\"$`;&|<>\n") != NULL ||
	    (a.kind == ADDRESS_SSH && strpbrk(a.path, " '\"$`;&|<>\n") != NULL) ||
	    (a.kind != ADDRESS_UNIX && a.host[0] == '\0'))
		abort();
	return 0;
}
