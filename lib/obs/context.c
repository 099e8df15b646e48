#include "obs/context.h"

#include <string.h>
#include <sys/random.h>

#define VERSION_00_LEN 55
/* getrandom gives up to 256 bytes at once, whatever happens */
#define RANDOM_BYTES 240

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
bytes(const char *p, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(p[2 * i]), low = digit(p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

bool
context_parse(struct view h, struct context *ret)
{
	struct context c;
	uint8_t version;

	if (h.n < VERSION_00_LEN || !bytes(h.p, &version, 1) || version == 0xff)
		return false;
	/* what a later version adds comes after another dash */
	if (h.n > VERSION_00_LEN && (version == 0 || h.p[VERSION_00_LEN] != '-'))
		return false;
	if (h.p[2] != '-' || h.p[35] != '-' || h.p[52] != '-' ||
	    !bytes(h.p + 3, c.trace_id, sizeof(c.trace_id)) ||
	    !bytes(h.p + 36, c.span_id, sizeof(c.span_id)) || !bytes(h.p + 53, &c.flags, 1))
		return false;
	if (is_zero(c.trace_id, sizeof(c.trace_id)) || is_zero(c.span_id, sizeof(c.span_id)))
		return false;
	c.flags &= CONTEXT_SAMPLED | CONTEXT_RANDOM;
	*ret = c;
	return true;
}

bool
context_state_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > CONTEXT_STATE_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s[i] < ' ' || s[i] > '~') && s[i] != '\t')
			return false;
	return true;
}

/* Ids, not secrets: one call of the kernel is enough for ten requests. */
static void
fill(uint8_t *p, size_t n)
{
	static _Thread_local uint8_t pool[RANDOM_BYTES];
	static _Thread_local size_t left;

	if (left < n) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			memset(pool, 0, sizeof(pool));
		left = sizeof(pool);
	}
	left -= n;
	memcpy(p, pool + left, n);
	if (is_zero(p, n))
		p[n - 1] = 1;
}

void
context_root(struct context *ret)
{
	fill(ret->trace_id, sizeof(ret->trace_id));
	fill(ret->span_id, sizeof(ret->span_id));
	ret->flags = CONTEXT_RANDOM;
}

void
context_child(const struct context *parent, struct context *ret)
{
	memcpy(ret->trace_id, parent->trace_id, sizeof(ret->trace_id));
	fill(ret->span_id, sizeof(ret->span_id));
	ret->flags = parent->flags;
}

void
context_hex(const uint8_t *p, size_t n, char out[CONTEXT_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}
