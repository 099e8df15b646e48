#include "trust/predicate.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/scope.h"

static const struct {
	const char *name, *uri;
} names[] = {
	{ "custom", "https://cosign.sigstore.dev/attestation/v1" },
	{ "slsaprovenance", "https://slsa.dev/provenance/v0.2" },
	{ "slsaprovenance02", "https://slsa.dev/provenance/v0.2" },
	{ "slsaprovenance1", "https://slsa.dev/provenance/v1" },
	{ "spdx", "https://spdx.dev/Document" },
	{ "spdxjson", "https://spdx.dev/Document" },
	{ "cyclonedx", "https://cyclonedx.org/bom" },
	{ "link", "https://in-toto.io/Link/v1" },
	{ "vuln", "https://cosign.sigstore.dev/attestation/vuln/v1" },
	{ "openvex", "https://openvex.dev/ns" },
};

/* scheme ":" something, without spaces (RFC 3986). */
static bool
is_uri(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)s[0]))
		return false;
	while (isalnum((unsigned char)s[n]) || s[n] == '+' || s[n] == '-' || s[n] == '.')
		n++;
	if (s[n] != ':' || s[n + 1] == '\0')
		return false;
	while (s[n] > ' ' && s[n] < 0x7f)
		n++;
	return s[n] == '\0';
}

const char *
predicate_uri(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].uri;
	return is_uri(name) ? name : NULL;
}
