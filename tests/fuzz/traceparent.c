#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "obs/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What is taken over stands in the header, in lower case. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char hex[CONTEXT_HEX_MAX];
	struct context c;

	if (!context_parse((struct view){ (const char *)p, n }, &c))
		return 0;
	context_hex(c.trace_id, sizeof(c.trace_id), hex);
	if (memcmp(hex, p + 3, strlen(hex)) != 0 || strspn(hex, "0") == strlen(hex))
		abort();
	context_hex(c.span_id, sizeof(c.span_id), hex);
	if (memcmp(hex, p + 36, strlen(hex)) != 0 || strspn(hex, "0") == strlen(hex))
		abort();
	return 0;
}
