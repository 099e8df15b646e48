#include <stdint.h>
#include <string.h>

#include "trust/simplesigning.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A payload never covers another image than the one that it names. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view v = { (const char *)p, n };
	struct simplesigning s;
	struct digest other;

	if (simplesigning_parse(v, &s, NULL) < 0)
		return 0;
	other = s.digest;
	other.str[7] = other.str[7] == 'a' ? 'b' : 'a';
	if (simplesigning_covers(v, &s.digest, NULL) < 0 ||
	    simplesigning_covers(v, &other, NULL) == 0)
		abort();
	return 0;
}
