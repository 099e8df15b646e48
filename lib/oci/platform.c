#include "oci/platform.h"

#include <string.h>

#include "base/view.h"

#define ARM64 "/arm64"

int
platform_check(const char *s, struct err *e)
{
	struct view rest = view_of(s), part;
	int parts = 1;
	bool empty = false;

	for (; view_cut(&rest, '/', &part); parts++)
		empty |= part.n == 0;
	if (empty || rest.n == 0 || parts < 2 || parts > 3)
		return err_set(e, ERR_USAGE, "'%s' is not OS/ARCH[/VARIANT]", s);
	return 0;
}

bool
platform_match(const char *want, const char *have)
{
	size_t w = strlen(want), h = strlen(have);

	if (strncmp(want, have, w) == 0 && (have[w] == '\0' || have[w] == '/'))
		return true;
	return h >= strlen(ARM64) && strcmp(have + h - strlen(ARM64), ARM64) == 0 &&
	       strncmp(want, have, h) == 0 && strcmp(want + h, "/v8") == 0;
}
