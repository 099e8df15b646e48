#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct conf_key keys[] = { { "A", "x" }, { "S_*_B", NULL }, { 0 } };
	AUTO_CONF struct conf *c = NULL;
	AUTO_FREE
	char *text = strndup((const char *)p, n);

	if (text != NULL && conf_new(keys, &c, NULL) == 0)
		(void)conf_parse(c, text, "fuzz", NULL);
	return 0;
}
