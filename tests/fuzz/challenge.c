#include <stdint.h>

#include "oci/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct auth_challenge c = { 0 };

	(void)auth_parse((struct view){ (const char *)p, n }, &c, NULL);
	return 0;
}
