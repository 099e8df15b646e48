#include <stddef.h>

#include "trust/policy.h"

static const char *
setting(const struct conf *c, const char *key)
{
	const char *v = conf_get(c, key);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

static int
by_keys(const struct policy_flags *f, struct policy **ret, struct err *e)
{
	AUTO_POLICY struct verify_policy *all = NULL;

	if (verify_policy_new(&all, e) < 0)
		return -1;
	for (size_t i = 0; i < f->n_keys; i++)
		if (verify_policy_add_key(all, f->keys[i], e) < 0)
			return -1;
	return policy_for_all(&all, ret, e);
}

int
policy_choose(const struct policy_flags *f, const struct conf *c, struct policy **ret,
	      struct err *e)
{
	struct policy_flags all = *f;

	*ret = NULL;
	if (all.file == NULL && all.n_keys == 0) {
		all.file = setting(c, "POLICY");
		all.keys[0] = setting(c, "VERIFY_KEY");
		all.n_keys = all.keys[0] != NULL;
		if (all.file != NULL && all.n_keys > 0)
			return conf_bad(c, "POLICY", e, "excludes VERIFY_KEY");
	}
	if (all.file != NULL)
		return policy_load(all.file, ret, e);
	return all.n_keys > 0 ? by_keys(&all, ret, e) : 0;
}
