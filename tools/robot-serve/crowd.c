#include "crowd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/scope.h"

#define MANY 128
#define FEW  8 /* one in so many */

struct crowd_member {
	int fd;
	bool listed;
	atomic_int_fast64_t progress_ns;
	TAILQ_ENTRY(crowd_member) at;
};

struct crowd {
	pthread_mutex_t lock;
	size_t most, n, peak; /* of those in the list */
	TAILQ_HEAD(, crowd_member) list;
};

int
crowd_new(size_t most, struct crowd **ret, struct err *e)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->most = most;
	TAILQ_INIT(&c->list);
	(void)pthread_mutex_init(&c->lock, NULL);
	*ret = c;
	return 0;
}

void
crowd_free(struct crowd **c)
{
	if (*c == NULL)
		return;
	(void)pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

static void
enlist(struct crowd *c, struct crowd_member *m)
{
	TAILQ_INSERT_TAIL(&c->list, m, at);
	m->listed = true;
	c->n++;
	if (c->n > c->peak)
		c->peak = c->n;
}

static void
drop(struct crowd *c, struct crowd_member *m)
{
	if (!m->listed)
		return;
	TAILQ_REMOVE(&c->list, m, at);
	m->listed = false;
	c->n--;
}

static int64_t
progress(const struct crowd_member *m)
{
	return atomic_load_explicit(&m->progress_ns, memory_order_relaxed);
}

static void
push_out(struct crowd *c)
{
	struct crowd_member *m, *slowest = TAILQ_FIRST(&c->list);

	TAILQ_FOREACH(m, &c->list, at)
	if (progress(m) < progress(slowest))
		slowest = m;
	drop(c, slowest);
	(void)shutdown(slowest->fd, SHUT_RDWR);
}

void
crowd_progress(struct crowd_member *m, int64_t now_ns)
{
	atomic_store_explicit(&m->progress_ns, now_ns, memory_order_relaxed);
}

struct crowd_member *
crowd_enter(struct crowd *c, int fd, int64_t now_ns)
{
	struct crowd_member *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->fd = fd;
	crowd_progress(m, now_ns);
	(void)pthread_mutex_lock(&c->lock);
	enlist(c, m);
	if (c->n > c->most)
		push_out(c);
	(void)pthread_mutex_unlock(&c->lock);
	return m;
}

void
crowd_excuse(struct crowd *c, struct crowd_member *m)
{
	(void)pthread_mutex_lock(&c->lock);
	drop(c, m);
	(void)pthread_mutex_unlock(&c->lock);
}

bool
crowd_leave(struct crowd *c, struct crowd_member **m)
{
	bool over;

	crowd_excuse(c, *m);
	free(*m);
	*m = NULL;
	(void)pthread_mutex_lock(&c->lock);
	over = c->peak >= MANY && c->n <= c->peak / FEW;
	if (over)
		c->peak = c->n;
	(void)pthread_mutex_unlock(&c->lock);
	return over;
}
