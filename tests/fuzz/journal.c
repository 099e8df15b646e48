#include <stdint.h>

#include "base/jsn.h"
#include "fleet/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_JSN struct json_t *all = NULL;
	size_t whole = 0;

	if (journal_parse((struct view){ (const char *)p, n }, &all, &whole, NULL) == 0 &&
	    whole > n)
		__builtin_trap();
	return 0;
}
