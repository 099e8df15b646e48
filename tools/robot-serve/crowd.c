#include "crowd.h"

#include <pthread.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/scope.h"

#define MANY 32
#define FEW  8 /* one in so many */

struct crowd_member {
	int fd;
	bool listed;
	TAILQ_ENTRY(crowd_member) at;
};

struct crowd {
	pthread_mutex_t lock;
	size_t most, n, peak;		 /* of those in the list */
	TAILQ_HEAD(, crowd_member) list; /* who made progress last is last */
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
append(struct crowd *c, struct crowd_member *m)
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

static void
push_out(struct crowd *c)
{
	struct crowd_member *m = TAILQ_FIRST(&c->list);

	drop(c, m);
	(void)shutdown(m->fd, SHUT_RDWR);
}

struct crowd_member *
crowd_enter(struct crowd *c, int fd)
{
	struct crowd_member *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->fd = fd;
	(void)pthread_mutex_lock(&c->lock);
	append(c, m);
	if (c->n > c->most)
		push_out(c);
	(void)pthread_mutex_unlock(&c->lock);
	return m;
}

void
crowd_progress(struct crowd *c, struct crowd_member *m)
{
	(void)pthread_mutex_lock(&c->lock);
	if (m != NULL && m->listed) {
		drop(c, m);
		append(c, m);
	}
	(void)pthread_mutex_unlock(&c->lock);
}

void
crowd_excuse(struct crowd *c, struct crowd_member *m)
{
	(void)pthread_mutex_lock(&c->lock);
	if (m != NULL)
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
