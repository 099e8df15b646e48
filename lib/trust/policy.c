#include "trust/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/jsn.h"
#include "trust/policy_pattern.h"

#define NAME_BYTES (2 * REF_PART_MAX)
#define PATH_BYTES 4096

struct rule {
	const struct json_t *json; /* lent by the policy */
	struct verify_policy *needs;
};

struct policy {
	char *file; /* NULL: one rule for everything */
	struct json_t *json;
	struct rule rules[POLICY_RULES_MAX];
	size_t n;
};

void
policy_free(struct policy **p)
{
	if (*p == NULL)
		return;
	for (size_t i = 0; i < (*p)->n; i++)
		verify_policy_free(&(*p)->rules[i].needs);
	jsn_free(&(*p)->json);
	free((*p)->file);
	free(*p);
	*p = NULL;
}

/* --- the text ------------------------------------------------------------- */

/* Every member is one of the names. */
static int
only(const struct json_t *v, const char *const *names, struct err *e)
{
	if (!jsn_is_object(v))
		return err_set(e, ERR_CONFIG, "is not an object");
	for (void *it = jsn_first(v); it != NULL; it = jsn_next(v, it)) {
		const char *const *p = names;

		while (*p != NULL && strcmp(*p, jsn_key(it)) != 0)
			p++;
		if (*p == NULL)
			return err_set(e, ERR_CONFIG, "unknown field '%s'", jsn_key(it));
	}
	return 0;
}

/* A list of texts, which may be missing. */
static int
check_texts(const struct json_t *v, const char *key, size_t max, struct err *e)
{
	const struct json_t *list = jsn_at_key(v, key);
	size_t n = jsn_len(list);

	if (list == NULL)
		return 0;
	if (!jsn_is_array(list) || n == 0)
		return err_set(e, ERR_CONFIG, "'%s' is not a list, or empty", key);
	if (n > max)
		return err_set(e, ERR_CONFIG, "'%s' has more than %zu entries", key, max);
	for (size_t i = 0; i < n; i++)
		if (jsn_str_or(jsn_at(list, i), "", "")[0] == '\0')
			return err_set(e, ERR_CONFIG, "'%s' has an entry that is not a text", key);
	return 0;
}

/* Its patterns, none of which may stand in an earlier place too. */
static int
check_patterns(const struct policy *p, const struct json_t *v, struct err *e)
{
	const struct json_t *list = jsn_at_key(v, "repositories");

	if (list == NULL)
		return err_set(e, ERR_CONFIG, "no 'repositories'");
	if (check_texts(v, "repositories", POLICY_PATTERNS_MAX, e) < 0)
		return -1;
	for (size_t i = 0; i < jsn_len(list); i++) {
		const char *pattern = jsn_str(jsn_at(list, i), "");

		if (policy_pattern_check(pattern, e) < 0)
			return -1;
		for (size_t r = 0; r <= p->n; r++) {
			const struct json_t *before =
				jsn_at_key(r < p->n ? p->rules[r].json : v, "repositories");

			for (size_t k = 0; k < (r < p->n ? jsn_len(before) : i); k++)
				if (strcmp(jsn_str(jsn_at(before, k), ""), pattern) == 0)
					return err_set(e, ERR_CONFIG,
						       "'%s' can never match: rule %zu has it",
						       pattern, r + 1);
		}
	}
	return 0;
}

static const char *const identity_fields[] = {
	"subject",
	"subject_regexp",
	"issuer",
	"issuer_regexp",
	"github_workflow_repository",
	"github_workflow_ref",
	"github_workflow_sha",
	"github_workflow_name",
	"github_workflow_trigger",
	NULL,
};

/* Its texts are lent by v. */
static int
read_identity(const struct json_t *v, struct identity_rule *ret, struct err *e)
{
	/* in the order of their names */
	const char **places[] = {
		&ret->subject,
		&ret->subject_re,
		&ret->issuer,
		&ret->issuer_re,
		&ret->fact[CERT_GITHUB_REPOSITORY],
		&ret->fact[CERT_GITHUB_REF],
		&ret->fact[CERT_GITHUB_SHA],
		&ret->fact[CERT_GITHUB_NAME],
		&ret->fact[CERT_GITHUB_TRIGGER],
	};

	*ret = (struct identity_rule){ 0 };
	if (only(v, identity_fields, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		const struct json_t *text = jsn_at_key(v, identity_fields[i]);

		if (text != NULL && jsn_str_or(text, "", "")[0] == '\0')
			return err_set(e, ERR_CONFIG, "'%s' is not a text", identity_fields[i]);
		*places[i] = jsn_str(text, "");
	}
	return 0;
}

static int
check_identities(const struct json_t *v, struct err *e)
{
	const struct json_t *list = jsn_at_key(v, "identities");

	if (list == NULL)
		return 0;
	if (!jsn_is_array(list) || jsn_len(list) == 0)
		return err_set(e, ERR_CONFIG, "'identities' is not a list, or empty");
	if (jsn_len(list) > VERIFY_IDENTITIES_MAX)
		return err_set(e, ERR_CONFIG, "'identities' has more than %d entries",
			       VERIFY_IDENTITIES_MAX);
	for (size_t i = 0; i < jsn_len(list); i++) {
		struct identity_rule rule;

		if (read_identity(jsn_at(list, i), &rule, e) < 0)
			return err_wrap(e, "identity %zu", i + 1);
	}
	return 0;
}

static int
check_rule(const struct policy *p, const struct json_t *v, struct err *e)
{
	static const char *const fields[] = { "repositories", "keys",	   "identities",
					      "trusted_root", "threshold", "attestations",
					      "signature",    NULL };
	const struct json_t *threshold, *root, *signature;
	size_t signers;
	int64_t n;

	if (only(v, fields, e) < 0 || check_patterns(p, v, e) < 0 ||
	    check_texts(v, "keys", VERIFY_KEYS_MAX, e) < 0 || check_identities(v, e) < 0 ||
	    check_texts(v, "attestations", VERIFY_TYPES_MAX, e) < 0)
		return -1;
	signers = jsn_len(jsn_at_key(v, "keys")) + jsn_len(jsn_at_key(v, "identities"));
	if (signers == 0)
		return err_set(e, ERR_CONFIG, "nobody to trust: no 'keys' and no 'identities'");
	root = jsn_at_key(v, "trusted_root");
	if (root != NULL && jsn_str_or(root, "", "")[0] == '\0')
		return err_set(e, ERR_CONFIG, "'trusted_root' is not a text");
	signature = jsn_at_key(v, "signature");
	if (signature != NULL && jsn_bool(signature, "", true) != jsn_bool(signature, "", false))
		return err_set(e, ERR_CONFIG, "'signature' is neither true nor false");
	threshold = jsn_at_key(v, "threshold");
	n = jsn_int(threshold, "", 0);
	if (threshold != NULL && (n < 1 || n > (int64_t)signers))
		return err_set(e, ERR_CONFIG, "'threshold' is not a number from 1 to %zu", signers);
	return 0;
}

static int
check(struct policy *p, struct err *e)
{
	static const char *const fields[] = { "rules", NULL };
	const struct json_t *rules = jsn_at_key(p->json, "rules");

	if (only(p->json, fields, e) < 0)
		return -1;
	if (!jsn_is_array(rules))
		return err_set(e, ERR_CONFIG, "no list 'rules'");
	if (jsn_len(rules) > POLICY_RULES_MAX)
		return err_set(e, ERR_CONFIG, "more than %d rules", POLICY_RULES_MAX);
	for (; p->n < jsn_len(rules); p->n++) {
		const struct json_t *v = jsn_at(rules, p->n);

		if (check_rule(p, v, e) < 0)
			return err_wrap(e, "rule %zu", p->n + 1);
		p->rules[p->n].json = v;
	}
	return 0;
}

int
policy_parse(struct view text, const char *file, struct policy **ret, struct err *e)
{
	AUTO(policy_free) struct policy *p = calloc(1, sizeof(*p));
	struct err why = { 0 };
	char name[PATH_BYTES];

	if (p == NULL || (p->file = strdup(file)) == NULL)
		return err_nomem(e);
	(void)snprintf(name, sizeof(name), "policy '%s'", file);
	p->json = jsn_parse(text, name, &why);
	if (p->json == NULL)
		return err_set(e, ERR_CONFIG, "%s", why.msg);
	if (check(p, &why) < 0)
		return err_set(e, ERR_CONFIG, "%s: %s", name, why.msg);
	*ret = TAKE_PTR(p);
	return 0;
}

/* --- what it names ---------------------------------------------------------- */

/* "-" is a file here, not standard input. */
static int
beside(const struct policy *p, const char *name, char out[PATH_BYTES], struct err *e)
{
	const char *slash = strrchr(p->file, '/');
	int n;

	if (name[0] == '/')
		n = snprintf(out, PATH_BYTES, "%s", name);
	else if (slash == NULL)
		n = snprintf(out, PATH_BYTES, "./%s", name);
	else
		n = snprintf(out, PATH_BYTES, "%.*s/%s", (int)(slash - p->file), p->file, name);
	if (n < 0 || n >= PATH_BYTES)
		return err_set(e, ERR_CONFIG, "the path '%s' is too long", name);
	return 0;
}

static int
open_signers(const struct policy *p, const struct rule *r, struct err *e)
{
	const struct json_t *keys = jsn_at_key(r->json, "keys");
	const struct json_t *identities = jsn_at_key(r->json, "identities");
	char path[PATH_BYTES];

	for (size_t i = 0; i < jsn_len(keys); i++)
		if (beside(p, jsn_str(jsn_at(keys, i), ""), path, e) < 0 ||
		    verify_policy_add_key(r->needs, path, e) < 0)
			return -1;
	for (size_t i = 0; i < jsn_len(identities); i++) {
		struct identity_rule rule;

		if (read_identity(jsn_at(identities, i), &rule, e) < 0 ||
		    verify_policy_add_identity(r->needs, &rule, e) < 0)
			return err_wrap(e, "identity %zu", i + 1);
	}
	return verify_policy_set_threshold(r->needs, (size_t)jsn_int(r->json, "threshold", 1), e);
}

static int
open_rule(const struct policy *p, struct rule *r, struct err *e)
{
	const struct json_t *types = jsn_at_key(r->json, "attestations");
	const char *root = jsn_str(r->json, "trusted_root");
	char path[PATH_BYTES];

	if (verify_policy_new(&r->needs, e) < 0 || open_signers(p, r, e) < 0)
		return -1;
	if (root != NULL &&
	    (beside(p, root, path, e) < 0 || verify_policy_set_root(r->needs, path, e) < 0))
		return -1;
	for (size_t i = 0; i < jsn_len(types); i++)
		if (verify_policy_add_type(r->needs, jsn_str(jsn_at(types, i), ""), e) < 0)
			return -1;
	if (!jsn_bool(r->json, "signature", true))
		verify_policy_types_only(r->needs);
	return verify_policy_check(r->needs, e);
}

int
policy_open(struct policy *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++)
		if (open_rule(p, &p->rules[i], e) < 0)
			return err_wrap(e, "policy '%s': rule %zu", p->file, i + 1);
	return 0;
}

int
policy_load(const char *path, struct policy **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(POLICY_FILE_MAX);
	AUTO(policy_free) struct policy *p = NULL;
	struct err why = { 0 };

	if (file_read(AT_FDCWD, path, &text, &why) < 0)
		return err_set(e, ERR_CONFIG, "policy: %s", why.msg);
	if (policy_parse(view_buf(&text), path, &p, e) < 0 || policy_open(p, e) < 0)
		return -1;
	*ret = TAKE_PTR(p);
	return 0;
}

int
policy_for_all(struct verify_policy **everywhere, struct policy **ret, struct err *e)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	p->rules[p->n++].needs = TAKE_PTR(*everywhere);
	*ret = p;
	return 0;
}

/* --- asking ----------------------------------------------------------------- */

static const struct rule *
most_specific(const struct policy *p, const char *name)
{
	const struct rule *found = NULL;
	const char *best = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct json_t *list = jsn_at_key(p->rules[i].json, "repositories");

		for (size_t k = 0; k < jsn_len(list); k++) {
			const char *pattern = jsn_str(jsn_at(list, k), "");

			if (!policy_pattern_match(pattern, name) ||
			    (best != NULL && policy_pattern_compare(pattern, best) <= 0))
				continue;
			best = pattern;
			found = &p->rules[i];
		}
	}
	return found;
}

int
policy_find(const struct policy *p, const struct ref *ref, const struct verify_policy **ret,
	    struct err *e)
{
	const struct rule *r = &p->rules[0];
	char name[NAME_BYTES];

	if (p->file != NULL) {
		(void)snprintf(name, sizeof(name), "%s/%s", ref->host, ref->repo);
		for (char *c = name; *c != '/'; c++)
			*c = (char)tolower((unsigned char)*c);
		r = most_specific(p, name);
	}
	if (r == NULL)
		return err_set(e, ERR_NO, "no rule of policy '%s' speaks of '%s'", p->file, name);
	*ret = r->needs;
	return 0;
}
