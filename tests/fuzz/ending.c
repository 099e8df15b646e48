#include <stdint.h>
#include <stdlib.h>

#include "base/view.h"
#include "engine/ending.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What an engine remembers: nothing is taken after the end. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ending d = { .id = "ab", .finished_ms = 1 };
	struct view rest = { (const char *)p, n }, line;

	while (view_cut(&rest, '\n', &line))
		if (ending_take(&d, line, NULL) < 0)
			break;
	if (d.over && ending_judge(&d) == ENGINE_END_UNSEEN)
		abort();
	return 0;
}
