/* Sigstore bundles among what refers to an image (OCI 1.1). */
#include <string.h>

#include "trust/verify_forms.h"

#define BUNDLE_TYPE "application/vnd.dev.sigstore.bundle"

static bool
is_bundle(const struct manifest *m)
{
	if (m->is_index || m->nlayers == 0)
		return false;
	return strncmp(m->artifact_type, BUNDLE_TYPE, strlen(BUNDLE_TYPE)) == 0 ||
	       strncmp(m->layers[0].media_type, BUNDLE_TYPE, strlen(BUNDLE_TYPE)) == 0;
}

/* A plain signature covers the manifest's bytes, of which some keys need more
 * than the digest. */
static int
judge_message(struct verify_trial *t, const struct bundle *b, struct verify_proof *ret,
	      struct err *e)
{
	AUTO_MANIFEST struct manifest image = { 0 };
	struct artifact a;

	if (store_manifest(t->s, t->image->str, &image, e) < 0)
		return -1;
	artifact_from_bytes((struct view){ image.bytes, image.len }, &a);
	return verify_judge(t, b, &a, NULL, ret, e);
}

/* *ret_use: what it was judged for; while it is not known, it could have been
 * for anything. */
static int
try(struct verify_trial *t, const struct manifest *m, enum verify_use *ret_use, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUNDLE_TEXT_MAX);
	AUTO_BUNDLE struct bundle *b = NULL;
	struct verify_proof proof = { 0 };
	const char *type = NULL;

	if (m->nlayers != 1)
		return err_set(e, ERR_NO, "its manifest has %zu layers, not one", m->nlayers);
	if (store_blob(t->s, &m->layers[0], BUNDLE_TEXT_MAX, &text, e) < 0 ||
	    bundle_parse(view_buf(&text), &b, e) < 0)
		return -1;
	*ret_use = verify_use_of(t, b, &type);
	if (*ret_use == VERIFY_NOTHING)
		return 0;
	if ((b->is_dsse ? verify_judge(t, b, &t->artifact, type, &proof, e)
			: judge_message(t, b, &proof, e)) < 0)
		return -1;
	verify_keep(t, &proof);
	return 0;
}

/* What it is says its own manifest; the list may call it anything.  *n counts
 * the bundles. */
static int
look_at(struct verify_trial *t, const struct descriptor *d, size_t *n)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	enum verify_use use = VERIFY_ANYTHING;
	struct err why = { 0 };

	if (store_manifest(t->s, d->digest.str, &m, &why) < 0)
		return verify_reject(t, use, "referrer", 0, &why);
	if (!is_bundle(&m))
		return 0;
	(*n)++;
	return try(t, &m, &use, &why) == 0 ? 0 : verify_reject(t, use, "bundle", *n, &why);
}

int
verify_bundles(struct verify_trial *t)
{
	AUTO_FREE struct descriptor *all = NULL;
	size_t n = 0, bundles = 0;
	struct err why = { 0 };

	if (!verify_wants(t, VERIFY_ANYTHING))
		return 0;
	if (store_referrers(t->s, t->image, &all, &n, &why) < 0) {
		/* whatever is wrong with the list, it does not say that there are none */
		if (why.code == ERR_DATA || why.code == ERR_NOTFOUND)
			why.code = ERR_TEMP;
		return verify_reject(t, VERIFY_ANYTHING, "referrers", 0, &why);
	}
	for (size_t i = 0; i < n && verify_wants(t, VERIFY_ANYTHING); i++) {
		if (bundles == VERIFY_SIGNATURES_MAX || i == VERIFY_REFERRERS_MAX) {
			verify_reject_rest(t, VERIFY_ANYTHING, "bundles");
			break;
		}
		if (look_at(t, &all[i], &bundles) < 0)
			return -1;
	}
	return 0;
}
