#include "obs/span.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"

enum { STATUS_ERROR = 2 };
/* SpanFlags: whether the parent is another process's is known, and so. */
enum { HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200 };

struct span {
	struct span *next;
	struct context self, parent;
	bool has_parent, remote, failed;
	enum span_kind kind;
	int64_t begin_ns, end_ns; /* since 1970; end 0: not yet */
	int64_t mono_ns;	  /* when it began: nobody sets that clock */
	unsigned dropped;	  /* attributes */
	char name[SPAN_NAME_MAX + 1], why[SPAN_NAME_MAX + 1];
	char state[CONTEXT_STATE_MAX + 1];
	struct buf attributes; /* as JSON, after a '[' */
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
	s->attributes = (struct buf)BUF_INIT(SPAN_ATTRIBUTES_MAX);
	buf_addc(&s->attributes, '[');
	span_name(s, name);
	return s;
}

void
span_free(struct span **s)
{
	if (*s == NULL)
		return;
	buf_clear(&(*s)->attributes);
	free(*s);
	*s = NULL;
}

void
span_name(struct span *s, const char *name)
{
	if (s != NULL)
		(void)snprintf(s->name, sizeof(s->name), "%s", name);
}

void
span_state(struct span *s, const char *tracestate)
{
	if (s != NULL && tracestate != NULL && context_state_ok(tracestate))
		(void)snprintf(s->state, sizeof(s->state), "%s", tracestate);
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

/* One that did not fit takes itself back. */
static void
keep(struct span *s, size_t before)
{
	struct buf *b = &s->attributes;

	if (b->state == BUF_OK)
		return;
	s->dropped++;
	b->len = before;
	b->state = BUF_OK;
	if (b->data != NULL)
		b->data[before] = '\0';
}

void
span_str(struct span *s, const char *key, const char *value)
{
	size_t before;

	if (s == NULL || value == NULL)
		return;
	before = s->attributes.len;
	span_attribute(&s->attributes, key, value);
	keep(s, before);
}

void
span_int(struct span *s, const char *key, int64_t value)
{
	size_t before;

	if (s == NULL)
		return;
	before = s->attributes.len;
	begin_attribute(&s->attributes, key);
	buf_addf(&s->attributes, ",\"value\":{\"intValue\":\"%" PRId64 "\"}}", value);
	keep(s, before);
}

void
span_fail(struct span *s, const char *words)
{
	if (s == NULL)
		return;
	s->failed = true;
	(void)snprintf(s->why, sizeof(s->why), "%s", words != NULL ? words : "");
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
	if (s != NULL && s->end_ns == 0)
		s->end_ns = s->begin_ns + (clock_mono_ns() - s->mono_ns);
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
	if (s->state[0] != '\0') {
		add_string(b, "traceState", s->state);
		buf_addc(b, ',');
	}
	buf_addf(b, "\"flags\":%d,", s->self.flags | HAS_IS_REMOTE | (s->remote ? IS_REMOTE : 0));
	add_string(b, "name", s->name);
	buf_addf(b,
		 ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64 "\",\"endTimeUnixNano\":\"%" PRId64
		 "\",\"attributes\":%s]",
		 (int)s->kind, s->begin_ns, s->end_ns, buf_cstr(&s->attributes));
	if (s->dropped > 0)
		buf_addf(b, ",\"droppedAttributesCount\":%u", s->dropped);
	if (s->failed) {
		buf_addf(b, ",\"status\":{\"code\":%d,", STATUS_ERROR);
		add_string(b, "message", s->why);
		buf_addc(b, '}');
	}
	buf_addc(b, '}');
}

struct span **
span_next(struct span *s)
{
	return &s->next;
}
