#include "record.h"

#include "base/jsn.h"

void
record_proof(struct json_t *v, const struct verify_proof *p)
{
	const struct judge_found *f = &p->found;
	char when[PERIOD_TEXT_MAX];

	jsn_set_str(v, "key", p->key);
	jsn_set_str(v, "subject", f->subject);
	jsn_set_str(v, "issuer", f->issuer);
	jsn_set_str(v, "signed_at",
		    f->signed_ms == INT64_MIN ? NULL : period_text(f->signed_ms, when));
	if (f->log_index >= 0)
		jsn_set_int(v, "log_index", f->log_index);
	if (f->statement != NULL) {
		jsn_set_str(v, "type", jsn_str(f->statement, "predicateType"));
		jsn_set(v, "predicate", jsn_copy(jsn_get(f->statement, "predicate")));
	}
}

void
record_found(struct json_t *v, const struct verify_found *f)
{
	struct json_t *signatures = jsn_array(), *attestations = jsn_array();

	for (size_t i = 0; i < f->n; i++) {
		struct json_t *one = jsn_object();

		record_proof(one, &f->proofs[i]);
		jsn_push(f->proofs[i].type != NULL ? attestations : signatures, one);
	}
	jsn_set(v, "signatures", signatures);
	jsn_set(v, "attestations", attestations);
}
