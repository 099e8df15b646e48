#include <stdint.h>

#include "base/jsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What parses is written and parses again to the same value. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_JSN struct json_t *v = jsn_parse((struct view){ (const char *)p, n }, "fuzz", NULL);
	AUTO_JSN struct json_t *again = NULL;
	AUTO_FREE
	char *text = NULL;

	if (v == NULL)
		return 0;
	text = jsn_dump(v);
	if (text == NULL)
		return 0;
	again = jsn_parse(view_of(text), "again", NULL);
	if (!jsn_equal(v, again))
		abort();
	return 0;
}
