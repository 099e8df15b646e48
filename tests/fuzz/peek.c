#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/peek.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What an engine says of a container: its words stay on one line. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view v = { (const char *)p, n };
	char words[PEEK_WORDS_MAX];
	struct peek got;

	if (peek_read(v, &got, NULL) == 0 && strchr(got.words, '\n') != NULL)
		abort();
	peek_refusal(v, words);
	if (strchr(words, '\n') != NULL)
		abort();
	return 0;
}
