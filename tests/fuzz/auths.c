#include <stdint.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/auth_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A config.json: no helper's name leaves PATH, and what becomes a header is
 * one line. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const hosts[] = { "h:1", "registry-1.docker.io" };
	AUTO_JSN struct json_t *v = NULL;

	if (auth_file_parse((struct view){ (const char *)p, n }, "fuzz", &v, NULL) < 0)
		return 0;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		AUTO_CREDS struct auth_creds c = { 0 };
		char helper[AUTH_HELPER_MAX];

		if (auth_file_helper(v, "fuzz", hosts[i], helper, NULL) == 0 &&
		    strchr(helper, '/') != NULL)
			abort();
		if (auth_file_creds(v, "fuzz", hosts[i], "a/b", &c, NULL) == 1 &&
		    c.bearer != NULL && strpbrk(c.bearer, "\r\n ") != NULL)
			abort();
	}
	return 0;
}
