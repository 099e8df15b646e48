#include "trust/verify_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "trust/predicate.h"

int
verify_policy_new(struct verify_policy **ret, struct err *e)
{
	struct verify_policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	*ret = p;
	return 0;
}

void
verify_policy_free(struct verify_policy **p)
{
	if (*p == NULL)
		return;
	for (size_t i = 0; i < (*p)->n_keys; i++)
		key_free(&(*p)->keys[i]);
	for (size_t i = 0; i < (*p)->n_identities; i++)
		identity_free(&(*p)->identities[i]);
	for (size_t i = 0; i < (*p)->n_types; i++)
		free((*p)->types[i]);
	root_free(&(*p)->root);
	free(*p);
	*p = NULL;
}

int
verify_policy_add_key(struct verify_policy *p, const char *path, struct err *e)
{
	size_t n = p->n_keys;

	if (n == VERIFY_KEYS_MAX)
		return err_set(e, ERR_CONFIG, "more than %d keys", VERIFY_KEYS_MAX);
	if (key_load(path, &p->keys[n], e) < 0)
		return -1;
	p->spkis[n] = key_spki(p->keys[n]);
	p->key_names[n] = key_name(p->keys[n]);
	p->n_keys++;
	return 0;
}

int
verify_policy_add_identity(struct verify_policy *p, const struct identity_rule *rule, struct err *e)
{
	if (p->n_identities == VERIFY_IDENTITIES_MAX)
		return err_set(e, ERR_CONFIG, "more than %d identities", VERIFY_IDENTITIES_MAX);
	if (identity_new(rule, &p->identities[p->n_identities], e) < 0)
		return -1;
	p->n_identities++;
	return 0;
}

/* Keys that are there twice are one. */
static size_t
count_signers(const struct verify_policy *p)
{
	size_t n = p->n_identities;

	for (size_t i = 0; i < p->n_keys; i++) {
		size_t first = 0;

		while (!spki_equal(p->spkis[first], p->spkis[i]))
			first++;
		n += first == i;
	}
	return n;
}

int
verify_policy_set_threshold(struct verify_policy *p, size_t n, struct err *e)
{
	size_t signers = count_signers(p);

	if (n > signers)
		return err_set(e, ERR_CONFIG, "%zu signers are needed, but there are only %zu", n,
			       signers);
	p->threshold = n;
	return 0;
}

int
verify_policy_add_type(struct verify_policy *p, const char *type, struct err *e)
{
	const char *uri = predicate_uri(type);

	if (uri == NULL)
		return err_set(e, ERR_CONFIG, "'%s' is neither a known predicate type nor a URI",
			       type);
	for (size_t i = 0; i < p->n_types; i++)
		if (strcmp(p->types[i], uri) == 0)
			return 0;
	if (p->n_types == VERIFY_TYPES_MAX)
		return err_set(e, ERR_CONFIG, "more than %d predicate types", VERIFY_TYPES_MAX);
	p->types[p->n_types] = strdup(uri);
	if (p->types[p->n_types] == NULL)
		return err_nomem(e);
	p->n_types++;
	return 0;
}

void
verify_policy_types_only(struct verify_policy *p)
{
	p->types_only = true;
}

int
verify_policy_set_root(struct verify_policy *p, const char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(ROOT_TEXT_MAX);
	struct root *root = NULL;
	struct err why = { 0 };

	if (file_read(AT_FDCWD, path, &text, &why) < 0)
		return err_set(e, ERR_CONFIG, "trusted root: %s", why.msg);
	if (root_parse(view_buf(&text), path, &root, e) < 0)
		return -1;
	root_free(&p->root);
	p->root = root;
	return 0;
}

void
verify_policy_ignore(struct verify_policy *p, bool tlog, bool sct)
{
	p->ignore_tlog = tlog;
	p->ignore_sct = sct;
}

void
verify_policy_rules(const struct verify_policy *p, struct judge_rules *ret)
{
	*ret = (struct judge_rules){
		.root = p->root,
		.identities = p->identities,
		.n_identities = p->n_identities,
		.keys = p->spkis,
		.n_keys = p->n_keys,
		.key_names = p->key_names,
		/* without a root there is no log to ask, and only keys can be meant */
		.ignore_tlog = p->ignore_tlog || p->root == NULL,
		.ignore_sct = p->ignore_sct,
	};
}

bool
verify_policy_empty(const struct verify_policy *p)
{
	return p->n_keys == 0 && p->n_identities == 0;
}

int
verify_policy_check(const struct verify_policy *p, struct err *e)
{
	if (verify_policy_empty(p))
		return err_set(e, ERR_CONFIG, "nobody to trust: no key and no identity");
	if (p->n_identities > 0 && p->root == NULL)
		return err_set(e, ERR_CONFIG, "identities need a trusted root");
	if (p->types_only && p->n_types == 0)
		return err_set(e, ERR_CONFIG,
			       "neither a signature nor an attestation is asked for");
	return 0;
}
