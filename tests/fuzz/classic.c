#include <stdint.h>
#include <stdlib.h>

#include "base/jsn.h"
#include "trust/classic.h"
#include "trust/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwr\n"
			  "kBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==\n"
			  "-----END PUBLIC KEY-----\n";

/* A layer, {"payload": TEXT, "annotations": {...}}, in both forms; nobody has
 * the private half of the key. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_JSN struct json_t *v = jsn_parse((struct view){ (const char *)p, n }, "fuzz", NULL);
	const struct json_t *annotations = jsn_get(v, "annotations");
	struct view payload = view_of(jsn_str_or(v, "payload", ""));
	AUTO_BUNDLE struct bundle *signature = NULL;
	AUTO_BUNDLE struct bundle *attestation = NULL;
	AUTO_SPKI struct spki *key = NULL;
	const struct spki *keys[1];
	struct judge_rules rules = { .keys = keys, .n_keys = 1, .ignore_tlog = true };
	struct artifact a;

	if (spki_from_pem(view_of(pem), &key, NULL) < 0)
		abort();
	keys[0] = key;
	artifact_from_bytes(payload, &a);
	if (classic_signature(annotations, &signature, NULL) == 0) {
		signature->signer = BUNDLE_KEY;
		if (judge_parsed(signature, &a, &rules, NULL, NULL) == 0)
			abort();
	}
	if (classic_attestation(payload, annotations, &attestation, NULL) == 0) {
		attestation->signer = BUNDLE_KEY;
		if (judge_parsed(attestation, &a, &rules, NULL, NULL) == 0)
			abort();
	}
	return 0;
}
