#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trust/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What comes out can be shown to people. */
static void
check(const char *text)
{
	if (text == NULL)
		return;
	if (text[0] == '\0' || strlen(text) > CERT_TEXT_MAX)
		abort();
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_CERT struct cert *c = NULL;

	if (cert_parse((struct view){ (const char *)p, n }, &c, NULL) < 0)
		return 0;
	for (int i = 0; i <= CERT_FACT_MAX; i++)
		check(cert_fact(c, i));
	check(cert_san(c));
	check(cert_issuer(c));
	(void)cert_check_leaf(c, NULL);
	(void)cert_is_self_issued(c);
	return 0;
}
