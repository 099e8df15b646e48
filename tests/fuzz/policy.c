#include <stdint.h>

#include "trust/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(policy_free) struct policy *rules = NULL;
	static const char *const names[] = { "ghcr.io/acme/robot", "localhost:5000/a/b/c", "x" };
	const struct verify_policy *needs;

	if (policy_parse((struct view){ (const char *)p, n }, "fuzz", &rules, NULL) < 0)
		return 0;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct ref r;

		if (ref_parse(view_of(names[i]), &r, NULL) == 0)
			(void)policy_find(rules, &r, &needs, NULL);
	}
	return 0;
}
