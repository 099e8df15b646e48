#include "server.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "access.h"
#include "base/clock.h"
#include "base/log.h"
#include "crowd.h"
#include "events.h"
#include "reply.h"
#include "routes.h"
#include "spans.h"

#define CONNECTIONS_MAX 512U /* with 40 KiB each at worst */
#define SOCKET_MAX	50U  /* of those on the instance's own socket */
/* Those that were pushed out count until their threads have seen it. */
#define LEAVING_MAX	1024U
#define IDLE_S		30U
#define MEMORY_PER_CONN (16U << 10) /* cleared for every request, so not larger */
#define BODY_MAX	(1U << 20)
#define FORM_BUFFER	512
#define SHOWN_MAX	512 /* of a path, in the access log */
/* A connection that was just accepted is counted a moment later. */
#define COUNTED_MS 100
#define NS_PER_MS  1000000

struct server {
	const struct robot *robot;
	struct replies *replies;
	struct MHD_Daemon *daemon;
	int listener;
	struct crowd *crowd;
	atomic_bool draining;
	atomic_int in_flight;
	atomic_int_fast64_t last_ms; /* a request ended, or the draining began */
	int64_t drained_ms;	     /* when the draining began */
};

struct client {
	struct crowd_member *member;
	char remote[INET6_ADDRSTRLEN];
};

/* From a request's header to the last byte of its answer. */
struct request {
	struct server *server;
	const struct client *client;
	int64_t began_ns;
	size_t came; /* bytes of the body; what does not fit is dropped */
	char *body;  /* ASK_BODY_MAX bytes, once there is one */
	int status;
	bool end; /* the process, once this is answered */
	uint64_t bytes;
	char method[16], path[SHOWN_MAX];
	struct context context;
	struct span *span; /* NULL: not recorded */
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

/* MHD takes a connection that is not const, although it only looks. */
struct lookup {
	struct MHD_Connection *connection;
};

static const char *
find_header(const void *arg, const char *name)
{
	const struct lookup *l = arg;

	return MHD_lookup_connection_value(l->connection, MHD_HEADER_KIND, name);
}

static const char *
find_argument(const void *arg, const char *name)
{
	const struct lookup *l = arg;

	return MHD_lookup_connection_value(l->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const struct client *
client_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static struct client *
client_new(struct server *s, struct MHD_Connection *c)
{
	struct client *new = malloc(sizeof(*new));
	int fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	if (new == NULL)
		return NULL;
	new->member = crowd_enter(s->crowd, fd, clock_mono_ns());
	if (new->member == NULL) {
		free(new);
		return NULL;
	}
	find_remote(c, new->remote, sizeof(new->remote));
	return new;
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **context,
	      enum MHD_ConnectionNotificationCode what)
{
	struct server *s = arg;
	struct client *client = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = client_new(s, c);
		return;
	}
	if (client != NULL && crowd_leave(s->crowd, &client->member))
		(void)malloc_trim(0);
	free(client);
	*context = NULL;
}

static size_t
unescape(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	return ask_unescape(text);
}

static void
copy(char *out, size_t size, const char *text)
{
	size_t n = strnlen(text, size - 1);

	memcpy(out, text, n);
	out[n] = '\0';
}

static struct request *
request_new(struct server *s, struct MHD_Connection *c, const char *method, const char *path)
{
	const struct client *client = client_of(c);
	struct request *q = client != NULL ? malloc(sizeof(*q)) : NULL;
	struct lookup lookup = { c };
	struct ask headers = { .method = method, .header = find_header, .connection = &lookup };

	if (q == NULL)
		return NULL;
	*q = (struct request){ .server = s, .client = client, .began_ns = clock_mono_ns() };
	crowd_progress(client->member, q->began_ns);
	copy(q->method, sizeof(q->method), method);
	copy(q->path, sizeof(q->path), path);
	q->span = spans_request(s->robot, &headers, &q->context);
	atomic_fetch_add(&s->in_flight, 1);
	return q;
}

/* Without "close", a busy client would keep its connection to a server that drains. */
static enum MHD_Result
send_answer(struct server *s, struct MHD_Connection *c, struct answer *a)
{
	bool last = atomic_load(&s->draining), sent;
	struct MHD_Response *m =
		a->events ? events_response(s->robot->events, &s->draining, c) : NULL;

	if (m != NULL) {
		crowd_excuse(s->crowd, client_of(c)->member);
		a->type = "text/event-stream";
		sent = reply_stream(c, a, m, last);
		MHD_destroy_response(m);
		return sent ? MHD_YES : MHD_NO;
	}
	if (a->events) {
		a->retry_later = true;
		answer_error(a, 503, NULL, "more than %d watch already", EVENTS_CLIENTS_MAX);
	}
	return reply_send(s->replies, c, a, last) ? MHD_YES : MHD_NO;
}

/* A field may come in parts; one that does not fit is cut, and then is no
 * number any more that we would take. */
static enum MHD_Result
on_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *file, const char *type,
	 const char *encoding, const char *p, uint64_t at, size_t n)
{
	struct ask *q = arg;
	struct ask_field *f;

	(void)kind;
	(void)file;
	(void)type;
	(void)encoding;
	if (at > 0 || q->fields == ASK_FORM_MAX || strlen(name) >= ASK_FIELD_MAX ||
	    n >= ASK_FIELD_MAX)
		return MHD_YES;
	f = &q->form[q->fields++];
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	(void)snprintf(f->value, sizeof(f->value), "%.*s", (int)n, p != NULL ? p : "");
	return MHD_YES;
}

static void
read_form(struct MHD_Connection *c, struct ask *q)
{
	const char *type = ask_header(q, MHD_HTTP_HEADER_CONTENT_TYPE);
	struct MHD_PostProcessor *p;

	if (q->body.n == 0 || q->body_cut || type == NULL ||
	    strncasecmp(type, MHD_HTTP_POST_ENCODING_FORM_URLENCODED,
			strlen(MHD_HTTP_POST_ENCODING_FORM_URLENCODED)) != 0)
		return;
	p = MHD_create_post_processor(c, FORM_BUFFER, on_field, q);
	if (p == NULL)
		return;
	(void)MHD_post_process(p, q->body.p, q->body.n);
	(void)MHD_destroy_post_processor(p);
}

static enum MHD_Result
answer_now(struct request *r, struct MHD_Connection *c, const char *method, const char *path,
	   const char *version)
{
	struct server *s = r->server;
	struct lookup lookup = { c };
	struct ask q = { .method = method,
			 .path = path,
			 .version = version,
			 .context = &r->context,
			 .remote = r->client->remote,
			 .body = { r->body != NULL ? r->body : "",
				   r->came < ASK_BODY_MAX ? r->came : ASK_BODY_MAX },
			 .body_cut = r->came > ASK_BODY_MAX,
			 .header = find_header,
			 .argument = find_argument,
			 .connection = &lookup };
	struct answer a;
	enum MHD_Result result;

	read_form(c, &q);
	routes_answer(s->robot, &q, &a);
	r->bytes = strcmp(method, "HEAD") == 0 ? 0 : a.body.len;
	result = send_answer(s, c, &a);
	r->status = a.status;
	r->end = a.end;
	spans_answer(r->span, &q, &a);
	buf_clear(&a.body);
	stats_count(s->robot->stats, a.endpoint, clock_mono_ns() - r->began_ns);
	return result;
}

/* Keep what fits of a body. */
static enum MHD_Result
take_body(struct request *q, const char *p, size_t n)
{
	size_t room = q->came < ASK_BODY_MAX ? ASK_BODY_MAX - q->came : 0;

	if (q->body == NULL)
		q->body = malloc(ASK_BODY_MAX);
	if (q->body == NULL)
		return MHD_NO;
	if (room > 0)
		memcpy(q->body + q->came, p, n < room ? n : room);
	q->came += n;
	return q->came <= BODY_MAX ? MHD_YES : MHD_NO;
}

/* A client that says how much it will send is told at once that it is too much. */
static enum MHD_Result
refuse_body(struct request *r, struct MHD_Connection *c)
{
	struct answer a = { .body = BUF_INIT(ANSWER_BODY_MAX), .endpoint = ENDPOINT_OTHER };
	enum MHD_Result result;

	answer_error(&a, 413, NULL, "the body is larger than %u bytes", BODY_MAX);
	r->bytes = a.body.len;
	r->status = a.status;
	result = send_answer(r->server, c, &a);
	buf_clear(&a.body);
	stats_count(r->server->robot->stats, a.endpoint, clock_mono_ns() - r->began_ns);
	return result;
}

static bool
says_too_much(struct MHD_Connection *c)
{
	const char *n =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return n != NULL && strtoull(n, NULL, 10) > BODY_MAX;
}

/* Called once with the header, then with each part of the body, then once
 * more.  An answer to the first call would close the connection after it, and
 * one before the whole body came would be lost to a client that still sends. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
	   const char *version, const char *body, size_t *body_len, void **state)
{
	struct request *q = *state;

	if (q == NULL) {
		*state = q = request_new(arg, c, method, path);
		if (q == NULL)
			return MHD_NO;
		return says_too_much(c) ? refuse_body(q, c) : MHD_YES;
	}
	if (*body_len > 0) {
		size_t n = *body_len;

		*body_len = 0;
		return take_body(q, body, n);
	}
	return answer_now(q, c, method, path, version);
}

static void
note(const struct server *s, const struct request *q)
{
	struct access_line line = { .remote = q->client->remote,
				    .method = q->method,
				    .path = q->path,
				    .status = q->status,
				    .bytes = q->bytes,
				    .ns = clock_mono_ns() - q->began_ns,
				    .context = &q->context };

	access_write(s->robot->access, &line);
	log_debug("%s %s '%s': %d, %.1f ms", line.remote, line.method, line.path, line.status,
		  (double)line.ns / NS_PER_MS);
}

static void
on_done(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct server *s = arg;
	struct request *q = *state;
	int64_t now;

	(void)c;
	(void)why;
	if (q == NULL)
		return;
	if (q->status != 0)
		note(s, q);
	else
		span_fail(q->span, "ended before its answer");
	trace_end(s->robot->trace, &q->span);
	/* like a signal from outside, so that there is one way to end */
	if (q->end)
		(void)kill(getpid(), SIGTERM);
	now = clock_mono_ns();
	crowd_progress(q->client->member, now);
	free(q->body);
	free(q);
	*state = NULL;
	atomic_store(&s->last_ms, now / NS_PER_MS);
	atomic_fetch_sub(&s->in_flight, 1);
}

static void
forget(struct server **s)
{
	crowd_free(&(*s)->crowd);
	replies_free(&(*s)->replies);
	free(*s);
	*s = NULL;
}

int
server_start(const struct robot *r, int listener, int threads, struct server **ret, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	struct MHD_OptionItem pool[] = { { MHD_OPTION_THREAD_POOL_SIZE, threads, NULL },
					 { MHD_OPTION_END, 0, NULL } };

	unsigned int most = threads > 1 ? CONNECTIONS_MAX : SOCKET_MAX;

	if (s == NULL) {
		(void)close(listener);
		return err_nomem(e);
	}
	s->robot = r;
	s->listener = listener;
	if (crowd_new(most, &s->crowd, e) < 0 || replies_new(&s->replies, e) < 0) {
		(void)close(listener);
		forget(&s);
		return -1;
	}
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_USE_ITC |
			MHD_ALLOW_SUSPEND_RESUME,
		0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, listener,
		MHD_OPTION_NOTIFY_COMPLETED, on_done, s, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, unescape, s,
		MHD_OPTION_CONNECTION_LIMIT, (most + LEAVING_MAX) * (unsigned int)threads,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONN, MHD_OPTION_ARRAY, threads > 1 ? pool : pool + 1,
		MHD_OPTION_END);
	if (s->daemon == NULL) {
		forget(&s);
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
	events_end(s->robot->events, &s->draining);
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
	forget(s);
}
