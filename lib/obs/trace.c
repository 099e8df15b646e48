#include "obs/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/jsn.h"

#define BACKOFF_MS     1000
#define BACKOFF_MAX_MS 8000
#define BODY_MAX       (16U << 20)
#define LATE_MS	       200 /* for a post to notice that it is to stop */

struct trace {
	const struct trace_settings *o;
	trace_post_fn *post;
	void *post_arg;
	trace_say_fn *say;
	void *say_arg;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread, ending;
	struct deadline end;
	struct span *first, **last; /* the queue */
	size_t n;
	struct deadline due; /* of the queue's first */
	volatile bool stop;  /* what is under way */
	bool failing;
	atomic_uint_fast64_t fates[TRACE_FATES];
};

static void
count(struct trace *t, enum trace_fate fate, uint64_t n)
{
	atomic_fetch_add_explicit(&t->fates[fate], n, memory_order_relaxed);
}

/* With the lock held; until ms have passed, or somebody has something to say. */
static void
wait_ms(struct trace *t, int64_t ms)
{
	int64_t at = clock_mono_ns() + ms * 1000000;
	struct timespec ts = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };

	(void)pthread_cond_timedwait(&t->wake, &t->lock, &ts);
}

/* --- sending ------------------------------------------------------------- */

static void
batch_json(const struct trace *t, struct span *batch, struct buf *b)
{
	buf_addf(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":%s]},\"scopeSpans\":[",
		 buf_cstr(&t->o->resource));
	buf_adds(b,
		 "{\"scope\":{\"name\":\"gantry\",\"version\":\"" GANTRY_VERSION "\"},\"spans\":[");
	for (struct span *s = batch; s != NULL; s = *span_next(s)) {
		if (s != batch)
			buf_addc(b, ',');
		span_json(s, b);
	}
	buf_adds(b, "]}]}]}");
}

/* Says it when it is news. */
static void
news(struct trace *t, const char *words)
{
	if (t->failing == (words != NULL))
		return;
	t->failing = words != NULL;
	t->say(t->say_arg, words != NULL ? words : "arrive again");
}

/* Some of a batch may be refused although the answer is 200. */
static void
accepted(struct trace *t, const struct trace_reply *r, uint64_t n)
{
	AUTO_JSN struct json_t *v = jsn_parse(view_buf(&r->body), "the answer", NULL);
	const char *text = jsn_str(v, "partialSuccess.rejectedSpans");
	int64_t refused = text != NULL ? strtoll(text, NULL, 10)
				       : jsn_int(v, "partialSuccess.rejectedSpans", 0);
	char words[ERR_MSG_MAX];

	if (refused < 0 || (uint64_t)refused > n)
		refused = (int64_t)n;
	count(t, TRACE_SENT, n - (uint64_t)refused);
	count(t, TRACE_REFUSED, (uint64_t)refused);
	if (refused == 0) {
		news(t, NULL);
		return;
	}
	(void)snprintf(words, sizeof(words), "the collector refuses some: %s",
		       jsn_str_or(v, "partialSuccess.errorMessage", "it does not say why"));
	news(t, words);
}

enum outcome { DONE, REFUSED, AGAIN };

static enum outcome
try_once(struct trace *t, struct view body, struct deadline until, uint64_t n, int64_t *ret_after)
{
	struct trace_reply r = { .retry_after_ms = -1, .body = BUF_INIT(TRACE_REPLY_MAX) };
	int64_t left = clock_left_ms(until, t->o->timeout_ms);
	struct trace_post p = { .body = body,
				.deadline = clock_deadline(left > 0 ? left : 1),
				.stop = &t->stop };
	enum outcome outcome = REFUSED;
	struct err e = { 0 };
	char words[ERR_MSG_MAX];

	*ret_after = -1;
	if (t->post(t->post_arg, &p, &r, &e) < 0) {
		outcome = e.code == ERR_TEMP ? AGAIN : REFUSED;
		news(t, e.msg);
	} else if (r.status / 100 == 2) {
		accepted(t, &r, n);
		outcome = DONE;
	} else {
		if (r.status == 429 || (r.status >= 502 && r.status <= 504))
			outcome = AGAIN;
		*ret_after = r.retry_after_ms;
		(void)snprintf(words, sizeof(words), "the collector answers %d", r.status);
		news(t, words);
	}
	buf_clear(&r.body);
	return outcome;
}

/* False if there is no time left for another try. */
static bool
wait_for_next(struct trace *t, struct deadline until, int tries, int64_t after_ms)
{
	int64_t cap = BACKOFF_MS, ms = after_ms;
	struct deadline next;
	uint32_t r = 0;
	bool ending;

	while (tries-- > 0 && cap < BACKOFF_MAX_MS)
		cap *= 2;
	if (ms < 0) {
		if (getrandom(&r, sizeof(r), 0) < 0)
			r = 0;
		ms = cap / 2 + r % (uint32_t)(cap / 2);
	}
	if (clock_left_ms(until, INT64_MAX) <= ms)
		return false;
	next = clock_deadline(ms > 0 ? ms : 1);
	(void)pthread_mutex_lock(&t->lock);
	while (!t->ending && !clock_over(next))
		wait_ms(t, clock_left_ms(next, ms));
	ending = t->ending;
	(void)pthread_mutex_unlock(&t->lock);
	return !ending;
}

static void
send_batch(struct trace *t, struct span *batch, uint64_t n, struct deadline end)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct deadline until = end.at_ms != 0 ? end : clock_deadline(t->o->export_ms);
	enum outcome outcome = AGAIN;
	int64_t after;

	batch_json(t, batch, &body);
	if (buf_ok(&body, "spans", NULL) < 0)
		outcome = REFUSED;
	for (int tries = 0; outcome == AGAIN && !clock_over(until); tries++) {
		outcome = try_once(t, view_buf(&body), until, n, &after);
		if (outcome == AGAIN && !wait_for_next(t, until, tries, after))
			break;
	}
	if (outcome != DONE)
		count(t, outcome == AGAIN ? TRACE_LOST : TRACE_REFUSED, n);
}

/* --- the queue ------------------------------------------------------------- */

/* With the lock held: the oldest, at most a batch of them. */
static struct span *
take(struct trace *t, uint64_t *ret_n)
{
	struct span *batch = t->first, **end = &batch;
	uint64_t n = 0;

	for (; *end != NULL && n < t->o->batch; n++)
		end = span_next(*end);
	t->first = *end;
	*end = NULL;
	t->n -= n;
	if (t->first == NULL)
		t->last = &t->first;
	*ret_n = n;
	return batch;
}

static void
free_all(struct span *batch)
{
	while (batch != NULL) {
		struct span *s = batch;

		batch = *span_next(s);
		span_free(&s);
	}
}

static void *
run(void *arg)
{
	struct trace *t = arg;

	(void)pthread_mutex_lock(&t->lock);
	for (;;) {
		struct deadline end;
		struct span *batch;
		uint64_t n;

		while (!t->ending && (t->n == 0 || (t->n < t->o->batch && !clock_over(t->due))))
			wait_ms(t, t->n == 0 ? 3600000 : clock_left_ms(t->due, 3600000));
		if (t->n == 0)
			break;
		batch = take(t, &n);
		end = t->end;
		(void)pthread_mutex_unlock(&t->lock);
		send_batch(t, batch, n, end);
		free_all(batch);
		(void)pthread_mutex_lock(&t->lock);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* With the lock held. */
static bool
enqueue(struct trace *t, struct span *s)
{
	if (t->n >= t->o->queue || t->ending)
		return false;
	if (!t->has_thread)
		t->has_thread = pthread_create(&t->thread, NULL, run, t) == 0;
	if (!t->has_thread)
		return false;
	if (t->n == 0)
		t->due = clock_deadline(t->o->delay_ms > 0 ? t->o->delay_ms : 1);
	*t->last = s;
	t->last = span_next(s);
	t->n++;
	if (t->n == 1 || t->n == t->o->batch)
		(void)pthread_cond_signal(&t->wake);
	return true;
}

void
trace_end(struct trace *t, struct span **s)
{
	bool kept;

	if (*s == NULL)
		return;
	span_end(*s);
	(void)pthread_mutex_lock(&t->lock);
	kept = enqueue(t, *s);
	(void)pthread_mutex_unlock(&t->lock);
	if (kept) {
		*s = NULL;
		return;
	}
	count(t, TRACE_DROPPED, 1);
	span_free(s);
}

/* --- beginning and end ------------------------------------------------------ */

int
trace_new(const struct trace_settings *settings, trace_post_fn *post, void *post_arg,
	  trace_say_fn *say, void *say_arg, struct trace **ret, struct err *e)
{
	struct trace *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (t == NULL)
		return err_nomem(e);
	t->o = settings;
	t->post = post;
	t->post_arg = post_arg;
	t->say = say;
	t->say_arg = say_arg;
	t->last = &t->first;
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&t->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	*ret = t;
	return 0;
}

/* Whether the thread has ended within ms. */
static bool
joined(struct trace *t, int64_t ms)
{
	struct timespec ts;
	int64_t at = clock_mono_ns() + ms * 1000000;

	ts = (struct timespec){ .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
	return pthread_clockjoin_np(t->thread, NULL, CLOCK_MONOTONIC, &ts) == 0;
}

bool
trace_free(struct trace **t, int64_t flush_ms)
{
	struct trace *old = TAKE_PTR(*t);

	if (old == NULL)
		return true;
	(void)pthread_mutex_lock(&old->lock);
	old->ending = true;
	old->end = clock_deadline(flush_ms > 0 ? flush_ms : 1);
	(void)pthread_cond_signal(&old->wake);
	(void)pthread_mutex_unlock(&old->lock);
	if (old->has_thread && !joined(old, flush_ms)) {
		old->stop = true;
		/* it may hang in a name service that answers nothing: what it uses stays */
		if (!joined(old, LATE_MS)) {
			(void)pthread_detach(old->thread);
			return false;
		}
	}
	free_all(old->first);
	(void)pthread_cond_destroy(&old->wake);
	(void)pthread_mutex_destroy(&old->lock);
	free(old);
	return true;
}

static uint64_t
low_half(const uint8_t trace_id[CONTEXT_TRACE_BYTES])
{
	uint64_t x = 0;

	for (size_t i = CONTEXT_TRACE_BYTES / 2; i < CONTEXT_TRACE_BYTES; i++)
		x = x << 8 | trace_id[i];
	return x;
}

/* The ratio looks at the id only, in the way of most SDKs, so that all
 * services choose the same traces. */
bool
trace_samples(const struct trace *t, const struct context *parent, const struct context *self)
{
	const struct trace_settings *o = t->o;

	if (parent != NULL && o->parent_based)
		return (parent->flags & CONTEXT_SAMPLED) != 0;
	if (o->sampler != TRACE_RATIO)
		return o->sampler == TRACE_ALWAYS_ON;
	/* as many bits as a double has */
	return (double)(low_half(self->trace_id) >> 11) < o->ratio * 9007199254740992.0;
}

struct span *
trace_begin(struct trace *t, const struct context *parent, bool remote, const char *name,
	    enum span_kind kind, struct context *ret_self)
{
	if (parent != NULL)
		context_child(parent, ret_self);
	else
		context_root(ret_self);
	if (t == NULL)
		return NULL;
	ret_self->flags &= (uint8_t)~CONTEXT_SAMPLED;
	if (!trace_samples(t, parent, ret_self))
		return NULL;
	ret_self->flags |= CONTEXT_SAMPLED;
	return span_new(ret_self, parent, remote, name, kind);
}

bool
trace_propagates(const struct trace *t)
{
	return t == NULL || t->o->propagate;
}

uint64_t
trace_count(const struct trace *t, enum trace_fate fate)
{
	return t != NULL ? atomic_load_explicit(&t->fates[fate], memory_order_relaxed) : 0;
}

void
trace_metrics(const struct trace *t, const char *name, struct metrics *m)
{
	static const char *const words[TRACE_FATES] = { "sent", "refused", "lost", "dropped" };

	metrics_family(m, name, METRICS_COUNTER,
		       "Spans, by what became of them: dropped if the queue was full.");
	for (size_t i = 0; i < TRACE_FATES; i++)
		metrics_value(m, METRICS_LABELS("result", words[i]),
			      (double)trace_count(t, (enum trace_fate)i));
}
