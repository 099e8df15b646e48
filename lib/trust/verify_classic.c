/* cosign's classic signatures: the layers of what the tag sha256-HEX.sig names. */
#include <string.h>

#include "trust/classic.h"
#include "trust/simplesigning.h"
#include "trust/verify_forms.h"

static int
try(struct verify_trial *t, const struct descriptor *layer, struct err *e)
{
	AUTO_BUF struct buf payload = BUF_INIT(VERIFY_PAYLOAD_MAX);
	AUTO_BUNDLE struct bundle *b = NULL;
	struct verify_proof proof = { 0 };
	struct artifact a;

	if (strcmp(layer->media_type, SIMPLESIGNING_MEDIA_TYPE) != 0)
		return err_set(e, ERR_NO, "of type '%s', which is not looked at",
			       layer->media_type);
	if (layer->size > VERIFY_PAYLOAD_MAX)
		return err_set(e, ERR_NO, "its payload has %lld bytes", (long long)layer->size);
	if (classic_signature(layer->annotations, &b, e) < 0 ||
	    store_blob(t->s, layer, VERIFY_PAYLOAD_MAX, &payload, e) < 0)
		return -1;
	artifact_from_bytes(view_buf(&payload), &a);
	if (verify_judge_classic(t, b, &a, NULL, &proof, e) < 0)
		return -1;
	if (simplesigning_covers(view_buf(&payload), t->image, e) < 0) {
		judge_found_clear(&proof.found);
		return -1;
	}
	verify_keep(t, &proof);
	return 0;
}

int
verify_classic(struct verify_trial *t)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	char tag[VERIFY_TAG_MAX];
	struct err why = { 0 };

	if (!verify_wants(t, VERIFY_SIGNATURE))
		return 0;
	verify_tag(t, ".sig", tag);
	if (store_manifest(t->s, tag, &m, &why) < 0)
		return why.code == ERR_NOTFOUND
			       ? 0
			       : verify_reject(t, VERIFY_SIGNATURE, ".sig tag", 0, &why);
	if (m.nlayers == 0) {
		(void)err_set(&why, ERR_NO, "%s",
			      m.is_index ? "names an index" : "names an empty list");
		return verify_reject(t, VERIFY_SIGNATURE, ".sig tag", 0, &why);
	}
	for (size_t i = 0; i < m.nlayers && verify_wants(t, VERIFY_SIGNATURE); i++) {
		if (i == VERIFY_SIGNATURES_MAX) {
			verify_reject_rest(t, VERIFY_SIGNATURE, "signatures");
			break;
		}
		why = (struct err){ 0 };
		if (try(t, &m.layers[i], &why) < 0 &&
		    verify_reject(t, VERIFY_SIGNATURE, "signature", i + 1, &why) < 0)
			return -1;
	}
	return 0;
}
