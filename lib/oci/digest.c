#include "oci/digest.h"

#include <openssl/evp.h>
#include <string.h>

#define READ_AS_HEX "0123456789abcdef"

static const struct {
	const char *name;
	size_t raw;
} algorithms[] = { { "sha256", 32 }, { "sha512", 64 } };

struct digest_sum {
	EVP_MD_CTX *ctx;
	size_t algorithm;
};

int
digest_parse(struct view s, struct digest *ret, struct err *e)
{
	struct view rest = s, name;
	size_t i;

	if (!view_cut(&rest, ':', &name))
		return err_set(e, ERR_DATA, "'" VIEW_FMT "' is not a digest: no ':'", VIEW_ARG(s));
	for (i = 0; i < COUNT_OF(algorithms); i++)
		if (view_eq(name, algorithms[i].name))
			break;
	if (i == COUNT_OF(algorithms))
		return err_set(e, ERR_DATA, "'" VIEW_FMT "' is not a digest: unknown algorithm",
			       VIEW_ARG(s));
	if (rest.n != 2 * algorithms[i].raw)
		return err_set(e, ERR_DATA, "'" VIEW_FMT "' is not a digest: not %zu digits",
			       VIEW_ARG(s), 2 * algorithms[i].raw);
	for (size_t k = 0; k < rest.n; k++)
		if (rest.p[k] == '\0' || strchr(READ_AS_HEX, rest.p[k]) == NULL)
			return err_set(e, ERR_DATA,
				       "'" VIEW_FMT "' is not a digest: not lower-case hex",
				       VIEW_ARG(s));
	*ret = (struct digest){ 0 };
	memcpy(ret->str, s.p, s.n);
	return 0;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	unsigned char differs = 0;

	for (size_t i = 0; i < sizeof(a->str); i++)
		differs |= (unsigned char)(a->str[i] ^ b->str[i]);
	return differs == 0 && digest_is_set(a);
}

bool
digest_is_set(const struct digest *d)
{
	return d->str[0] != '\0';
}

const char *
digest_hex(const struct digest *d)
{
	const char *colon = strchr(d->str, ':');

	return colon != NULL ? colon + 1 : "";
}

void
digest_short(const struct digest *d, char out[32])
{
	const char *hex = digest_hex(d);
	size_t n = (size_t)(hex - d->str) + (strlen(hex) < 12 ? strlen(hex) : 12);

	if (!digest_is_set(d))
		n = 0;
	memcpy(out, d->str, n);
	out[n] = '\0';
}

static const EVP_MD *
algorithm_of(size_t i)
{
	return i == 0 ? EVP_sha256() : EVP_sha512();
}

static void
print(size_t algorithm, const unsigned char *raw, struct digest *ret)
{
	size_t n = strlen(algorithms[algorithm].name);
	char *out = ret->str;

	*ret = (struct digest){ 0 };
	memcpy(out, algorithms[algorithm].name, n);
	out += n;
	*out++ = ':';
	for (size_t i = 0; i < algorithms[algorithm].raw; i++) {
		*out++ = READ_AS_HEX[raw[i] >> 4];
		*out++ = READ_AS_HEX[raw[i] & 15];
	}
}

void
digest_of(const void *p, size_t n, struct digest *ret)
{
	unsigned char raw[EVP_MAX_MD_SIZE];

	*ret = (struct digest){ 0 };
	if (EVP_Digest(p, n, raw, NULL, EVP_sha256(), NULL) == 1)
		print(0, raw, ret);
}

int
digest_check(const void *p, size_t n, const struct digest *want, const char *what, struct err *e)
{
	AUTO_SUM struct digest_sum *sum = NULL;
	struct digest got;

	if (digest_sum_new(want, &sum, e) < 0)
		return -1;
	digest_sum_add(sum, p, n);
	digest_sum_end(sum, &got);
	if (!digest_equal(&got, want))
		return err_set(e, ERR_DATA, "'%s' has digest %s, not %s", what, got.str, want->str);
	return 0;
}

int
digest_sum_new(const struct digest *like, struct digest_sum **ret, struct err *e)
{
	AUTO_SUM struct digest_sum *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->ctx = EVP_MD_CTX_new()) == NULL)
		return err_nomem(e);
	s->algorithm = view_starts(view_of(like->str), "sha512:") ? 1 : 0;
	if (EVP_DigestInit_ex(s->ctx, algorithm_of(s->algorithm), NULL) != 1)
		return err_nomem(e);
	*ret = TAKE_PTR(s);
	return 0;
}

void
digest_sum_add(struct digest_sum *s, const void *p, size_t n)
{
	(void)EVP_DigestUpdate(s->ctx, p, n);
}

void
digest_sum_end(struct digest_sum *s, struct digest *ret)
{
	unsigned char raw[EVP_MAX_MD_SIZE];

	*ret = (struct digest){ 0 };
	if (EVP_DigestFinal_ex(s->ctx, raw, NULL) == 1)
		print(s->algorithm, raw, ret);
}

void
digest_sum_free(struct digest_sum **s)
{
	if (*s == NULL)
		return;
	EVP_MD_CTX_free((*s)->ctx);
	free(*s);
	*s = NULL;
}
