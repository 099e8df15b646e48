#include <stdint.h>
#include <stdlib.h>

#include "base/jsn.h"
#include "trust/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_JSN struct json_t *v = jsn_parse((struct view){ (const char *)p, n }, "fuzz", NULL);
	AUTO_JSN struct json_t *statement = NULL;
	AUTO_DSSE struct dsse d = DSSE_INIT;
	AUTO_BUF struct buf pae = BUF_INIT(DSSE_PAE_MAX);
	struct artifact a;

	artifact_from_bytes((struct view){ "abc", 3 }, &a);
	if (v == NULL || dsse_parse(v, &d, NULL) < 0)
		return 0;
	dsse_pae(&d, &pae);
	if (buf_ok(&pae, "pae", NULL) < 0 || pae.len <= d.payload.len)
		abort();
	(void)dsse_statement(&d, &a, NULL, &statement, NULL);
	return 0;
}
