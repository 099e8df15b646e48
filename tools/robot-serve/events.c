#include "events.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <pthread.h>
#include <string.h>

#include "api.h"
#include "health.h"
#include "stats.h"

#define EVENT_MAX  (64U << 10)
#define BLOCK_SIZE 4096

struct client {
	struct events *events;
	struct MHD_Connection *connection;
	const atomic_bool *ending;
	bool suspended, told;	    /* told that it ends */
	unsigned int version, beat; /* what it has seen */
	struct buf out;
	size_t sent; /* of out */
	struct client *next;
};

struct events {
	const struct robot *robot;
	pthread_mutex_t lock;
	unsigned int version, beats;
	struct client *clients;
	size_t n;
};

int
events_new(const struct robot *r, struct events **ret, struct err *e)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (ev == NULL)
		return err_nomem(e);
	ev->robot = r;
	(void)pthread_mutex_init(&ev->lock, NULL);
	*ret = ev;
	return 0;
}

void
events_free(struct events **ev)
{
	if (*ev == NULL)
		return;
	(void)pthread_mutex_destroy(&(*ev)->lock);
	free(*ev);
	*ev = NULL;
}

static void
resume(struct client *c)
{
	if (!c->suspended)
		return;
	c->suspended = false;
	MHD_resume_connection(c->connection);
}

void
events_changed(void *arg, bool changed)
{
	struct events *ev = arg;

	(void)pthread_mutex_lock(&ev->lock);
	if (changed)
		ev->version++;
	else
		ev->beats++;
	for (struct client *c = ev->clients; c != NULL; c = c->next)
		resume(c);
	(void)pthread_mutex_unlock(&ev->lock);
}

static void
add_beat(const struct robot *r, struct buf *b)
{
	struct stats_sum sum;
	struct health h;

	health_look(r, &h);
	stats_sum(r->stats, &sum);
	buf_addf(b,
		 "event: beat\ndata: {\"status\":\"%s\",\"uptime_seconds\":%" PRId64
		 ",\"requests\":%" PRIu64 ",\"request_seconds\":%.6f}\n\n",
		 health_word(&h), robot_uptime_s(r), sum.requests, sum.seconds);
}

/* What this client has not seen yet, with the lock held. */
static void
refill(struct client *c)
{
	const struct events *ev = c->events;

	buf_reset(&c->out);
	c->sent = 0;
	if (c->told)
		return;
	if (atomic_load(c->ending)) {
		buf_adds(&c->out, "retry: 500\n\n");
		c->told = true;
		return;
	}
	if (c->version != ev->version) {
		c->version = ev->version;
		buf_adds(&c->out, "event: robots\ndata: ");
		api_states(ev->robot->motion, &c->out);
		buf_adds(&c->out, "\n\n");
	}
	if (c->beat != ev->beats) {
		c->beat = ev->beats;
		add_beat(ev->robot, &c->out);
	}
}

static ssize_t
on_read(void *arg, uint64_t at, char *out, size_t max)
{
	struct client *c = arg;
	ssize_t n;

	(void)at;
	(void)pthread_mutex_lock(&c->events->lock);
	if (c->sent == c->out.len)
		refill(c);
	n = (ssize_t)(c->out.len - c->sent < max ? c->out.len - c->sent : max);
	if (n > 0) {
		memcpy(out, c->out.data + c->sent, (size_t)n);
		c->sent += (size_t)n;
	} else if (c->told) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		c->suspended = true;
		MHD_suspend_connection(c->connection);
	}
	(void)pthread_mutex_unlock(&c->events->lock);
	return n;
}

static void
on_free(void *arg)
{
	struct client *c = arg;
	struct events *ev = c->events;

	(void)pthread_mutex_lock(&ev->lock);
	for (struct client **at = &ev->clients; *at != NULL; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			ev->n--;
			break;
		}
	}
	(void)pthread_mutex_unlock(&ev->lock);
	buf_clear(&c->out);
	free(c);
}

static bool
enter(struct events *ev, struct client *c)
{
	bool room;

	(void)pthread_mutex_lock(&ev->lock);
	room = ev->n < EVENTS_CLIENTS_MAX;
	if (room) {
		ev->n++;
		c->version = ev->version - 1;
		c->beat = ev->beats - 1;
		c->next = ev->clients;
		ev->clients = c;
	}
	(void)pthread_mutex_unlock(&ev->lock);
	return room;
}

struct MHD_Response *
events_response(struct events *ev, const atomic_bool *ending, struct MHD_Connection *connection)
{
	struct client *c = calloc(1, sizeof(*c));
	struct MHD_Response *m;

	if (c == NULL)
		return NULL;
	*c = (struct client){
		.events = ev, .connection = connection, .ending = ending, .out = BUF_INIT(EVENT_MAX)
	};
	if (!enter(ev, c)) {
		free(c);
		return NULL;
	}
	m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, on_read, c, on_free);
	if (m == NULL)
		on_free(c);
	return m;
}

void
events_end(struct events *ev, const atomic_bool *ending)
{
	(void)pthread_mutex_lock(&ev->lock);
	for (struct client *c = ev->clients; c != NULL; c = c->next)
		if (c->ending == ending)
			resume(c);
	(void)pthread_mutex_unlock(&ev->lock);
}
