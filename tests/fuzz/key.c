#include <stdint.h>

#include "trust/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Whatever key this is, it did not make a signature of its own file. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_KEY struct key *k = NULL;
	struct view v = { (const char *)p, n };

	if (key_parse(v, "fuzz", &k, NULL) == 0 && key_made(k, v, v))
		abort();
	return 0;
}
