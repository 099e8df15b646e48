#include "oci/sync_blobs.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"

#define BUCKETS	       4096 /* by three hexadecimal digits */
#define READ_BACK_SIZE (64U << 10)
#define WAIT_MS	       250

/* A blob at a destination, as far as this run knows. */
struct spot {
	struct spot *next;
	struct digest digest;
	char *where; /* the store's name */
	size_t host; /* bytes of it that name the host */
	char *repo;
	enum { SPOT_BUSY, SPOT_THERE, SPOT_FAILED } state;
	enum err_code code; /* of SPOT_FAILED, and its words */
	char *why;
};

struct sync_blobs {
	struct sync_opts o;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a spot is not busy any more, a mover is free */
	size_t movers;
	int64_t moved;
	struct spot *spots[BUCKETS];
};

int
sync_blobs_new(const struct sync_opts *o, struct sync_blobs **ret, struct err *e)
{
	struct sync_blobs *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_nomem(e);
	b->o = *o;
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->changed, NULL);
	*ret = b;
	return 0;
}

static void
spot_free(struct spot *s)
{
	free(s->where);
	free(s->repo);
	free(s->why);
	free(s);
}

void
sync_blobs_free(struct sync_blobs **b)
{
	if (*b == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct spot *s = (*b)->spots[i], *next; s != NULL; s = next) {
			next = s->next;
			spot_free(s);
		}
	}
	(void)pthread_mutex_destroy(&(*b)->lock);
	(void)pthread_cond_destroy(&(*b)->changed);
	free(*b);
	*b = NULL;
}

int64_t
sync_blobs_moved(struct sync_blobs *b)
{
	int64_t n;

	(void)pthread_mutex_lock(&b->lock);
	n = b->moved;
	(void)pthread_mutex_unlock(&b->lock);
	return n;
}

/* --- from here to there --------------------------------------------------- */

struct flow {
	struct sync_blobs *b;
	struct store *src;
	const struct descriptor *d;
	struct store_stream *from;
	struct digest_sum *sum; /* of all bytes up to done; NULL: not all came by here */
	int64_t done;
	int fails; /* since the last byte */
	struct progress_bar bar;
};

static int
flow_open(struct flow *f, int64_t from, struct err *e)
{
	char skip[4096];

	store_stream_close(&f->from);
	if (store_open_blob(f->src, &f->d->digest, from, &f->from, e) < 0)
		return -1;
	if (f->from->length >= 0 && f->from->length != f->d->size - f->from->at)
		return err_set(e, ERR_DATA, "blob '%s' has %" PRId64 " bytes, not %" PRId64,
			       f->d->digest.str, f->from->length + f->from->at, f->d->size);
	/* a source that starts at the beginning whatever it is asked for */
	for (int64_t left = from - f->from->at; left > 0;) {
		size_t want = left < (int64_t)sizeof(skip) ? (size_t)left : sizeof(skip);
		long got = f->from->read(f->from, skip, want, e);

		if (got < 0)
			return -1;
		if (got == 0)
			return err_set(e, ERR_DATA, "blob '%s' ends early", f->d->digest.str);
		left -= got;
	}
	return 0;
}

static int
flow_start(void *arg, int64_t from, struct err *e)
{
	struct flow *f = arg;

	if (from == 0 || (f->sum != NULL && from != f->done))
		digest_sum_free(&f->sum);
	if (from == 0 && digest_sum_new(&f->d->digest, &f->sum, e) < 0)
		return -1;
	progress_add(&f->bar, from - f->done);
	f->done = from;
	/* only the last word is missing, and a source has no bytes after the end */
	store_stream_close(&f->from);
	return from == f->d->size ? 0 : flow_open(f, from, e);
}

/* What comes next; a source that breaks off is asked for the rest. */
static long
flow_take(struct flow *f, void *p, size_t n, struct err *e)
{
	for (;;) {
		struct err why = { 0 };
		long came = f->from == NULL && flow_open(f, f->done, &why) < 0
				    ? -1
				    : f->from->read(f->from, p, n, &why);

		if (came > 0) {
			f->fails = 0;
			return came;
		}
		if (came == 0)
			return err_set(e, ERR_DATA, "blob '%s' ends %" PRId64 " bytes early",
				       f->d->digest.str, f->d->size - f->done);
		if (why.code != ERR_TEMP || f->fails >= f->b->o.retries ||
		    (f->b->o.stop != NULL && *f->b->o.stop))
			return err_set(e, why.code, "%s", why.msg);
		store_stream_close(&f->from);
		if (f->fails++ > 0)
			clock_sleep_ms(WAIT_MS << (f->fails < 6 ? f->fails : 6), f->b->o.stop);
	}
}

static void
count(struct flow *f, long n)
{
	(void)pthread_mutex_lock(&f->b->lock);
	f->b->moved += n;
	(void)pthread_mutex_unlock(&f->b->lock);
	progress_add(&f->bar, n);
}

/* The next bytes for the destination.  The blob is judged before its last
 * bytes are handed out. */
static long
flow_read(void *arg, void *p, size_t n, struct err *e)
{
	struct flow *f = arg;
	int64_t left = f->d->size - f->done;
	struct digest got;
	long came;

	if (left == 0)
		return 0;
	if ((int64_t)n > left)
		n = (size_t)left;
	came = flow_take(f, p, n, e);
	if (came < 0)
		return -1;
	f->done += came;
	count(f, came);
	if (!pace_take(f->b->o.pace, (size_t)came))
		return err_set(e, ERR_TEMP, "stopped by a signal");
	if (f->sum == NULL)
		return came;
	digest_sum_add(f->sum, p, (size_t)came);
	if (f->done < f->d->size)
		return came;
	digest_sum_end(f->sum, &got);
	if (!digest_equal(&got, &f->d->digest))
		return err_set(e, ERR_DATA, "blob '%s' has digest %s", f->d->digest.str, got.str);
	return came;
}

static void
flow_end(struct flow *f)
{
	store_stream_close(&f->from);
	digest_sum_free(&f->sum);
	progress_end(&f->bar);
}

/* What an earlier run has sent is only known to be right when it was read. */
static int
read_back(struct store *dst, const struct descriptor *d, struct err *e)
{
	AUTO_STORE_STREAM struct store_stream *from = NULL;
	AUTO_SUM struct digest_sum *sum = NULL;
	AUTO_FREE char *part = malloc(READ_BACK_SIZE);
	struct digest got;
	long n;

	if (part == NULL)
		return err_nomem(e);
	if (store_open_blob(dst, &d->digest, 0, &from, e) < 0 ||
	    digest_sum_new(&d->digest, &sum, e) < 0)
		return -1;
	while ((n = from->read(from, part, READ_BACK_SIZE, e)) > 0)
		digest_sum_add(sum, part, (size_t)n);
	if (n < 0)
		return -1;
	digest_sum_end(sum, &got);
	if (!digest_equal(&got, &d->digest))
		return err_set(e, ERR_DATA, "'%s' keeps blob '%s' with bytes of digest %s",
			       dst->name, d->digest.str, got.str);
	return 0;
}

static int
move(struct sync_blobs *b, struct store *src, struct store *dst, const struct descriptor *d,
     struct err *e)
{
	AUTO(flow_end) struct flow f = { .b = b, .src = src, .d = d };
	char name[32];

	digest_short(&d->digest, name);
	progress_start(&f.bar, name, d->size);
	for (int tries = 0;; tries++) {
		const struct store_feed feed = { .start = flow_start,
						 .read = flow_read,
						 .arg = &f };
		struct err why = { 0 };

		if (store_put_blob(dst, d, &feed, &why) == 0)
			return f.sum != NULL ? 0 : read_back(dst, d, e);
		if (why.code != ERR_TEMP || tries >= b->o.retries ||
		    (b->o.stop != NULL && *b->o.stop))
			return err_set(e, why.code, "%s", why.msg);
		if (tries > 0)
			clock_sleep_ms(WAIT_MS << (tries < 6 ? tries : 6), b->o.stop);
	}
}

/* --- who moves what ------------------------------------------------------- */

static struct spot **
bucket(struct sync_blobs *b, const struct digest *d)
{
	unsigned int n = 0;

	(void)sscanf(digest_hex(d), "%3x", &n);
	return &b->spots[n % BUCKETS];
}

static struct spot *
new_spot(const struct store *dst, const struct digest *d)
{
	struct spot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->digest = *d;
	s->where = strdup(dst->name);
	s->repo = strdup(dst->repo);
	s->host = strlen(dst->name) - strlen(dst->repo);
	s->state = SPOT_BUSY;
	if (s->where != NULL && s->repo != NULL)
		return s;
	spot_free(s);
	return NULL;
}

static struct spot *
find(struct sync_blobs *b, const struct store *dst, const struct digest *d)
{
	for (struct spot *s = *bucket(b, d); s != NULL; s = s->next)
		if (digest_equal(&s->digest, d) && strcmp(s->where, dst->name) == 0)
			return s;
	return NULL;
}

/* Another repository of the same host has it; lent by the spot, which stays. */
static const char *
find_elsewhere(struct sync_blobs *b, const struct spot *here)
{
	for (const struct spot *s = *bucket(b, &here->digest); s != NULL; s = s->next)
		if (s != here && s->state == SPOT_THERE &&
		    digest_equal(&s->digest, &here->digest) && s->host == here->host &&
		    strncmp(s->where, here->where, s->host) == 0 && s->repo[0] != '\0')
			return s->repo;
	return NULL;
}

/* 1 it is there, 0 the caller has to see to it (*ret), -1 it failed before. */
static int
claim(struct sync_blobs *b, const struct store *dst, const struct digest *d, struct spot **ret,
      const char **ret_elsewhere, struct err *e)
{
	struct spot *s;
	int status = 0;

	(void)pthread_mutex_lock(&b->lock);
	while ((s = find(b, dst, d)) != NULL && s->state == SPOT_BUSY)
		(void)pthread_cond_wait(&b->changed, &b->lock);
	if (s != NULL) {
		status = s->state == SPOT_THERE
				 ? 1
				 : err_set(e, s->code, "%s", s->why != NULL ? s->why : "?");
	} else if ((s = new_spot(dst, d)) == NULL) {
		status = err_nomem(e);
	} else {
		s->next = *bucket(b, d);
		*bucket(b, d) = s;
		*ret = s;
		*ret_elsewhere = find_elsewhere(b, s);
	}
	(void)pthread_mutex_unlock(&b->lock);
	return status;
}

static void
settle(struct sync_blobs *b, struct spot *s, const struct err *why)
{
	(void)pthread_mutex_lock(&b->lock);
	s->state = why->code == ERR_NONE ? SPOT_THERE : SPOT_FAILED;
	s->code = why->code;
	s->why = strdup(why->msg);
	(void)pthread_cond_broadcast(&b->changed);
	(void)pthread_mutex_unlock(&b->lock);
}

static void
take_turn(struct sync_blobs *b)
{
	(void)pthread_mutex_lock(&b->lock);
	while (b->movers >= b->o.jobs)
		(void)pthread_cond_wait(&b->changed, &b->lock);
	b->movers++;
	(void)pthread_mutex_unlock(&b->lock);
}

static void
end_turn(struct sync_blobs *b)
{
	(void)pthread_mutex_lock(&b->lock);
	b->movers--;
	(void)pthread_cond_broadcast(&b->changed);
	(void)pthread_mutex_unlock(&b->lock);
}

static bool
same_host(const struct store *a, const struct store *b)
{
	size_t n = strlen(a->name) - strlen(a->repo);

	return a->repo[0] != '\0' && b->repo[0] != '\0' && n == strlen(b->name) - strlen(b->repo) &&
	       strncmp(a->name, b->name, n) == 0;
}

static int
bring(struct sync_blobs *b, struct store *src, struct store *dst, const struct descriptor *d,
      const char *elsewhere, struct err *e)
{
	int status = store_has_blob(dst, &d->digest, e);

	if (status != 0)
		return status < 0 ? -1 : 0;
	if (elsewhere == NULL && same_host(src, dst))
		elsewhere = src->repo;
	/* a registry that does not mount gets the bytes */
	if (elsewhere != NULL && store_mount(dst, &d->digest, elsewhere, NULL) == 1)
		return 0;
	progress_expect(d->size);
	take_turn(b);
	status = move(b, src, dst, d, e);
	end_turn(b);
	return status;
}

int
sync_blobs_copy(struct sync_blobs *b, struct store *src, struct store *dst,
		const struct descriptor *d, struct err *e)
{
	struct spot *s = NULL;
	const char *elsewhere = NULL;
	struct err why = { 0 };
	int status;

	if (d->foreign)
		return 0;
	status = claim(b, dst, &d->digest, &s, &elsewhere, e);
	if (status != 0)
		return status < 0 ? -1 : 0;
	(void)bring(b, src, dst, d, elsewhere, &why);
	settle(b, s, &why);
	return why.code == ERR_NONE ? 0 : err_set(e, why.code, "%s", why.msg);
}
