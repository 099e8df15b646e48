#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "access.h"
#include "base/clock.h"
#include "routes.h"

#define CONNECTIONS_MAX 1000U
#define IDLE_S		30U
#define MEMORY_PER_CONN (32U << 10)
#define BODY_MAX	(1U << 20)
#define SHOWN_MAX	512 /* of a path, in the access log */
/* A connection that was just accepted is counted a moment later. */
#define COUNTED_MS 100

struct server {
	const struct robot *robot;
	struct MHD_Daemon *daemon;
	int listener;
	atomic_bool draining;
	atomic_int in_flight;
	atomic_int_fast64_t last_ms; /* a request began or ended, or the draining */
	int64_t drained_ms;	     /* when the draining began */
};

/* From a request's header to the last byte of its answer. */
struct request {
	struct server *server;
	int64_t began_ns;
	size_t body; /* bytes that came and were dropped */
	int status;
	uint64_t bytes;
	char remote[INET6_ADDRSTRLEN], method[16], path[SHOWN_MAX];
};

static const char *const every_answer[][2] = {
	{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-store" },
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
	  "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static void
find_remote(struct MHD_Connection *c, char *out, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	(void)snprintf(out, size, "unix");
	if (info == NULL || info->client_addr == NULL)
		return;
	if (info->client_addr->sa_family == AF_INET) {
		memcpy(&in, info->client_addr, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, out, (socklen_t)size);
	} else if (info->client_addr->sa_family == AF_INET6) {
		memcpy(&in6, info->client_addr, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, out, (socklen_t)size);
	}
}

static struct request *
request_new(struct server *s, struct MHD_Connection *c, const char *method, const char *path)
{
	struct request *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->server = s;
	q->began_ns = clock_mono_ns();
	(void)snprintf(q->method, sizeof(q->method), "%s", method);
	(void)snprintf(q->path, sizeof(q->path), "%s", path);
	find_remote(c, q->remote, sizeof(q->remote));
	atomic_fetch_add(&s->in_flight, 1);
	atomic_store(&s->last_ms, clock_mono_ms());
	return q;
}

static enum MHD_Result
send_answer(struct server *s, struct MHD_Connection *c, struct answer *a)
{
	struct MHD_Response *m;
	size_t n = a->body.len;
	char *body = buf_take(&a->body);
	enum MHD_Result result;

	if (body == NULL)
		return MHD_NO;
	m = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
	if (m == NULL) {
		free(body);
		return MHD_NO;
	}
	for (size_t i = 0; i < COUNT_OF(every_answer); i++)
		(void)MHD_add_response_header(m, every_answer[i][0], every_answer[i][1]);
	(void)MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	if (a->allow != NULL)
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_ALLOW, a->allow);
	/* without this, a busy client would keep its connection to us forever */
	if (atomic_load(&s->draining))
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(c, (unsigned int)a->status, m);
	MHD_destroy_response(m);
	return result;
}

static enum MHD_Result
answer_now(struct request *q, struct MHD_Connection *c, const char *method, const char *path)
{
	struct server *s = q->server;
	struct answer a;
	enum MHD_Result result;

	routes_answer(s->robot, method, path, &a);
	q->status = a.status;
	q->bytes = strcmp(method, "HEAD") == 0 ? 0 : a.body.len;
	result = send_answer(s, c, &a);
	buf_clear(&a.body);
	stats_count(s->robot->stats, a.endpoint, clock_mono_ns() - q->began_ns);
	return result;
}

/* Called once with the header, then with each part of the body, then once
 * more.  An answer to the first call would close the connection after it, and
 * one before the whole body came would be lost to a client that still sends. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
	   const char *version, const char *body, size_t *body_len, void **state)
{
	struct request *q = *state;

	(void)version;
	(void)body;
	if (q == NULL) {
		*state = request_new(arg, c, method, path);
		return *state != NULL ? MHD_YES : MHD_NO;
	}
	if (*body_len > 0) {
		q->body += *body_len;
		*body_len = 0;
		return q->body <= BODY_MAX ? MHD_YES : MHD_NO;
	}
	return answer_now(q, c, method, path);
}

static void
on_done(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct server *s = arg;
	struct request *q = *state;

	(void)c;
	(void)why;
	if (q == NULL)
		return;
	if (q->status != 0)
		access_write(s->robot->access,
			     &(struct access_line){ .remote = q->remote,
						    .method = q->method,
						    .path = q->path,
						    .status = q->status,
						    .bytes = q->bytes,
						    .ns = clock_mono_ns() - q->began_ns });
	free(q);
	*state = NULL;
	atomic_store(&s->last_ms, clock_mono_ms());
	atomic_fetch_sub(&s->in_flight, 1);
}

int
server_start(const struct robot *r, int listener, int threads, struct server **ret, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	struct MHD_OptionItem pool[] = { { MHD_OPTION_THREAD_POOL_SIZE, threads, NULL },
					 { MHD_OPTION_END, 0, NULL } };

	if (s == NULL) {
		(void)close(listener);
		return err_nomem(e);
	}
	s->robot = r;
	s->listener = listener;
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, s,
		MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONN, MHD_OPTION_ARRAY,
		threads > 1 ? pool : pool + 1, MHD_OPTION_END);
	if (s->daemon == NULL) {
		free(s);
		return err_set(e, ERR_SYS, "start the HTTP server: no threads or no memory");
	}
	*ret = s;
	return 0;
}

void
server_drain(struct server *s)
{
	if (atomic_exchange(&s->draining, true))
		return;
	s->drained_ms = clock_mono_ms();
	atomic_store(&s->last_ms, s->drained_ms);
	(void)MHD_quiesce_daemon(s->daemon);
	/* not close: a thread may be about to accept, and the number would be
	 * somebody else's by then */
	(void)shutdown(s->listener, SHUT_RDWR);
}

bool
server_quiet(const struct server *s, int64_t grace_ms)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	int64_t now = clock_mono_ms();

	if (now - s->drained_ms < COUNTED_MS)
		return false;
	if (info != NULL && info->num_connections == 0)
		return true;
	return atomic_load(&s->in_flight) == 0 && now - atomic_load(&s->last_ms) >= grace_ms;
}

void
server_free(struct server **s)
{
	if (*s == NULL)
		return;
	server_drain(*s);
	MHD_stop_daemon((*s)->daemon);
	(void)close((*s)->listener);
	free(*s);
	*s = NULL;
}
