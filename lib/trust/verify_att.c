/* cosign's classic attestations: the layers of what the tag sha256-HEX.att names. */
#include <string.h>

#include "trust/classic.h"
#include "trust/verify_forms.h"

static int
try(struct verify_trial *t, const struct descriptor *layer, struct err *e)
{
	AUTO_BUF struct buf envelope = BUF_INIT(CLASSIC_ENVELOPE_MAX);
	AUTO_BUNDLE struct bundle *b = NULL;
	struct verify_proof proof = { 0 };
	const char *type;

	if (strcmp(layer->media_type, CLASSIC_ATTESTATION_TYPE) != 0)
		return err_set(e, ERR_NO, "of type '%s', which is not looked at",
			       layer->media_type);
	if (store_blob(t->s, layer, CLASSIC_ENVELOPE_MAX, &envelope, e) < 0 ||
	    classic_attestation(view_buf(&envelope), layer->annotations, &b, e) < 0)
		return -1;
	if (verify_use_of(t, b, &type) != VERIFY_ATTESTATION)
		return 0;
	if (verify_judge_classic(t, b, &t->artifact, type, &proof, e) < 0)
		return -1;
	verify_keep(t, &proof);
	return 0;
}

int
verify_att(struct verify_trial *t)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	char tag[VERIFY_TAG_MAX];
	struct err why = { 0 };

	if (!verify_wants(t, VERIFY_ATTESTATION))
		return 0;
	verify_tag(t, ".att", tag);
	if (store_manifest(t->s, tag, &m, &why) < 0)
		return why.code == ERR_NOTFOUND
			       ? 0
			       : verify_reject(t, VERIFY_ATTESTATION, ".att tag", 0, &why);
	if (m.is_index) {
		(void)err_set(&why, ERR_NO, "names an index");
		return verify_reject(t, VERIFY_ATTESTATION, ".att tag", 0, &why);
	}
	for (size_t i = 0; i < m.nlayers && verify_wants(t, VERIFY_ATTESTATION); i++) {
		if (i == VERIFY_SIGNATURES_MAX) {
			verify_reject_rest(t, VERIFY_ATTESTATION, "attestations");
			break;
		}
		why = (struct err){ 0 };
		if (try(t, &m.layers[i], &why) < 0 &&
		    verify_reject(t, VERIFY_ATTESTATION, "attestation", i + 1, &why) < 0)
			return -1;
	}
	return 0;
}
