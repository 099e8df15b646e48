#include "trust/verify_found.h"

#include <stdlib.h>

void
verify_found_clear(struct verify_found *f)
{
	for (size_t i = 0; i < f->n; i++)
		judge_found_clear(&f->proofs[i].found);
	free(f->proofs);
	*f = (struct verify_found){ 0 };
}
