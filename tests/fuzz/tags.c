#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/semver.h"
#include "oci/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A line that is a range or version, and another that is held against it. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct semver_range *r = NULL;
	AUTO_FREE char *text = strndup((const char *)p, n);
	char *second = text != NULL ? strchr(text, '\n') : NULL;
	struct semver v;

	if (text == NULL)
		return 0;
	if (second != NULL)
		*second++ = '\0';
	if (semver_range_parse(text, &r, NULL) == 0 && second != NULL && semver_parse(second, &v))
		(void)semver_range_has(r, &v);
	semver_range_free(&r);
	if (second != NULL && tags_compare(text, second) != -tags_compare(second, text) &&
	    (tags_compare(text, second) > 0) == (tags_compare(second, text) > 0))
		abort();
	return 0;
}
