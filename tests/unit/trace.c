#include "obs/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/jsn.h"
#include "unit.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"

static const char *const own[] = { "service.name", "robot-serve", "service.version", "1", NULL };

static struct context
parse(const char *header)
{
	struct context c = { 0 };

	CHECK(context_parse(view_of(header), &c));
	return c;
}

static bool
refused(const char *header)
{
	struct context c;

	return !context_parse(view_of(header), &c);
}

/* --- what came from outside ------------------------------------------------------- */

TEST(a_traceparent_is_read)
{
	struct context c = parse(PARENT "1");
	char hex[CONTEXT_HEX_MAX];

	context_hex(c.trace_id, sizeof(c.trace_id), hex);
	CHECK_STR(hex, "0af7651916cd43dd8448eb211c80319c");
	context_hex(c.span_id, sizeof(c.span_id), hex);
	CHECK_STR(hex, "b7ad6b7169203331");
	CHECK(c.flags == CONTEXT_SAMPLED);
	CHECK(parse(PARENT "2").flags == CONTEXT_RANDOM);
	/* bits that nobody knows are not passed on */
	CHECK(parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fc").flags == 0);
	CHECK(parse("42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").flags == 1);
	CHECK(parse("42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").flags == 1);
}

TEST(a_wrong_traceparent_is_none)
{
	CHECK(refused(""));
	CHECK(refused(PARENT));
	CHECK(refused(PARENT "1 "));
	CHECK(refused(PARENT "1-more"));
	CHECK(refused(PARENT "g"));
	CHECK(refused("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
	CHECK(refused("42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more"));
	CHECK(refused("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"));
	CHECK(refused("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
	CHECK(refused("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
	CHECK(refused("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
}

TEST(a_tracestate_is_carried_if_it_is_printable)
{
	char longest[CONTEXT_STATE_MAX + 2];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(context_state_ok("a=1,b@c=2"));
	CHECK(!context_state_ok(""));
	CHECK(!context_state_ok("a=\n"));
	CHECK(!context_state_ok("a=\xc3\xa9"));
	CHECK(!context_state_ok(longest));
	longest[CONTEXT_STATE_MAX] = '\0';
	CHECK(context_state_ok(longest));
}

TEST(ids_differ)
{
	struct context a, b, child;

	for (int i = 0; i < 100; i++) {
		context_root(&a);
		context_root(&b);
		CHECK(memcmp(a.trace_id, b.trace_id, sizeof(a.trace_id)) != 0);
		CHECK(memcmp(a.span_id, b.span_id, sizeof(a.span_id)) != 0);
		CHECK(a.flags == CONTEXT_RANDOM);
	}
	context_child(&a, &child);
	CHECK(memcmp(a.trace_id, child.trace_id, sizeof(a.trace_id)) == 0);
	CHECK(memcmp(a.span_id, child.span_id, sizeof(a.span_id)) != 0);
}

/* --- a span's JSON ------------------------------------------------------------------- */

TEST(a_span_is_otlp)
{
	struct context parent = parse(PARENT "1"), self = parse(PARENT "3");
	AUTO_BUF struct buf b = BUF_INIT(1U << 20);
	struct span *s;

	self.span_id[0] = 1;
	s = span_new(&self, &parent, true, "n", SPAN_SERVER);
	span_times(s, 1544712660000000001, 1544712661000000002);
	span_state(s, "a=1");
	span_str(s, "k", "a \"b\"\n\xff");
	span_str(s, "none", NULL);
	span_int(s, "i", -5);
	span_fail(s, "why");
	span_end(s);
	span_json(s, &b);
	CHECK_STR(
		buf_cstr(&b),
		"{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"01ad6b7169203331\","
		"\"parentSpanId\":\"b7ad6b7169203331\",\"traceState\":\"a=1\",\"flags\":771,"
		"\"name\":\"n\",\"kind\":2,\"startTimeUnixNano\":\"1544712660000000001\","
		"\"endTimeUnixNano\":\"1544712661000000002\",\"attributes\":["
		"{\"key\":\"k\",\"value\":{\"stringValue\":\"a \\\"b\\\"\\u000a\xef\xbf\xbd\"}},"
		"{\"key\":\"i\",\"value\":{\"intValue\":\"-5\"}}],"
		"\"status\":{\"code\":2,\"message\":\"why\"}}");
	span_free(&s);
	span_str(NULL, "k", "v");
	span_end(NULL);
}

TEST(attributes_that_do_not_fit_are_counted)
{
	struct context self = parse(PARENT "1");
	AUTO_BUF struct buf b = BUF_INIT(1U << 20);
	struct span *s = span_new(&self, NULL, false, "n", SPAN_INTERNAL);
	char big[2 * SPAN_STRING_MAX];
	AUTO_JSN struct json_t *v = NULL;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < 10; i++)
		span_str(s, "k", big);
	span_int(s, "last", 1);
	span_json(s, &b);
	v = jsn_parse(view_buf(&b), "span", NULL);
	CHECK(v != NULL);
	CHECK(jsn_len(jsn_get(v, "attributes")) == 8);
	CHECK(jsn_int(v, "droppedAttributesCount", 0) == 3);
	CHECK(strlen(jsn_str_or(jsn_at(jsn_get(v, "attributes"), 0), "value.stringValue", "")) ==
	      SPAN_STRING_MAX);
	CHECK(jsn_str(v, "parentSpanId") == NULL);
	span_free(&s);
}

/* --- settings ---------------------------------------------------------------------------- */

static char said[4096];

static void
hear(void *arg, const char *words)
{
	(void)arg;
	(void)strncat(said, words, sizeof(said) - strlen(said) - 2);
	(void)strcat(said, "\n");
}

#define LOAD(s, ...)                                                                    \
	do {                                                                            \
		char *environment[] = { __VA_ARGS__, NULL };                            \
		said[0] = '\0';                                                         \
		CHECK(trace_settings_load(environment, own, hear, NULL, s, NULL) == 0); \
	} while (0)
#define V(text)	 (char *)(uintptr_t)text
#define ENDPOINT V("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318")

TEST(without_an_endpoint_nothing_is_sent)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = { 0 };

	LOAD(&s, V("OTEL_SERVICE_NAME=x"), V("OTEL_TRACES_SAMPLER=nonsense"));
	CHECK(s.url == NULL && said[0] == '\0');
}

static void
not_sent(char *variable, const char *words)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = { 0 };

	LOAD(&s, ENDPOINT, variable);
	CHECK(s.url == NULL);
	CHECK_STR(said, words);
}

TEST(what_speaks_against_sending)
{
	not_sent(V("OTEL_SDK_DISABLED=TRUE"), "");
	not_sent(V("OTEL_TRACES_EXPORTER=none"), "");
	not_sent(V("OTEL_TRACES_EXPORTER=zipkin"),
		 "OTEL_TRACES_EXPORTER must be otlp or none, not 'zipkin'; no traces are sent\n");
	not_sent(
		V("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
		"OTEL_EXPORTER_OTLP_PROTOCOL: only http/json is spoken here, not 'grpc'; no traces "
		"are sent\n");
	not_sent(V("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"),
		 "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: only http/json is spoken here, not "
		 "'http/protobuf'; no traces are sent\n");
	not_sent(V("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=c:4318"),
		 "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must begin with http:// or https://, not "
		 "'c:4318'; no traces are sent\n");
}

TEST(the_endpoint_for_traces_is_used_as_it_is)
{
	AUTO_TRACE_SETTINGS struct trace_settings a = { 0 }, b = { 0 }, c = { 0 };

	LOAD(&a, ENDPOINT);
	CHECK_STR(a.url, "http://c:4318/v1/traces");
	LOAD(&b, V("OTEL_EXPORTER_OTLP_ENDPOINT=https://c/x/"));
	CHECK_STR(b.url, "https://c/x/v1/traces");
	LOAD(&c, ENDPOINT, V("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://d:1/p"));
	CHECK_STR(c.url, "http://d:1/p");
}

TEST(defaults)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = { 0 };

	LOAD(&s, ENDPOINT, V("OTEL_BSP_MAX_QUEUE_SIZE="));
	CHECK_STR(said, "");
	CHECK(s.timeout_ms == 10000 && s.delay_ms == 5000 && s.export_ms == 30000);
	CHECK(s.queue == 2048 && s.batch == 512 && s.headers[0] == NULL);
	CHECK(s.sampler == TRACE_ALWAYS_ON && s.parent_based && s.propagate);
	CHECK_STR(buf_cstr(&s.resource),
		  "[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"robot-serve\"}},"
		  "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"1\"}}");
}

TEST(what_can_be_told)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = { 0 };

	LOAD(&s, ENDPOINT, V("OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b, x = y"),
	     V("OTEL_EXPORTER_OTLP_TIMEOUT=7"), V("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=8"),
	     V("OTEL_SERVICE_NAME=mine"), V("OTEL_PROPAGATORS=baggage, b3"),
	     V("OTEL_RESOURCE_ATTRIBUTES=site=a%2Cb,service.version=2,service.name=no,site=c"),
	     V("OTEL_BSP_SCHEDULE_DELAY=0"), V("OTEL_BSP_EXPORT_TIMEOUT=9"),
	     V("OTEL_BSP_MAX_QUEUE_SIZE=10"), V("OTEL_TRACES_SAMPLER=traceidratio"),
	     V("OTEL_TRACES_SAMPLER_ARG=0.25"), V("OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem"));
	CHECK_STR(said, "");
	CHECK_STR(s.headers[0], "api-key: a b");
	CHECK_STR(s.headers[1], "x: y");
	CHECK(s.headers[2] == NULL);
	CHECK(s.timeout_ms == 8 && s.delay_ms == 0 && s.export_ms == 9);
	CHECK(s.queue == 10 && s.batch == 10 && !s.propagate);
	CHECK(s.sampler == TRACE_RATIO && !s.parent_based && s.ratio == 0.25);
	CHECK_STR(s.ca_file, "ca.pem");
	CHECK_STR(buf_cstr(&s.resource),
		  "[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"mine\"}},"
		  "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"2\"}},"
		  "{\"key\":\"site\",\"value\":{\"stringValue\":\"c\"}}");
}

static void
warned(char *variable, const char *words)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = { 0 };

	LOAD(&s, ENDPOINT, V("OTEL_TRACES_SAMPLER=parentbased_traceidratio"), variable);
	CHECK(s.url != NULL && s.delay_ms == 5000 && s.ratio == 1 && s.headers[0] == NULL);
	CHECK_STR(said, words);
}

TEST(what_is_wrong_is_said_and_not_used)
{
	warned(V("OTEL_BSP_SCHEDULE_DELAY=soon"),
	       "OTEL_BSP_SCHEDULE_DELAY must be a number from 0 to 3600000, not 'soon'; 5000 is "
	       "taken\n");
	warned(V("OTEL_TRACES_SAMPLER_ARG=1.5"),
	       "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not '1.5'; 1 is taken\n");
	warned(V("OTEL_EXPORTER_OTLP_COMPRESSION=gzip"),
	       "OTEL_EXPORTER_OTLP_COMPRESSION: nothing but none is known here, not 'gzip'\n");
	for (size_t i = 0; i < 4; i++) {
		static const char *const lists[] = { "secret", "a=b,=c", "a=%0d%0ax", "a=%4" };
		char variable[64];

		(void)snprintf(variable, sizeof(variable), "OTEL_EXPORTER_OTLP_HEADERS=%s",
			       lists[i]);
		warned(variable,
		       "OTEL_EXPORTER_OTLP_HEADERS must be KEY=VALUE,KEY=VALUE..., at most "
		       "64; it is not used\n");
	}
}

TEST(an_unknown_sampler_is_the_usual_one)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = { 0 };

	LOAD(&s, ENDPOINT, V("OTEL_TRACES_SAMPLER=jaeger_remote"));
	CHECK(s.sampler == TRACE_ALWAYS_ON && s.parent_based);
	CHECK(strstr(said, "not 'jaeger_remote'; parentbased_always_on is taken") != NULL);
}

/* --- the queue --------------------------------------------------------------------------- */

/* A collector that answers as it is told. */
struct collector {
	atomic_int posts, spans;
	int fails; /* so many posts first */
	int status, retry_after_ms;
	bool away, hangs;
	const char *body;
};

static int
post(void *arg, const struct trace_post *p, struct trace_reply *ret, struct err *e)
{
	struct collector *c = arg;
	AUTO_JSN struct json_t *v = jsn_parse(p->body, "the post", NULL);
	const struct json_t *scope =
		jsn_at(jsn_get(jsn_at(jsn_get(v, "resourceSpans"), 0), "scopeSpans"), 0);

	while (c->hangs && !*p->stop)
		(void)usleep(1000);
	if (c->hangs)
		return err_set(e, ERR_TEMP, "stopped");
	if (atomic_fetch_add(&c->posts, 1) < c->fails) {
		if (c->away)
			return err_set(e, ERR_TEMP, "nobody there");
		ret->status = c->status;
		ret->retry_after_ms = c->retry_after_ms;
		return 0;
	}
	atomic_fetch_add(&c->spans, (int)jsn_len(jsn_get(scope, "spans")));
	ret->status = 200;
	buf_adds(&ret->body, c->body != NULL ? c->body : "{}");
	return 0;
}

static struct trace_settings
settings(void)
{
	struct trace_settings s = { .timeout_ms = 1000,
				    .delay_ms = 1,
				    .export_ms = 20000,
				    .queue = 100,
				    .batch = 10,
				    .sampler = TRACE_ALWAYS_ON,
				    .parent_based = true,
				    .propagate = true,
				    .resource = BUF_INIT(100) };

	buf_addc(&s.resource, '[');
	return s;
}

static struct trace *
begin(const struct trace_settings *s, struct collector *c)
{
	struct trace *t = NULL;

	said[0] = '\0';
	CHECK(trace_new(s, post, c, hear, NULL, &t, NULL) == 0);
	return t;
}

static void
work(struct trace *t, int n)
{
	while (n-- > 0) {
		struct context c;
		struct span *s = trace_begin(t, NULL, false, "work", SPAN_INTERNAL, &c);

		CHECK(s != NULL && (c.flags & CONTEXT_SAMPLED) != 0);
		trace_end(t, &s);
		CHECK(s == NULL);
	}
}

static bool
counted(const struct trace *t, enum trace_fate fate, uint64_t n)
{
	for (int i = 0; i < 10000 && trace_count(t, fate) != n; i++)
		(void)usleep(1000);
	return trace_count(t, fate) == n;
}

TEST(spans_arrive_in_batches)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct collector c = { 0 };
	struct trace *t = begin(&s, &c);

	work(t, 35);
	CHECK(counted(t, TRACE_SENT, 35));
	CHECK(trace_free(&t, 1000));
	CHECK(atomic_load(&c.spans) == 35 && atomic_load(&c.posts) >= 4);
	CHECK_STR(said, "");
}

TEST(what_waits_is_sent_at_the_end)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct collector c = { 0 };
	struct trace *t;

	s.delay_ms = 3600000;
	t = begin(&s, &c);
	work(t, 3);
	CHECK(trace_free(&t, 10000));
	CHECK(atomic_load(&c.spans) == 3);
}

TEST(a_busy_collector_is_asked_again_when_it_said)
{
	static const int busy[] = { 429, 502, 503, 504 };

	for (size_t i = 0; i < 4; i++) {
		AUTO_TRACE_SETTINGS struct trace_settings s = settings();
		struct collector c = { .fails = 2, .status = busy[i], .retry_after_ms = 1 };
		struct trace *t = begin(&s, &c);

		work(t, 1);
		CHECK(counted(t, TRACE_SENT, 1));
		CHECK(trace_free(&t, 1000));
		CHECK(atomic_load(&c.posts) == 3);
		CHECK(strstr(said, "the collector answers ") == said);
		CHECK(strstr(said, "arrive again\n") != NULL);
	}
}

TEST(other_refusals_are_final)
{
	static const int final[] = { 301, 400, 401, 404, 408, 500, 501, 505 };

	for (size_t i = 0; i < 8; i++) {
		AUTO_TRACE_SETTINGS struct trace_settings s = settings();
		struct collector c = { .fails = 1, .status = final[i], .retry_after_ms = 1 };
		struct trace *t = begin(&s, &c);

		work(t, 1);
		CHECK(counted(t, TRACE_REFUSED, 1));
		CHECK(trace_free(&t, 1000));
		CHECK(atomic_load(&c.posts) == 1);
	}
}

TEST(a_collector_that_is_away_is_tried_again)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct collector c = { .fails = 1, .away = true };
	struct trace *t = begin(&s, &c);

	work(t, 1);
	CHECK(counted(t, TRACE_SENT, 1));
	CHECK(trace_free(&t, 1000));
	CHECK_STR(said, "nobody there\narrive again\n");
}

TEST(a_wait_that_is_too_long_is_not_begun)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct collector c = { .fails = 9, .status = 503, .retry_after_ms = 60000 };
	struct trace *t = begin(&s, &c);

	work(t, 1);
	CHECK(counted(t, TRACE_LOST, 1));
	CHECK(trace_free(&t, 1000));
	CHECK(atomic_load(&c.posts) == 1);
}

TEST(some_of_a_batch_may_be_refused)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct collector c = { .body = "{\"partialSuccess\":{\"rejectedSpans\":\"2\","
				       "\"errorMessage\":\"too old\"}}" };
	struct trace *t;

	s.delay_ms = 3600000;
	t = begin(&s, &c);
	work(t, 10);
	CHECK(counted(t, TRACE_SENT, 8) && trace_count(t, TRACE_REFUSED) == 2);
	CHECK(trace_free(&t, 1000));
	CHECK_STR(said, "the collector refuses some: too old\n");
}

TEST(a_full_queue_drops_and_a_post_that_hangs_is_ended)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct collector c = { .hangs = true };
	struct trace *t = begin(&s, &c);
	uint64_t dropped;

	work(t, 200);
	dropped = trace_count(t, TRACE_DROPPED);
	/* one batch may be under way */
	CHECK(dropped >= 90 && dropped <= 100);
	CHECK(trace_free(&t, 50));
	CHECK(t == NULL);
}

static bool
records(struct trace *t, const struct context *parent)
{
	struct context c;
	struct span *s = trace_begin(t, parent, true, "n", SPAN_SERVER, &c);
	bool yes = s != NULL;

	CHECK(yes == ((c.flags & CONTEXT_SAMPLED) != 0));
	span_free(&s);
	return yes;
}

TEST(the_parent_decides_where_it_is_asked)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct context yes = parse(PARENT "1"), no = parse(PARENT "0");
	struct collector c = { 0 };
	struct trace *t = begin(&s, &c);

	CHECK(records(t, NULL) && records(t, &yes) && !records(t, &no));
	s.sampler = TRACE_ALWAYS_OFF;
	CHECK(!records(t, NULL) && records(t, &yes) && !records(t, &no));
	s.parent_based = false;
	CHECK(!records(t, NULL) && !records(t, &yes) && !records(t, &no));
	s.sampler = TRACE_ALWAYS_ON;
	CHECK(records(t, NULL) && records(t, &yes) && records(t, &no));
	CHECK(trace_free(&t, 1000));
}

TEST(a_ratio_looks_at_the_id)
{
	AUTO_TRACE_SETTINGS struct trace_settings s = settings();
	struct context low = parse("00-ffffffffffffffff0000000000000001-b7ad6b7169203331-00");
	struct context high = parse("00-0000000000000001ffffffffffffffff-b7ad6b7169203331-01");
	struct collector c = { 0 };
	struct trace *t = begin(&s, &c);
	int n = 0;

	s.sampler = TRACE_RATIO;
	s.parent_based = false;
	s.ratio = 0.25;
	CHECK(records(t, &low) && !records(t, &high));
	for (int i = 0; i < 4000; i++)
		n += records(t, NULL);
	CHECK(n > 800 && n < 1200);
	s.ratio = 1;
	CHECK(records(t, &high));
	s.ratio = 0;
	CHECK(!records(t, &low));
	CHECK(trace_free(&t, 1000));
}

TEST(no_traces_is_null)
{
	struct context parent = parse(PARENT "1"), c;
	AUTO_METRICS struct metrics m = METRICS_INIT;
	struct span *s = trace_begin(NULL, &parent, true, "n", SPAN_SERVER, &c);
	struct trace *t = NULL;

	CHECK(s == NULL && c.flags == CONTEXT_SAMPLED);
	CHECK(memcmp(c.trace_id, parent.trace_id, sizeof(c.trace_id)) == 0);
	trace_end(NULL, &s);
	trace_metrics(NULL, "x_total", &m);
	CHECK(strstr(buf_cstr(&m.text), "x_total{result=\"dropped\"} 0\n") != NULL);
	CHECK(trace_free(&t, 1));
}

UNIT_MAIN
