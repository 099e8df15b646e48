#include "trust/verify_flags.h"

#include "base/log.h"
#include "trust/predicate.h"

static int
add(const char **list, size_t *n, size_t max, const char *what, const char *arg, struct err *e)
{
	if (*n == max)
		return err_set(e, ERR_USAGE, "more than %zu %s", max, what);
	list[(*n)++] = arg;
	return 0;
}

/* Where the text of an option is kept. */
static const char **
place(struct verify_flags *f, int option)
{
	struct identity_rule *r = &f->identity;

	switch (option) {
	case VERIFY_FLAG_POLICY:
		return &f->policy;
	case VERIFY_FLAG_ROOT:
		return &f->root;
	case VERIFY_FLAG_IDENTITY:
		return &r->subject;
	case VERIFY_FLAG_IDENTITY_RE:
		return &r->subject_re;
	case VERIFY_FLAG_ISSUER:
		return &r->issuer;
	case VERIFY_FLAG_ISSUER_RE:
		return &r->issuer_re;
	case VERIFY_FLAG_REPOSITORY:
		return &r->fact[CERT_GITHUB_REPOSITORY];
	case VERIFY_FLAG_REF:
		return &r->fact[CERT_GITHUB_REF];
	case VERIFY_FLAG_SHA:
		return &r->fact[CERT_GITHUB_SHA];
	case VERIFY_FLAG_NAME:
		return &r->fact[CERT_GITHUB_NAME];
	default:
		return &r->fact[CERT_GITHUB_TRIGGER];
	}
}

int
verify_flags_take(struct verify_flags *f, int option, const char *arg, struct err *e)
{
	switch (option) {
	case VERIFY_FLAG_KEY:
		return add(f->keys, &f->n_keys, VERIFY_KEYS_MAX, "keys", arg, e);
	case VERIFY_FLAG_TYPE:
		if (predicate_uri(arg) == NULL)
			return err_set(e, ERR_USAGE,
				       "--type: '%s' is neither a known predicate type nor a URI",
				       arg);
		return add(f->types, &f->n_types, VERIFY_TYPES_MAX, "types", arg, e);
	case VERIFY_FLAG_NO_TLOG:
		f->ignore_tlog = true;
		return 0;
	case VERIFY_FLAG_NO_SCT:
		f->ignore_sct = true;
		return 0;
	default:
		*place(f, option) = arg;
		return 0;
	}
}

static bool
has_subject(const struct identity_rule *r)
{
	return r->subject != NULL || r->subject_re != NULL;
}

static bool
has_facts(const struct identity_rule *r)
{
	for (size_t i = 0; i < COUNT_OF(r->fact); i++)
		if (r->fact[i] != NULL)
			return true;
	return false;
}

static bool
has_identity(const struct identity_rule *r)
{
	return has_subject(r) || r->issuer != NULL || r->issuer_re != NULL || has_facts(r);
}

bool
verify_flags_name(const struct verify_flags *f)
{
	return f->policy != NULL || f->n_keys > 0 || has_subject(&f->identity);
}

/* Anything but the policy's file. */
static bool
has_more(const struct verify_flags *f)
{
	return f->n_keys > 0 || has_identity(&f->identity) || f->root != NULL || f->n_types > 0 ||
	       f->ignore_tlog || f->ignore_sct;
}

bool
verify_flags_given(const struct verify_flags *f)
{
	return f->policy != NULL || has_more(f);
}

int
verify_flags_check(const struct verify_flags *f, struct err *e)
{
	const struct identity_rule *r = &f->identity;

	if (f->policy != NULL && f->n_keys > 0)
		return err_set(e, ERR_USAGE, "--key and --policy exclude each other");
	if (f->policy != NULL && has_more(f))
		return err_set(e, ERR_USAGE,
			       "a policy says all: no --certificate-*, --trusted-root, --type or "
			       "--insecure-ignore-* goes with it");
	if (has_subject(r) != (r->issuer != NULL || r->issuer_re != NULL))
		return err_set(e, ERR_USAGE,
			       "--certificate-identity and --certificate-oidc-issuer (or their "
			       "-regexp) go together");
	if (has_facts(r) && !has_subject(r))
		return err_set(e, ERR_USAGE,
			       "--certificate-github-workflow-* goes with "
			       "--certificate-identity");
	if ((r->subject != NULL && r->subject_re != NULL) ||
	    (r->issuer != NULL && r->issuer_re != NULL))
		return err_set(e, ERR_USAGE, "an identity is exact or a pattern, not both");
	if (has_subject(r) && f->n_keys > 0)
		return err_set(e, ERR_USAGE, "--key and --certificate-identity exclude each other");
	return 0;
}

int
verify_flags_open(const struct verify_flags *f, struct verify_policy **ret, struct err *e)
{
	AUTO_POLICY struct verify_policy *p = NULL;

	if (verify_policy_new(&p, e) < 0)
		return -1;
	for (size_t i = 0; i < f->n_keys; i++)
		if (verify_policy_add_key(p, f->keys[i], e) < 0)
			return -1;
	if (has_subject(&f->identity) && verify_policy_add_identity(p, &f->identity, e) < 0)
		return -1;
	if (f->root != NULL && verify_policy_set_root(p, f->root, e) < 0)
		return -1;
	for (size_t i = 0; i < f->n_types; i++)
		if (verify_policy_add_type(p, f->types[i], e) < 0)
			return -1;
	if (f->n_types > 0)
		verify_policy_types_only(p);
	verify_policy_ignore(p, f->ignore_tlog, f->ignore_sct);
	if (verify_policy_check(p, e) < 0)
		return -1;
	if (f->ignore_tlog)
		log_warn("the transparency log is ignored");
	if (f->ignore_sct)
		log_warn("the certificate log is ignored");
	*ret = TAKE_PTR(p);
	return 0;
}
