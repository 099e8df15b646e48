#include "fleet/table.h"

#include <assert.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/digest.h"

#define NONE  "-"
#define GAP   2
#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define PLAIN "\033[0m"

const char *
table_cell(const char *key, const char *value, char out[32])
{
	struct digest d;

	if (strcmp(key, "digest") != 0 || digest_parse(view_of(value), &d, NULL) < 0)
		return value;
	digest_short(&d, out);
	return out;
}

static const char *
cell(const struct json_t *record, const char *key, char out[32])
{
	const char *s = jsn_str_or(record, key, NONE);

	return table_cell(key, s[0] != '\0' ? s : NONE, out);
}

/* Characters, not bytes. */
static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
is_amiss(const char *word)
{
	static const char *const words[] = { "unhealthy",  "missing",	  "exited", "dead",
					     "restarting", "quarantined", "unknown" };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* The last cell of a line is not filled up. */
static void
add_cell(struct buf *out, const char *text, const char *paint, size_t width)
{
	buf_adds(out, paint);
	for (const char *p = text; *p != '\0'; p++)
		buf_addc(out, (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
	if (paint[0] != '\0')
		buf_adds(out, PLAIN);
	for (size_t n = width_of(text); n < width; n++)
		buf_addc(out, ' ');
}

void
table_make(const struct json_t *records, const struct table_column *columns, size_t n, bool colour,
	   struct buf *out)
{
	size_t width[TABLE_COLUMNS_MAX];
	char part[32];

	assert(n <= TABLE_COLUMNS_MAX);
	for (size_t c = 0; c < n; c++) {
		width[c] = width_of(columns[c].heading);
		for (size_t i = 0; i < jsn_len(records); i++) {
			size_t w = width_of(cell(jsn_at(records, i), columns[c].key, part));

			width[c] = w > width[c] ? w : width[c];
		}
		width[c] = c + 1 < n ? width[c] + GAP : 0;
	}
	for (size_t c = 0; c < n; c++)
		add_cell(out, columns[c].heading, colour ? BOLD : "", width[c]);
	buf_addc(out, '\n');
	for (size_t i = 0; i < jsn_len(records); i++) {
		for (size_t c = 0; c < n; c++) {
			const char *s = cell(jsn_at(records, i), columns[c].key, part);

			add_cell(out, s, colour && is_amiss(s) ? RED : "", width[c]);
		}
		buf_addc(out, '\n');
	}
}
