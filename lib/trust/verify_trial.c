#include "trust/verify_trial.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

#define SIGNATURE_TYPE	 "https://sigstore.dev/cosign/sign/v1"
#define ATTESTATIONS_MAX (2 * VERIFY_SIGNATURES_MAX) /* of both forms */

static size_t
threshold(const struct verify_policy *p)
{
	if (p->types_only)
		return 0;
	return p->threshold > 0 ? p->threshold : 1;
}

static bool
is_signed(const struct verify_trial *t)
{
	return t->n_signers >= threshold(t->p);
}

static bool
is_attested(const struct verify_trial *t)
{
	return t->n_types >= t->p->n_types;
}

int
verify_trial_open(struct verify_trial *t, struct err *e)
{
	const struct verify_policy *p = t->p;

	(void)snprintf(t->name, sizeof(t->name), "%s@%s", t->s->name, t->image->str);
	if (verify_policy_check(p, e) < 0)
		return err_wrap(e, "'%s'", t->name);
	if (!artifact_from_digest(t->image->str, &t->artifact))
		return err_set(e, ERR_DATA, "'%s': '%s' is not a digest", t->name, t->image->str);
	t->all_attestations = t->all_attestations && p->n_types > 0;
	t->found.proofs = calloc(threshold(p) + ATTESTATIONS_MAX, sizeof(*t->found.proofs));
	if (t->found.proofs == NULL)
		return err_nomem(e);
	verify_policy_rules(p, &t->rules);
	return 0;
}

void
verify_trial_close(struct verify_trial *t)
{
	verify_found_clear(&t->found);
	buf_clear(&t->no_signature);
	buf_clear(&t->no_attestation);
}

/* --- what is wanted ------------------------------------------------------- */

void
verify_tag(const struct verify_trial *t, const char *suffix, char out[VERIFY_TAG_MAX])
{
	const char *digest = t->image->str;

	(void)snprintf(out, VERIFY_TAG_MAX, "%.*s-%s%s", (int)strcspn(digest, ":"), digest,
		       digest_hex(t->image), suffix);
}

bool
verify_wants(const struct verify_trial *t, enum verify_use use)
{
	bool attestations = t->all_attestations || !is_attested(t);

	switch (use) {
	case VERIFY_SIGNATURE:
		return !is_signed(t);
	case VERIFY_ATTESTATION:
		return attestations;
	default:
		return !is_signed(t) || attestations;
	}
}

static const char *
wanted_type(const struct verify_trial *t, const char *type)
{
	for (size_t i = 0; i < t->p->n_types; i++)
		if ((t->all_attestations || !t->types[i]) && strcmp(t->p->types[i], type) == 0)
			return t->p->types[i];
	return NULL;
}

enum verify_use
verify_use_of(const struct verify_trial *t, const struct bundle *b, const char **ret_type)
{
	AUTO_JSN struct json_t *v = NULL;
	const char *type;

	*ret_type = NULL;
	if (b->is_dsse) {
		/* what cannot be read is left to the judge, who says why */
		v = jsn_parse(view_buf(&b->dsse.payload), "statement", NULL);
		type = jsn_str_or(v, "predicateType", SIGNATURE_TYPE);
		*ret_type = wanted_type(t, type);
		if (*ret_type != NULL)
			return VERIFY_ATTESTATION;
		if (strcmp(type, SIGNATURE_TYPE) != 0)
			return VERIFY_NOTHING;
	}
	return verify_wants(t, VERIFY_SIGNATURE) ? VERIFY_SIGNATURE : VERIFY_NOTHING;
}

/* --- one candidate ---------------------------------------------------------- */

int
verify_judge(struct verify_trial *t, const struct bundle *b, struct artifact *a, const char *type,
	     struct verify_proof *ret, struct err *e)
{
	struct judge_rules rules = t->rules;
	struct judge_found found = { 0 };

	rules.predicate_type = type != NULL ? type : b->is_dsse ? SIGNATURE_TYPE : NULL;
	if (judge_parsed(b, a, &rules, &found, e) < 0)
		return -1;
	*ret = (struct verify_proof){ .type = type, .found = found };
	if (found.by_key)
		ret->key = t->p->key_names[found.by];
	return 0;
}

int
verify_judge_classic(struct verify_trial *t, struct bundle *b, struct artifact *a, const char *type,
		     struct verify_proof *ret, struct err *e)
{
	bool by_either = b->signer == BUNDLE_CERTIFICATE && t->p->n_identities > 0;

	if (by_either && verify_judge(t, b, a, type, ret, e) == 0)
		return 0;
	if (by_either && t->p->n_keys == 0)
		return -1;
	if (t->p->n_keys > 0)
		b->signer = BUNDLE_KEY;
	/* of two reasons the certificate's is the one to tell */
	return verify_judge(t, b, a, type, ret, by_either ? NULL : e);
}

/* Whose key or identity it was; a signer counts once. */
static bool
is_new_signer(struct verify_trial *t, const struct judge_found *f)
{
	size_t i = f->by_key ? f->by : VERIFY_KEYS_MAX + f->by;
	bool known = t->signers[i];

	t->signers[i] = true;
	t->n_signers += !known;
	return !known;
}

static bool
is_new_type(struct verify_trial *t, const char *type)
{
	bool is_new = false;

	for (size_t i = 0; i < t->p->n_types; i++) {
		if (t->p->types[i] != type)
			continue;
		is_new = !t->types[i];
		t->types[i] = true;
		t->n_types += is_new;
	}
	return is_new || t->all_attestations;
}

void
verify_keep(struct verify_trial *t, struct verify_proof *proof)
{
	bool is_new =
		proof->type != NULL ? is_new_type(t, proof->type) : is_new_signer(t, &proof->found);

	if (is_new)
		t->found.proofs[t->found.n++] = *proof;
	else
		judge_found_clear(&proof->found);
	*proof = (struct verify_proof){ 0 };
}

static void
add_reason(struct buf *b, const char *form, size_t n, const char *why)
{
	buf_addf(b, "%s%s", b->len > 0 ? "; " : "", form);
	if (n > 0)
		buf_addf(b, " %zu", n);
	buf_addf(b, ": %s", why);
}

int
verify_reject(struct verify_trial *t, enum verify_use use, const char *form, size_t n,
	      const struct err *why)
{
	/* found out, and it is bad: as against all that says nothing about it */
	bool known = why->code == ERR_NO || why->code == ERR_DATA || why->code == ERR_NOTFOUND ||
		     why->code == ERR_CONFIG;

	if (!known) {
		t->unknown = *why;
		return -1;
	}
	if (use == VERIFY_SIGNATURE || use == VERIFY_ANYTHING)
		add_reason(&t->no_signature, form, n, why->msg);
	if (use == VERIFY_ATTESTATION || use == VERIFY_ANYTHING)
		add_reason(&t->no_attestation, form, n, why->msg);
	return 0;
}

void
verify_reject_rest(struct verify_trial *t, enum verify_use use, const char *form)
{
	struct err why = { 0 };

	(void)err_set(&why, ERR_NO, "too many, the rest was not looked at");
	(void)verify_reject(t, use, form, 0, &why);
}

/* --- the answer ------------------------------------------------------------- */

static int
say_unsigned(const struct verify_trial *t, struct err *e)
{
	const struct buf *why = &t->no_signature;

	if (t->n_signers > 0)
		return err_set(e, ERR_NO,
			       "'%s' has no signature that counts: %zu of %zu signers have "
			       "signed%s%s",
			       t->name, t->n_signers, threshold(t->p), why->len > 0 ? "; " : "",
			       buf_cstr(why));
	if (why->len > 0)
		return err_set(e, ERR_NO, "'%s' has no signature that counts: %s", t->name,
			       buf_cstr(why));
	return err_set(e, ERR_NO,
		       "'%s' is not signed: it has no .sig tag, and no bundle that is a signature",
		       t->name);
}

static int
say_no(const struct verify_trial *t, struct err *e)
{
	const struct buf *why = &t->no_attestation;
	size_t i = 0;

	if (!is_signed(t))
		return say_unsigned(t, e);
	while (t->types[i])
		i++;
	return err_set(e, ERR_NO, "'%s' has no attestation of type '%s'%s%s", t->name,
		       t->p->types[i], why->len > 0 ? " that counts: " : "", buf_cstr(why));
}

int
verify_trial_end(const struct verify_trial *t, bool looked_at_all, struct err *e)
{
	if (is_signed(t) && is_attested(t) && (looked_at_all || !t->all_attestations))
		return 0;
	/* what could not be read might have been good */
	if (!looked_at_all)
		return err_set(e, t->unknown.code, "%s of '%s': %s",
			       is_signed(t) ? "attestations" : "signatures", t->name,
			       t->unknown.msg);
	return say_no(t, e);
}
