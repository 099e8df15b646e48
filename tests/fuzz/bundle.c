#include <stdint.h>

#include "trust/bundle.h"
#include "trust/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_BUNDLE struct bundle *b = NULL;
	AUTO_CERT struct cert *c = NULL;

	if (bundle_parse((struct view){ (const char *)p, n }, &b, NULL) == 0 &&
	    b->signer == BUNDLE_CERTIFICATE)
		(void)cert_parse(view_buf(&b->certificate), &c, NULL);
	return 0;
}
