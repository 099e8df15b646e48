#include <stdint.h>
#include <string.h>

#include "trust/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwr\n"
			  "kBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==\n"
			  "-----END PUBLIC KEY-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const kinds[][2] = { { "hashedrekord", "0.0.1" },
						{ "hashedrekord", "0.0.2" },
						{ "dsse", "0.0.1" },
						{ "intoto", "0.0.1" },
						{ "intoto", "0.0.2" } };
	struct view body = { (const char *)p, n };
	AUTO_DSSE struct dsse d = DSSE_INIT;
	AUTO_SPKI struct spki *key = NULL;
	struct artifact a;
	struct body_want want = {
		.signed_bytes = &a, .signature = { "abc", 3 }, .dsse = &d, .envelope = { "abc", 3 }
	};

	artifact_from_bytes((struct view){ "abc", 3 }, &a);
	d.type = strdup(DSSE_IN_TOTO);
	if (d.type == NULL || spki_from_pem(view_of(pem), &key, NULL) < 0)
		return 0;
	want.key = key;
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		(void)body_check(body, kinds[i][0], kinds[i][1], &want, NULL);
	return 0;
}
