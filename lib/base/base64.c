#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { IS_STANDARD = 1, IS_URL = 2 };

static int
value(char c, int *seen)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '/') {
		*seen |= IS_STANDARD;
		return c == '+' ? 62 : 63;
	}
	if (c == '-' || c == '_') {
		*seen |= IS_URL;
		return c == '-' ? 62 : 63;
	}
	return -1;
}

/* What is left without the padding; false if the padding is wrong.  Only a
 * text of the URL-safe alphabet may go without. */
static bool
strip_padding(struct view *text, int *seen)
{
	size_t n = text->n;

	while (n > 0 && text->n - n < 2 && text->p[n - 1] == '=')
		n--;
	if (n % 4 == 1)
		return false;
	if (text->n != n && text->n % 4 != 0)
		return false;
	if (text->n == n && n % 4 != 0)
		*seen |= IS_URL;
	text->n = n;
	return true;
}

int
base64_decode(struct view text, const char *what, struct buf *ret, struct err *e)
{
	uint32_t bits = 0;
	int have = 0, seen = 0, v;

	if (!strip_padding(&text, &seen))
		return err_set(e, ERR_DATA, "%s: not base64", what);
	for (size_t i = 0; i < text.n; i++) {
		v = value(text.p[i], &seen);
		if (v < 0 || seen == (IS_STANDARD | IS_URL))
			return err_set(e, ERR_DATA, "%s: not base64", what);
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_addc(ret, (char)(bits >> have & 0xff));
			bits &= (1U << have) - 1;
		}
	}
	if (bits != 0)
		return err_set(e, ERR_DATA, "%s: not base64", what);
	return buf_ok(ret, what, e);
}

void
base64_encode(struct view bytes, struct buf *ret)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)p[i] << 16;
		char four[4];

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		four[0] = alphabet[v >> 18 & 63];
		four[1] = alphabet[v >> 12 & 63];
		four[2] = left > 1 ? alphabet[v >> 6 & 63] : '=';
		four[3] = left > 2 ? alphabet[v & 63] : '=';
		buf_add(ret, four, sizeof(four));
	}
}
