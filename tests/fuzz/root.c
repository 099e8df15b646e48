#include <stdint.h>

#include "trust/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_ROOT struct root *r = NULL;
	const struct spki *key;

	if (root_parse((struct view){ (const char *)p, n }, "fuzz", &r, NULL) < 0)
		return 0;
	for (size_t i = 0; i < r->n_logs; i++)
		(void)root_log_key(&r->logs[i], &key, NULL);
	for (size_t i = 0; i < r->n_ctlogs; i++)
		(void)root_log_key(&r->ctlogs[i], &key, NULL);
	for (size_t i = 0; i < r->n_cas; i++)
		(void)authority_open(&r->cas[i], NULL);
	for (size_t i = 0; i < r->n_tsas; i++)
		(void)authority_open(&r->tsas[i], NULL);
	return 0;
}
