#include <stdint.h>
#include <string.h>

#include "oci/auth_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What a token server prints: the token fits one header, for some time. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_GRANT struct auth_grant g = { 0 };

	if (auth_token_parse((struct view){ (const char *)p, n }, &g, NULL) == 0 &&
	    (g.token[0] == '\0' || strpbrk(g.token, "\r\n ") != NULL || g.ms < 1))
		abort();
	return 0;
}
