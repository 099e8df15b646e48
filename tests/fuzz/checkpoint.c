#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "trust/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char key[] = "MCowBQYDK2VwAyEAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view note = { (const char *)p, n };
	struct root_log log = { .der = BUF_INIT(64) };
	struct checkpoint c;

	if (checkpoint_parse(note, &c, NULL) == 0) {
		if (c.size < 0 || c.text.p != note.p || c.text.n >= n || c.origin.n == 0)
			abort();
		(void)base64_decode(view_of(key), "key", &log.der, NULL);
		log.host = strdup("log");
		/* nobody has the private half of this key */
		if (log.host != NULL &&
		    (checkpoint_check(&c, &log, CHECKPOINT_REKOR_V1, NULL) == 0 ||
		     checkpoint_check(&c, &log, CHECKPOINT_REKOR_V2, NULL) == 0))
			abort();
	}
	spki_free(&log.key);
	free(log.host);
	buf_clear(&log.der);
	return 0;
}
