#include <stdint.h>
#include <stdlib.h>

#include "trust/sct.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
inside(struct view all, struct view part)
{
	return part.p >= all.p && part.n <= all.n && part.p + part.n <= all.p + all.n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view list = { (const char *)p, n };
	struct sct s[SCT_LIST_MAX];
	size_t count = 0;

	if (sct_parse_list(list, s, &count, NULL) < 0)
		return 0;
	if (count > SCT_LIST_MAX)
		abort();
	for (size_t i = 0; i < count; i++)
		if (!inside(list, s[i].log_id) || !inside(list, s[i].extensions) ||
		    !inside(list, s[i].signature) || s[i].log_id.n != 32)
			abort();
	return 0;
}
