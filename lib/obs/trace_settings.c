#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "obs/trace.h"

#define PAIRS_MAX   64
#define LIST_MAX    (16U << 10)
#define TRACES_PATH "v1/traces"

struct reader {
	char *const *environment;
	trace_say_fn *say;
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void
say(const struct reader *r, const char *fmt, ...)
{
	char words[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	r->say(r->arg, words);
}

/* An empty one counts as none. */
static const char *
get(const struct reader *r, const char *name)
{
	size_t n = strlen(name);

	for (char *const *p = r->environment; *p != NULL; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return (*p)[n + 1] != '\0' ? *p + n + 1 : NULL;
	return NULL;
}

/* OTEL_EXPORTER_OTLP_TRACES_x wins over OTEL_EXPORTER_OTLP_x. */
static const char *
exporter(const struct reader *r, const char *what, char name[64])
{
	const char *v;

	(void)snprintf(name, 64, "OTEL_EXPORTER_OTLP_TRACES_%s", what);
	v = get(r, name);
	if (v != NULL)
		return v;
	(void)snprintf(name, 64, "OTEL_EXPORTER_OTLP_%s", what);
	return get(r, name);
}

static int64_t
number(const struct reader *r, const char *name, const char *v, int64_t min, int64_t max,
       int64_t otherwise)
{
	char *end;
	long long n;

	if (v == NULL)
		return otherwise;
	n = strtoll(v, &end, 10);
	if (end != v && *end == '\0' && n >= min && n <= max)
		return n;
	say(r, "%s must be a number from %lld to %lld, not '%s'; %lld is taken", name,
	    (long long)min, (long long)max, v, (long long)otherwise);
	return otherwise;
}

static int64_t
batch_number(const struct reader *r, const char *name, int64_t min, int64_t max, int64_t otherwise)
{
	return number(r, name, get(r, name), min, max, otherwise);
}

/* --- lists: key=value,key=value, with percent-encoding ------------------------ */

struct pair {
	char *key, *value;
};

struct pairs {
	size_t n;
	struct pair pair[PAIRS_MAX];
};

static void
pairs_clear(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->pair[i].key);
		free(p->pair[i].value);
	}
	p->n = 0;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* NULL if it is not encoded right, or would hold control bytes. */
static char *
decode(struct view v)
{
	AUTO_FREE char *out = malloc(v.n + 1);
	size_t n = 0;

	for (size_t i = 0; out != NULL && i < v.n; i++) {
		char c = v.p[i];

		if (c == '%') {
			int high = i + 2 < v.n ? hex(v.p[i + 1]) : -1;
			int low = high >= 0 ? hex(v.p[i + 2]) : -1;

			if (low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return NULL;
		out[n++] = c;
	}
	if (out != NULL)
		out[n] = '\0';
	return TAKE_PTR(out);
}

static bool
put(struct pairs *ps, struct view key, struct view value)
{
	struct pair *p = &ps->pair[ps->n];

	*p = (struct pair){ decode(view_trim(key)), decode(view_trim(value)) };
	if (p->key != NULL && p->key[0] != '\0' && p->value != NULL) {
		ps->n++;
		return true;
	}
	free(p->key);
	free(p->value);
	return false;
}

/* All or nothing: half of a list would be a riddle. */
static void
parse_list(const struct reader *r, const char *name, const char *text, struct pairs *ret)
{
	struct view rest = view_of(text), one, key;
	bool more = true;

	if (rest.n > LIST_MAX) {
		say(r, "%s is longer than %u bytes, and not used", name, LIST_MAX);
		return;
	}
	while (more) {
		more = view_cut(&rest, ',', &one);
		if (!more)
			one = rest;
		one = view_trim(one);
		if (one.n == 0)
			continue;
		if (ret->n == PAIRS_MAX || !view_cut(&one, '=', &key) || !put(ret, key, one)) {
			/* what is in it may be a secret */
			say(r, "%s must be KEY=VALUE,KEY=VALUE..., at most %d; it is not used",
			    name, PAIRS_MAX);
			pairs_clear(ret);
			return;
		}
	}
}

/* --- what is sent, and where to ------------------------------------------------ */

static const char *
find_pair(const struct pairs *p, const char *key)
{
	/* the last one counts */
	for (size_t i = p->n; i-- > 0;)
		if (strcmp(p->pair[i].key, key) == 0)
			return p->pair[i].value;
	return NULL;
}

static void
resource(const struct reader *r, const char *const *own, struct buf *b)
{
	const char *list = get(r, "OTEL_RESOURCE_ATTRIBUTES"), *name = get(r, "OTEL_SERVICE_NAME");
	AUTO(pairs_clear) struct pairs given = { 0 };

	if (list != NULL)
		parse_list(r, "OTEL_RESOURCE_ATTRIBUTES", list, &given);
	buf_addc(b, '[');
	for (; own[0] != NULL; own += 2) {
		const char *value = find_pair(&given, own[0]);

		if (strcmp(own[0], "service.name") == 0 && name != NULL)
			value = name;
		span_attribute(b, own[0], value != NULL ? value : own[1]);
		/* said already */
		for (size_t i = 0; i < given.n; i++)
			if (strcmp(given.pair[i].key, own[0]) == 0)
				given.pair[i].key[0] = '\0';
	}
	for (size_t i = 0; i < given.n; i++)
		if (given.pair[i].key[0] != '\0' &&
		    find_pair(&given, given.pair[i].key) == given.pair[i].value)
			span_attribute(b, given.pair[i].key, given.pair[i].value);
}

static int
headers(const struct reader *r, struct trace_settings *ret, struct err *e)
{
	char name[64];
	const char *list = exporter(r, "HEADERS", name);
	AUTO(pairs_clear) struct pairs p = { 0 };

	if (list != NULL)
		parse_list(r, name, list, &p);
	for (size_t i = 0; i < p.n && i < TRACE_HEADERS_MAX; i++)
		if (asprintf(&ret->headers[i], "%s: %s", p.pair[i].key, p.pair[i].value) < 0) {
			ret->headers[i] = NULL;
			return err_nomem(e);
		}
	return 0;
}

static bool
is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

/* The general endpoint is a base; the one for traces is used as it is. */
static int
endpoint(const struct reader *r, struct trace_settings *ret, struct err *e)
{
	const char *whole = get(r, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	const char *base = get(r, "OTEL_EXPORTER_OTLP_ENDPOINT");
	const char *v = whole != NULL ? whole : base;
	int n;

	if (v == NULL)
		return 0;
	if (!is_url(v)) {
		say(r, "%s must begin with http:// or https://, not '%s'; no traces are sent",
		    whole != NULL ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
				  : "OTEL_EXPORTER_OTLP_ENDPOINT",
		    v);
		return 0;
	}
	if (whole != NULL)
		n = asprintf(&ret->url, "%s", whole);
	else
		n = asprintf(&ret->url, "%s%s" TRACES_PATH, base,
			     base[strlen(base) - 1] == '/' ? "" : "/");
	if (n >= 0)
		return 0;
	ret->url = NULL;
	return err_nomem(e);
}

/* Everything that speaks against sending anything. */
static bool
wanted(const struct reader *r)
{
	const char *v = get(r, "OTEL_SDK_DISABLED");
	char name[64];

	if (v != NULL && strcasecmp(v, "true") == 0)
		return false;
	v = get(r, "OTEL_TRACES_EXPORTER");
	if (v != NULL && strcmp(v, "none") == 0)
		return false;
	if (v != NULL && strcmp(v, "otlp") != 0) {
		say(r, "OTEL_TRACES_EXPORTER must be otlp or none, not '%s'; no traces are sent",
		    v);
		return false;
	}
	v = exporter(r, "PROTOCOL", name);
	if (v != NULL && strcmp(v, "http/json") != 0) {
		say(r, "%s: only http/json is spoken here, not '%s'; no traces are sent", name, v);
		return false;
	}
	return true;
}

static int
copy(char **ret, const char *v, struct err *e)
{
	if (v == NULL)
		return 0;
	*ret = strdup(v);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int
connection(const struct reader *r, struct trace_settings *ret, struct err *e)
{
	char name[64], key_name[64];
	const char *v = exporter(r, "COMPRESSION", name), *cert, *key;

	if (v != NULL && strcmp(v, "none") != 0)
		say(r, "%s: nothing but none is known here, not '%s'", name, v);
	v = exporter(r, "TIMEOUT", name);
	ret->timeout_ms = number(r, name, v, 1, 3600000, 10000);
	cert = exporter(r, "CLIENT_CERTIFICATE", name);
	key = exporter(r, "CLIENT_KEY", key_name);
	if (cert != NULL && key != NULL && strcmp(cert, key) != 0)
		say(r, "%s must be the file of %s: certificate and key in one", key_name, name);
	if (copy(&ret->cert_file, cert, e) < 0)
		return -1;
	return copy(&ret->ca_file, exporter(r, "CERTIFICATE", name), e);
}

static void
sampler(const struct reader *r, struct trace_settings *ret)
{
	static const struct {
		const char *name;
		enum trace_sampler sampler;
	} samplers[] = { { "always_on", TRACE_ALWAYS_ON },
			 { "always_off", TRACE_ALWAYS_OFF },
			 { "traceidratio", TRACE_RATIO } };
	const char *v = get(r, "OTEL_TRACES_SAMPLER"), *arg = get(r, "OTEL_TRACES_SAMPLER_ARG");
	const char *base = v;
	char *end;

	ret->sampler = TRACE_ALWAYS_ON;
	ret->parent_based = true;
	ret->ratio = 1;
	if (v == NULL)
		return;
	if (strncmp(v, "parentbased_", 12) == 0)
		base = v + 12;
	for (size_t i = 0; i < COUNT_OF(samplers); i++) {
		if (strcmp(samplers[i].name, base) != 0)
			continue;
		ret->sampler = samplers[i].sampler;
		ret->parent_based = base != v;
		if (ret->sampler != TRACE_RATIO || arg == NULL)
			return;
		ret->ratio = strtod(arg, &end);
		if (end != arg && *end == '\0' && ret->ratio >= 0 && ret->ratio <= 1)
			return;
		say(r, "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not '%s'; 1 is taken",
		    arg);
		ret->ratio = 1;
		return;
	}
	say(r,
	    "OTEL_TRACES_SAMPLER must be always_on, always_off, traceidratio or parentbased_ and "
	    "one of these, not '%s'; parentbased_always_on is taken",
	    v);
}

static bool
propagate(const struct reader *r)
{
	const char *v = get(r, "OTEL_PROPAGATORS");
	struct view rest, one;

	if (v == NULL)
		return true;
	rest = view_of(v);
	while (view_cut(&rest, ',', &one))
		if (view_eq(view_trim(one), "tracecontext"))
			return true;
	return view_eq(view_trim(rest), "tracecontext");
}

int
trace_settings_load(char *const *environment, const char *const *own, trace_say_fn *say_fn,
		    void *arg, struct trace_settings *ret, struct err *e)
{
	const struct reader r = { environment, say_fn, arg };
	bool given = get(&r, "OTEL_EXPORTER_OTLP_ENDPOINT") != NULL ||
		     get(&r, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != NULL;

	*ret = (struct trace_settings){ .resource = BUF_INIT(TRACE_ATTRIBUTES_MAX),
					.propagate = true };
	if (!given || !wanted(&r))
		return 0;
	if (endpoint(&r, ret, e) < 0)
		return -1;
	if (ret->url == NULL)
		return 0;
	sampler(&r, ret);
	ret->propagate = propagate(&r);
	ret->delay_ms = batch_number(&r, "OTEL_BSP_SCHEDULE_DELAY", 0, 3600000, 5000);
	ret->export_ms = batch_number(&r, "OTEL_BSP_EXPORT_TIMEOUT", 1, 3600000, 30000);
	ret->queue = (size_t)batch_number(&r, "OTEL_BSP_MAX_QUEUE_SIZE", 1, TRACE_QUEUE_MAX, 2048);
	ret->batch =
		(size_t)batch_number(&r, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, (int64_t)ret->queue,
				     ret->queue < 512 ? (int64_t)ret->queue : 512);
	resource(&r, own, &ret->resource);
	if (buf_ok(&ret->resource, "OTEL_RESOURCE_ATTRIBUTES", e) < 0)
		return -1;
	if (connection(&r, ret, e) < 0)
		return -1;
	return headers(&r, ret, e);
}

void
trace_settings_clear(struct trace_settings *s)
{
	for (size_t i = 0; i < TRACE_HEADERS_MAX; i++)
		free(s->headers[i]);
	free(s->url);
	free(s->ca_file);
	free(s->cert_file);
	buf_clear(&s->resource);
	*s = (struct trace_settings){ 0 };
}
