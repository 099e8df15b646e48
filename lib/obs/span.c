#include "obs/span.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"

enum { STATUS_ERROR = 2 };
/* SpanFlags: whether the parent is another process's is known, and so. */
enum { HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200 };

enum what { NAME, STATE, WHY, STRING, NUMBER };

/* One thing that a span says; its value comes after it, a string with its NUL. */
struct record {
	const char *key; /* of an attribute; not a copy */
	uint16_t n;
	uint8_t what;
};

/* All that is not an attribute, each a few times at most. */
#define WORDS_MAX (4 * (CONTEXT_STATE_MAX + sizeof(struct record)))

/* Many of them may wait for a collector: what they say is packed, and becomes JSON on its way. */
struct span {
	struct span *next;
	struct context self, parent;
	bool has_parent, remote, failed;
	enum span_kind kind;
	int64_t begin_ns, end_ns; /* since 1970; end 0: not yet */
	int64_t mono_ns;	  /* when it began: nobody sets that clock */
	unsigned dropped;	  /* attributes */
	size_t attributes;	  /* their bytes */
	struct buf records;
};

struct span *
span_new(const struct context *self, const struct context *parent, bool remote, const char *name,
	 enum span_kind kind)
{
	struct span *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->self = *self;
	s->has_parent = parent != NULL;
	if (parent != NULL)
		s->parent = *parent;
	s->remote = remote;
	s->kind = kind;
	s->begin_ns = clock_wall_ns();
	s->mono_ns = clock_mono_ns();
	s->records = BUF_INIT(SPAN_ATTRIBUTES_MAX + WORDS_MAX);
	span_name(s, name);
	return s;
}

void
span_free(struct span **s)
{
	if (*s == NULL)
		return;
	buf_clear(&(*s)->records);
	free(*s);
	*s = NULL;
}

static void
add(struct span *s, enum what what, const char *key, const void *value, size_t n)
{
	struct record r = { .key = key, .n = (uint16_t)n, .what = (uint8_t)what };

	if (s->records.len + sizeof(r) + n > s->records.max)
		return;
	buf_add(&s->records, &r, sizeof(r));
	buf_add(&s->records, value, n);
}

static void
add_words(struct span *s, enum what what, const char *words)
{
	char cut[CONTEXT_STATE_MAX + 1];
	int n = snprintf(cut, what == STATE ? sizeof(cut) : SPAN_NAME_MAX + 1, "%s", words);

	if (n >= 0)
		add(s, what, NULL, cut, strlen(cut) + 1);
}

static void
add_attribute(struct span *s, enum what what, const char *key, const void *value, size_t n)
{
	if (s->attributes + sizeof(struct record) + n > SPAN_ATTRIBUTES_MAX) {
		s->dropped++;
		return;
	}
	s->attributes += sizeof(struct record) + n;
	add(s, what, key, value, n);
}

void
span_name(struct span *s, const char *name)
{
	if (s != NULL)
		add_words(s, NAME, name);
}

void
span_state(struct span *s, const char *tracestate)
{
	if (s != NULL && tracestate != NULL && context_state_ok(tracestate))
		add_words(s, STATE, tracestate);
}

void
span_str(struct span *s, const char *key, const char *value)
{
	char cut[SPAN_STRING_MAX + 1];

	if (s == NULL || value == NULL)
		return;
	(void)snprintf(cut, sizeof(cut), "%s", value);
	add_attribute(s, STRING, key, cut, strlen(cut) + 1);
}

void
span_int(struct span *s, const char *key, int64_t value)
{
	if (s != NULL)
		add_attribute(s, NUMBER, key, &value, sizeof(value));
}

void
span_fail(struct span *s, const char *words)
{
	if (s == NULL)
		return;
	s->failed = true;
	if (words != NULL)
		add_words(s, WHY, words);
}

void
span_times(struct span *s, int64_t begin_ns, int64_t end_ns)
{
	if (s == NULL)
		return;
	s->begin_ns = begin_ns;
	s->end_ns = end_ns;
}

void
span_end(struct span *s)
{
	if (s == NULL)
		return;
	if (s->end_ns == 0)
		s->end_ns = s->begin_ns + (clock_mono_ns() - s->mono_ns);
	buf_trim(&s->records);
}

/* The record at *at, which becomes that of the next; NULL at the end. */
static const char *
next_record(const struct span *s, size_t *at, struct record *ret)
{
	const char *value;

	if (*at >= s->records.len)
		return NULL;
	memcpy(ret, s->records.data + *at, sizeof(*ret));
	value = s->records.data + *at + sizeof(*ret);
	*at += sizeof(*ret) + ret->n;
	return value;
}

/* What was said last; "" if nothing was. */
static const char *
words(const struct span *s, enum what what)
{
	const char *value, *last = "";
	struct record r;
	size_t at = 0;

	while ((value = next_record(s, &at, &r)) != NULL)
		if (r.what == what)
			last = value;
	return last;
}

static void
begin_attribute(struct buf *b, const char *key)
{
	if (b->len > 0 && b->data[b->len - 1] != '[')
		buf_addc(b, ',');
	buf_adds(b, "{\"key\":");
	jsn_quote(b, key);
}

void
span_attribute(struct buf *b, const char *key, const char *value)
{
	char cut[SPAN_STRING_MAX + 1];

	(void)snprintf(cut, sizeof(cut), "%s", value);
	begin_attribute(b, key);
	buf_adds(b, ",\"value\":{\"stringValue\":");
	jsn_quote(b, cut);
	buf_adds(b, "}}");
}

static void
add_attributes(const struct span *s, struct buf *b)
{
	const char *value;
	struct record r;
	size_t at = 0;
	int64_t n;

	while ((value = next_record(s, &at, &r)) != NULL) {
		if (r.what == STRING) {
			span_attribute(b, r.key, value);
		} else if (r.what == NUMBER) {
			memcpy(&n, value, sizeof(n));
			begin_attribute(b, r.key);
			buf_addf(b, ",\"value\":{\"intValue\":\"%" PRId64 "\"}}", n);
		}
	}
}

static void
add_id(struct buf *b, const char *key, const uint8_t *id, size_t n)
{
	char hex[CONTEXT_HEX_MAX];

	context_hex(id, n, hex);
	buf_addf(b, "\"%s\":\"%s\",", key, hex);
}

static void
add_string(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, "\"%s\":", key);
	jsn_quote(b, value);
}

void
span_json(const struct span *s, struct buf *b)
{
	buf_addc(b, '{');
	add_id(b, "traceId", s->self.trace_id, sizeof(s->self.trace_id));
	add_id(b, "spanId", s->self.span_id, sizeof(s->self.span_id));
	if (s->has_parent)
		add_id(b, "parentSpanId", s->parent.span_id, sizeof(s->parent.span_id));
	if (words(s, STATE)[0] != '\0') {
		add_string(b, "traceState", words(s, STATE));
		buf_addc(b, ',');
	}
	buf_addf(b, "\"flags\":%d,", s->self.flags | HAS_IS_REMOTE | (s->remote ? IS_REMOTE : 0));
	add_string(b, "name", words(s, NAME));
	buf_addf(b,
		 ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64 "\",\"endTimeUnixNano\":\"%" PRId64
		 "\",\"attributes\":[",
		 (int)s->kind, s->begin_ns, s->end_ns);
	add_attributes(s, b);
	buf_addc(b, ']');
	if (s->dropped > 0)
		buf_addf(b, ",\"droppedAttributesCount\":%u", s->dropped);
	if (s->failed) {
		buf_addf(b, ",\"status\":{\"code\":%d,", STATUS_ERROR);
		add_string(b, "message", words(s, WHY));
		buf_addc(b, '}');
	}
	buf_addc(b, '}');
}

struct span **
span_next(struct span *s)
{
	return &s->next;
}
