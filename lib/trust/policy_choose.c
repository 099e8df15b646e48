#include <stddef.h>

#include "trust/policy.h"

static const char *
setting(const struct conf *c, const char *key)
{
	const char *v = conf_get(c, key);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

/* Whom the settings name. */
static int
add_settings(struct verify_flags *f, const struct conf *c, struct err *e)
{
	const char *policy = setting(c, "POLICY"), *key = setting(c, "VERIFY_KEY");
	const char *identity = setting(c, "CERTIFICATE_IDENTITY");
	const char *issuer = setting(c, "CERTIFICATE_OIDC_ISSUER");

	if ((identity != NULL) != (issuer != NULL))
		return conf_bad(
			c, identity != NULL ? "CERTIFICATE_IDENTITY" : "CERTIFICATE_OIDC_ISSUER", e,
			"needs %s too",
			identity != NULL ? "CERTIFICATE_OIDC_ISSUER" : "CERTIFICATE_IDENTITY");
	if (policy != NULL && key != NULL)
		return conf_bad(c, "POLICY", e, "excludes VERIFY_KEY");
	if (policy != NULL && identity != NULL)
		return conf_bad(c, "POLICY", e, "excludes CERTIFICATE_IDENTITY");
	if (key != NULL && identity != NULL)
		return conf_bad(c, "VERIFY_KEY", e, "excludes CERTIFICATE_IDENTITY");
	f->policy = policy;
	if (key != NULL)
		f->keys[f->n_keys++] = key;
	f->identity.subject = identity;
	f->identity.issuer = issuer;
	return 0;
}

int
policy_choose(const struct verify_flags *f, const struct conf *c, struct policy **ret,
	      struct err *e)
{
	AUTO_POLICY struct verify_policy *all = NULL;
	struct verify_flags merged = *f;

	*ret = NULL;
	if (!verify_flags_name(f) && add_settings(&merged, c, e) < 0)
		return -1;
	if (!verify_flags_name(&merged))
		return 0;
	if (verify_flags_check(&merged, e) < 0)
		return -1;
	if (merged.policy != NULL)
		return policy_load(merged.policy, ret, e);
	if (merged.root == NULL)
		merged.root = setting(c, "TRUSTED_ROOT");
	if (verify_flags_open(&merged, &all, e) < 0)
		return -1;
	return policy_for_all(&all, ret, e);
}
