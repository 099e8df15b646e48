#include "trust/verify.h"

#include "trust/verify_forms.h"

static int
judge(struct verify_trial *t, struct err *e)
{
	bool looked_at_all;

	if (verify_trial_open(t, e) < 0)
		return -1;
	looked_at_all = verify_classic(t) == 0 && verify_bundles(t) == 0 && verify_att(t) == 0;
	return verify_trial_end(t, looked_at_all, e);
}

int
verify_image(struct store *s, const struct digest *digest, const struct verify_policy *p,
	     struct verify_found *ret, struct err *e)
{
	struct verify_trial t = { .s = s,
				  .image = digest,
				  .p = p,
				  .all_attestations = ret != NULL,
				  .no_signature = BUF_INIT(ERR_MSG_MAX),
				  .no_attestation = BUF_INIT(ERR_MSG_MAX) };
	int status = judge(&t, e);

	if (status == 0 && ret != NULL) {
		*ret = t.found;
		t.found = (struct verify_found){ 0 };
	}
	verify_trial_close(&t);
	return status;
}
