#include <stdint.h>

#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct view v = { (const char *)p, n };

	(void)manifest_parse(v, NULL, NULL, "fuzz", &m, NULL);
	manifest_clear(&m);
	(void)manifest_parse(v, MEDIA_OCI_INDEX, NULL, "fuzz", &m, NULL);
	return 0;
}
