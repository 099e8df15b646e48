#include <stdint.h>

#include "oci/auth_helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What a credential helper prints: a user and a password, a token, or nothing. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_CREDS struct auth_creds c = { 0 };
	int status = auth_helper_parse((struct view){ (const char *)p, n }, &c, NULL);

	if ((status == 1) != (c.identity != NULL || (c.user != NULL && c.password != NULL)))
		abort();
	return 0;
}
