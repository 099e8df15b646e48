#include "obs/metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LABELS_MAX 16
#define WHOLE_MAX  9007199254740992.0 /* 2^53: below it a double holds every whole number */

static const char *const type_names[] = { "counter", "gauge", "histogram" };

const double metrics_bounds[METRICS_BUCKETS_MAX] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
						     0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
						     1,	     2.5,     5,      10 };

void
metrics_clear(struct metrics *m)
{
	buf_clear(&m->text);
	*m = METRICS_INIT;
}

static void
spoil(struct metrics *m, const char *what, const char *name)
{
	if (m->bad.code == ERR_NONE)
		(void)err_set(&m->bad, ERR_DATA, "%s '%s'", what, name);
}

static bool
name_ok(const char *s, bool colon)
{
	if (!isalpha((unsigned char)*s) && *s != '_' && !(colon && *s == ':'))
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && !(colon && *s == ':'))
			return false;
	return true;
}

static bool
given_before(const struct metrics *m, const char *name)
{
	char line[sizeof(m->family) + 16];

	(void)snprintf(line, sizeof(line), "# TYPE %s ", name);
	return strstr(buf_cstr(&m->text), line) != NULL;
}

/* In help only backslash and newline are escaped, in labels the quote too. */
static void
add_escaped(struct buf *b, const char *s, bool quote)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			buf_adds(b, "\\\\");
		else if (*s == '\n')
			buf_adds(b, "\\n");
		else if (*s == '"' && quote)
			buf_adds(b, "\\\"");
		else
			buf_addc(b, *s);
	}
}

void
metrics_family(struct metrics *m, const char *name, enum metrics_type type, const char *help)
{
	if (!name_ok(name, true) || strlen(name) >= sizeof(m->family))
		spoil(m, "not a metric's name:", name);
	else if (given_before(m, name))
		spoil(m, "given twice:", name);
	(void)snprintf(m->family, sizeof(m->family), "%s", name);
	m->type = type;
	buf_addf(&m->text, "# HELP %s ", name);
	add_escaped(&m->text, help, false);
	buf_addf(&m->text, "\n# TYPE %s %s\n", name, type_names[type]);
}

static void
add_number(struct buf *b, double x)
{
	char digits[64];

	if (isnan(x)) {
		buf_adds(b, "NaN");
	} else if (isinf(x)) {
		buf_adds(b, x > 0 ? "+Inf" : "-Inf");
	} else if (x > -WHOLE_MAX && x < WHOLE_MAX && x == (double)(int64_t)x) {
		/* no exponent: the scripts that read it with [ -gt ] know none */
		buf_addf(b, "%.0f", x);
	} else {
		/* the shortest text that reads back as the same number */
		for (int n = 6; n <= 17; n++) {
			(void)snprintf(digits, sizeof(digits), "%.*g", n, x);
			if (strtod(digits, NULL) == x)
				break;
		}
		buf_adds(b, digits);
	}
}

static size_t
utf8_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = 0;

	if (u[0] < 0x80)
		n = 1;
	else if (u[0] >= 0xc2 && u[0] < 0xe0)
		n = 2;
	else if ((u[0] & 0xf0) == 0xe0)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] < 0xf5)
		n = 4;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void
add_label(struct metrics *m, const char *name, const char *value)
{
	struct buf *b = &m->text;

	if (!name_ok(name, false) || strncmp(name, "__", 2) == 0)
		spoil(m, "not a label's name:", name);
	buf_addf(b, "%s=\"", name);
	while (*value != '\0') {
		size_t n = utf8_len(value);

		if (n == 0) {
			buf_adds(b, "\xef\xbf\xbd");
			value++;
		} else {
			char one[5] = "";

			memcpy(one, value, n);
			add_escaped(b, one, true);
			value += n;
		}
	}
	buf_addc(b, '"');
}

static void
add_sample(struct metrics *m, const char *suffix, const char *const *labels, const char *le,
	   double value)
{
	struct buf *b = &m->text;
	size_t n = 0;

	if (m->family[0] == '\0')
		spoil(m, "no family for a sample", suffix);
	buf_addf(b, "%s%s", m->family, suffix);
	for (; labels != NULL && labels[n] != NULL && n < (size_t)LABELS_MAX * 2; n += 2) {
		buf_addc(b, n == 0 ? '{' : ',');
		add_label(m, labels[n], labels[n + 1] != NULL ? labels[n + 1] : "");
	}
	if (le != NULL)
		buf_addf(b, "%cle=\"%s\"", n == 0 ? '{' : ',', le);
	if (n > 0 || le != NULL)
		buf_addc(b, '}');
	buf_addc(b, ' ');
	add_number(b, value);
	buf_addc(b, '\n');
}

void
metrics_value(struct metrics *m, const char *const *labels, double value)
{
	if (m->type == METRICS_HISTOGRAM)
		spoil(m, "a plain value in the histogram", m->family);
	add_sample(m, "", labels, NULL, value);
}

void
metrics_observe(struct metrics_histogram *h, int64_t ns)
{
	size_t i = 0;

	while (i < METRICS_BUCKETS_MAX && (double)ns > metrics_bounds[i] * 1e9)
		i++;
	atomic_fetch_add_explicit(&h->sum_ns, (uint_fast64_t)(ns > 0 ? ns : 0),
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count[i], 1, memory_order_relaxed);
}

void
metrics_histogram(struct metrics *m, const char *const *labels, const struct metrics_histogram *h)
{
	uint_fast64_t total = 0;
	char le[32];

	if (m->type != METRICS_HISTOGRAM)
		spoil(m, "not a histogram:", m->family);
	for (size_t i = 0; i <= METRICS_BUCKETS_MAX; i++) {
		total += atomic_load_explicit(&h->count[i], memory_order_relaxed);
		if (i < METRICS_BUCKETS_MAX)
			(void)snprintf(le, sizeof(le), "%g", metrics_bounds[i]);
		else
			(void)snprintf(le, sizeof(le), "+Inf");
		add_sample(m, "_bucket", labels, le, (double)total);
	}
	add_sample(m, "_sum", labels, NULL,
		   (double)atomic_load_explicit(&h->sum_ns, memory_order_relaxed) / 1e9);
	add_sample(m, "_count", labels, NULL, (double)total);
}

int
metrics_ok(const struct metrics *m, struct err *e)
{
	if (m->bad.code != ERR_NONE)
		return err_set(e, m->bad.code, "metrics: %s", m->bad.msg);
	return buf_ok(&m->text, "metrics", e);
}
