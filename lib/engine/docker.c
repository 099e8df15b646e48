#include "engine/docker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsn.h"
#include "base/scope.h"
#include "engine/api.h"
#include "engine/ending.h"
#include "engine/local.h"
#include "engine/stream.h"
#include "oci/digest.h"
#include "trust/period.h"

#define MINOR_MANY    44 /* from here on create takes several networks */
#define AUTH_BYTES    (64U << 10)
#define PULL_IDLE_MS  600000 /* a large layer is unpacked without a word */
#define EXEC_GRACE_MS 2000
#define STOP_S_MAX    86400
#define STOP_MORE_MS  60000
#define LOG_BYTES     (64U << 10)
#define EVENTS_MS     1000
#define MS_PER_S      1000
#define REMOVING_MS   20000
#define LOOK_AGAIN_MS 50

/* "/containers/ID/verb?query" with the id quoted. */
static const char *
container_path(struct buf *b, const char *id, const char *rest)
{
	buf_adds(b, "/containers/");
	http_quote(b, id);
	buf_adds(b, rest);
	return buf_cstr(b);
}

static int
post(struct api *d, const char *id, const char *rest, const struct json_t *body, int also_ok,
     struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);

	return api_ask(d, "POST", container_path(&path, id, rest), body, also_ok, NULL, e);
}

static void
close_host(void *self)
{
	struct api *a = self;

	api_close(&a);
}

static const char *
version(const void *self)
{
	return ((const struct api *)self)->engine;
}

static const char *
api(const void *self)
{
	return ((const struct api *)self)->version;
}

static int
info(void *self, struct json_t **ret, struct err *e)
{
	return api_ask(self, "GET", "/info", NULL, 0, ret, e);
}

static int
container(void *self, const char *id, struct json_t **ret, struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);

	return api_ask(self, "GET", container_path(&path, id, "/json"), NULL, 0, ret, e);
}

static int
image(void *self, const char *ref, struct json_t **ret, struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);

	buf_addf(&path, "/images/%s/json", ref);
	return api_ask(self, "GET", buf_cstr(&path), NULL, 0, ret, e);
}

static bool
has_digest(const struct json_t *img, const struct digest *want)
{
	const struct json_t *all = jsn_get(img, "RepoDigests");

	for (size_t i = 0; i < jsn_len(all); i++) {
		const char *s = jsn_str_or(jsn_at(all, i), "", "");
		const char *at = strrchr(s, '@');

		if (at != NULL && strcmp(at + 1, want->str) == 0)
			return true;
	}
	return false;
}

/* One line of the pull's progress; an error in it fails the pull, although the
 * answer's status was 200. */
static int
pull_line(void *arg, struct view line, struct err *e)
{
	AUTO_JSN struct json_t *j = jsn_parse(line, "the engine's progress", NULL);
	const char *words = jsn_str(j, "errorDetail.message");

	(void)arg;
	if (words == NULL)
		words = jsn_str(j, "error");
	if (words == NULL)
		return 0;
	if (strstr(words, API_NO_SPACE) != NULL)
		return err_set(e, ERR_SPACE, "%s", words);
	if (strstr(words, "manifest unknown") != NULL || strstr(words, "not found") != NULL)
		return err_set(e, ERR_NOTFOUND, "%s", words);
	return err_set(e, ERR_TEMP, "%s", words);
}

static int
pull_stream(struct api *d, const char *repo, const struct digest *want, const char *auth,
	    const volatile bool *stop, struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);
	AUTO_BUF
	struct buf url = BUF_INIT(API_URL_MAX);
	AUTO_HTTP struct http *h = NULL;
	AUTO_STREAM struct http_stream *s = NULL;
	AUTO_BUF struct buf header = BUF_INIT(AUTH_BYTES);
	const char *headers[] = { NULL, NULL };
	struct http_req q = { .method = "POST", .body = "", .headers = headers };

	buf_addf(&header, "X-Registry-Auth: %s", auth);
	if (buf_ok(&header, "credentials", e) < 0)
		return -1;
	if (auth[0] != '\0')
		headers[0] = buf_cstr(&header);
	buf_adds(&path, "/images/create?fromImage=");
	http_quote(&path, repo);
	buf_adds(&path, "&tag=");
	http_quote(&path, want->str);
	if (api_url(d, buf_cstr(&path), &url, e) < 0 ||
	    api_session(d, PULL_IDLE_MS, stop, &h, e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	if (http_open(h, &q, &s, e) < 0)
		return api_failed(d, e);
	return stream_lines(s, pull_line, NULL, e);
}

static int
pull(void *self, const char *repo, const struct digest *want, const char *auth,
     const volatile bool *stop, struct err *e)
{
	AUTO_BUF
	struct buf ref = BUF_INIT(API_URL_MAX);
	AUTO_JSN struct json_t *img = NULL;

	if (pull_stream(self, repo, want, auth, stop, e) < 0)
		return -1;
	buf_addf(&ref, "%s@%s", repo, want->str);
	if (image(self, buf_cstr(&ref), &img, e) < 0)
		return err_wrap(e, "pulled, but not there");
	if (!has_digest(img, want))
		return err_set(e, ERR_DATA, "pulled, but the engine has no image '%s'",
			       buf_cstr(&ref));
	return 0;
}

static int
tag(void *self, const char *ref, const char *repo, const char *name, struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);

	buf_addf(&path, "/images/%s/tag?repo=", ref);
	http_quote(&path, repo);
	buf_adds(&path, "&tag=");
	http_quote(&path, name);
	return api_ask(self, "POST", buf_cstr(&path), NULL, 0, NULL, e);
}

static int
image_remove(void *self, const char *ref, struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);

	buf_addf(&path, "/images/%s", ref);
	return api_ask(self, "DELETE", buf_cstr(&path), NULL, 404, NULL, e);
}

/* Engines before API 1.44 take one network at creation: the others are cut off
 * here and joined afterwards. */
static struct json_t *
cut_networks(const struct api *d, struct json_t *spec)
{
	struct json_t *all = jsn_mutable(jsn_get(spec, "NetworkingConfig.EndpointsConfig"));
	const char *mode = jsn_str_or(spec, "HostConfig.NetworkMode", "");
	struct json_t *later;

	if (jsn_len(all) < 2 || api_at_least(d, MINOR_MANY))
		return NULL;
	if (jsn_at_key(all, mode) == NULL)
		mode = jsn_key(jsn_first(all));
	later = jsn_copy(all);
	jsn_remove(later, mode);
	for (void *it = jsn_first(later); it != NULL; it = jsn_next(later, it))
		jsn_remove(all, jsn_key(it));
	return later;
}

static int
join_networks(struct api *d, const char *id, const struct json_t *later, struct err *e)
{
	if (later == NULL)
		return 0;
	for (void *it = jsn_first(later); it != NULL; it = jsn_next(later, it)) {
		AUTO_BUF
		struct buf path = BUF_INIT(API_URL_MAX);
		AUTO_JSN struct json_t *body = jsn_object();

		buf_adds(&path, "/networks/");
		http_quote(&path, jsn_key(it));
		buf_adds(&path, "/connect");
		jsn_set_str(body, "Container", id);
		jsn_set(body, "EndpointConfig", jsn_copy(jsn_value(it)));
		if (api_ask(d, "POST", buf_cstr(&path), body, 0, NULL, e) < 0)
			return err_wrap(e, "join network '%s'", jsn_key(it));
	}
	return 0;
}

/* true once it is gone; a removal that a killed run had asked for may be under way still. */
static bool
wait_gone(void *self, const char *id)
{
	struct deadline until = clock_deadline(REMOVING_MS);

	for (;;) {
		AUTO_JSN struct json_t *c = NULL;
		struct err why = { 0 };

		if (container(self, id, &c, &why) < 0)
			return why.code == ERR_NOTFOUND;
		if (strcmp(jsn_str_or(c, "State.Status", ""), "removing") != 0 || clock_over(until))
			return false;
		clock_sleep_ms(LOOK_AGAIN_MS, NULL);
	}
}

static int
remove_container(void *self, const char *id, struct err *e)
{
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);
	struct err why = { 0 };

	if (api_ask(self, "DELETE", container_path(&path, id, "?force=1"), NULL, 404, NULL, &why) ==
		    0 ||
	    wait_gone(self, id))
		return 0;
	return err_set(e, why.code, "%s", why.msg);
}

static int
create(void *self, const char *name, const struct json_t *given, char ret_id[ENGINE_ID_MAX],
       struct err *e)
{
	struct api *d = self;
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);
	AUTO_JSN struct json_t *spec = jsn_copy(given);
	AUTO_JSN struct json_t *later = cut_networks(d, spec);
	AUTO_JSN struct json_t *answer = NULL;
	const char *id;

	buf_adds(&path, "/containers/create?name=");
	http_quote(&path, name);
	if (api_ask(d, "POST", buf_cstr(&path), spec, 0, &answer, e) < 0 ||
	    jsn_need_str(answer, "Id", "the engine's answer", &id, e) < 0)
		return -1;
	if (strlen(id) >= ENGINE_ID_MAX)
		return err_set(e, ERR_DATA, "the engine's container id is too long");
	if (join_networks(d, id, later, e) < 0)
		goto undo;
	(void)snprintf(ret_id, ENGINE_ID_MAX, "%s", id);
	return 0;
undo:
	(void)remove_container(d, id, NULL);
	return -1;
}

static int
start(void *self, const char *id, struct err *e)
{
	struct err why = { 0 };

	if (post(self, id, "/start", NULL, 304, &why) == 0)
		return 0;
	/* a program that is not in the image is answered like a missing container */
	if (why.code == ERR_NOTFOUND && strstr(why.msg, "No such container") == NULL)
		why.code = ERR_NO;
	return err_set(e, why.code, "%s", why.msg);
}

/* The engine answers when it is done, and says nothing until then. */
static int
stop(void *self, const char *id, struct err *e)
{
	struct api patient = *(struct api *)self;
	AUTO_JSN struct json_t *c = NULL;
	AUTO_HTTP struct http *h = NULL;
	int64_t s;

	if (container(self, id, &c, e) < 0)
		return -1;
	s = jsn_int(c, "Config.StopTimeout", ENGINE_STOP_S);
	if (s <= ENGINE_STOP_S)
		return post(self, id, "/stop", NULL, 304, e);
	if (api_session(self, s < STOP_S_MAX ? s * 1000 + STOP_MORE_MS : STOP_S_MAX * 1000, NULL,
			&h, e) < 0)
		return -1;
	patient.http = h;
	return post(&patient, id, "/stop", NULL, 304, e);
}

static int
signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = { { "SIGUSR1", SIGUSR1 }, { "SIGUSR2", SIGUSR2 }, { "SIGHUP", SIGHUP } };

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].number;
	return 0;
}

static int
kill_container(void *self, const char *id, const char *signal, struct err *e)
{
	const struct api *d = self;
	AUTO_JSN struct json_t *c = NULL;
	int number = signal_number(signal);
	char rest[64];

	if (container(self, id, &c, e) < 0)
		return -1;
	if (d->address.kind == ADDRESS_UNIX && number != 0 && jsn_bool(c, "State.Running", false) &&
	    local_signal(jsn_int(c, "State.Pid", 0), jsn_str_or(c, "Id", ""), number))
		return 0;
	(void)snprintf(rest, sizeof(rest), "/kill?signal=%s", signal);
	return post(self, id, rest, NULL, 0, e);
}

static int
rename_container(void *self, const char *id, const char *name, struct err *e)
{
	AUTO_BUF
	struct buf rest = BUF_INIT(API_URL_MAX);
	AUTO_JSN struct json_t *c = NULL;
	struct err why = { 0 };

	buf_adds(&rest, "/rename?name=");
	http_quote(&rest, name);
	if (post(self, id, buf_cstr(&rest), NULL, 0, &why) == 0)
		return 0;
	/* the engine refuses a name that it has already */
	if (container(self, id, &c, NULL) == 0 && strcmp(jsn_str_or(c, "Name", "/") + 1, name) == 0)
		return 0;
	return err_set(e, why.code, "%s", why.msg);
}

static int
restart_policy(void *self, const char *id, const struct json_t *policy, struct err *e)
{
	AUTO_JSN struct json_t *body = jsn_object();
	AUTO_JSN struct json_t *c = NULL;
	struct err why = { 0 };

	jsn_set(body, "RestartPolicy", jsn_copy(policy));
	if (post(self, id, "/update", body, 0, &why) == 0)
		return 0;
	/* where there is no such request, it is answered like a missing container */
	if (why.code == ERR_NOTFOUND && container(self, id, &c, NULL) == 0)
		return 1;
	return err_set(e, why.code, "%s", why.msg);
}

static int
exec_start(struct api *d, const char *exec_id, int64_t timeout_ms, struct engine_exec *ret,
	   struct err *e)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	static const char body[] = "{\"Detach\":false,\"Tty\":false}";
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);
	AUTO_BUF
	struct buf url = BUF_INIT(API_URL_MAX);
	AUTO_STREAM struct http_stream *s = NULL;
	struct deadline until = clock_deadline(timeout_ms);
	struct err why = { 0 };
	struct http_req q = { .method = "POST", .headers = headers, .deadline = until };

	buf_addf(&path, "/exec/%s/start", exec_id);
	if (api_url(d, buf_cstr(&path), &url, e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	q.body = body;
	q.body_len = sizeof(body) - 1;
	if (http_open(d->http, &q, &s, &why) == 0 &&
	    stream_output(s, ret->out, sizeof(ret->out), &why) == 0)
		return 0;
	if (!clock_over(until))
		return err_set(e, why.code, "%s", why.msg);
	ret->status = -1;
	(void)snprintf(ret->out, sizeof(ret->out), "no answer in %" PRId64 " ms", timeout_ms);
	return 0;
}

static int
exec(void *self, const char *id, const char *const *argv, int64_t timeout_ms,
     struct engine_exec *ret, struct err *e)
{
	struct api *d = self;
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);
	AUTO_JSN struct json_t *body = jsn_object();
	AUTO_JSN struct json_t *made = NULL;
	AUTO_JSN struct json_t *after = NULL;
	struct json_t *cmd = jsn_array();
	const char *exec_id;

	for (; *argv != NULL; argv++)
		jsn_push(cmd, jsn_string(*argv));
	jsn_set(body, "Cmd", cmd);
	jsn_set_bool(body, "AttachStdout", true);
	jsn_set_bool(body, "AttachStderr", true);
	if (api_ask(d, "POST", container_path(&path, id, "/exec"), body, 0, &made, e) < 0 ||
	    jsn_need_str(made, "Id", "the engine's answer", &exec_id, e) < 0)
		return -1;
	*ret = (struct engine_exec){ 0 };
	if (exec_start(d, exec_id, timeout_ms + EXEC_GRACE_MS, ret, e) < 0)
		return -1;
	if (ret->status < 0)
		return 0;
	buf_reset(&path);
	buf_addf(&path, "/exec/%s/json", exec_id);
	if (api_ask(d, "GET", buf_cstr(&path), NULL, 0, &after, e) < 0)
		return -1;
	ret->status = (int)jsn_int(after, "ExitCode", -1);
	return 0;
}

/* Docker makes its own bridge anew whenever it comes up, if nothing runs then. */
static int64_t
up_since(struct api *d)
{
	AUTO_JSN struct json_t *bridge = NULL;
	const char *own;
	int64_t ms = 0;

	if (api_ask(d, "GET", "/networks/bridge", NULL, 0, &bridge, NULL) < 0)
		return 0;
	own = jsn_str_or(
		jsn_at_key(jsn_get(bridge, "Options"), "com.docker.network.bridge.default_bridge"),
		"", "");
	if (strcmp(own, "true") == 0)
		(void)period_parse_time(view_of(jsn_str_or(bridge, "Created", "")), &ms);
	return ms;
}

static int
end_of(void *self, const struct json_t *inspected, bool just_now, enum engine_end *ret,
       struct err *e)
{
	struct api *d = self;
	AUTO_BUF struct buf url = BUF_INIT(API_URL_MAX);
	AUTO_STREAM struct http_stream *s = NULL;
	AUTO_BUF struct buf path = BUF_INIT(API_URL_MAX);
	struct ending end = { .id = jsn_str_or(inspected, "Id", ""), .up_ms = up_since(d) };
	struct http_req q = { .deadline = clock_deadline(EVENTS_MS) };
	struct err why = { 0 };

	(void)period_parse_time(view_of(jsn_str_or(inspected, "State.FinishedAt", "")),
				&end.finished_ms);
	buf_adds(&path, "/events?since=1");
	*ret = ENGINE_END_ITSELF;
	if (ending_is_past(&end))
		buf_addf(&path, "&until=%" PRId64, end.up_ms / MS_PER_S + 1);
	else if (!just_now)
		return 0;
	if (api_url(d, buf_cstr(&path), &url, e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	/* what it remembers comes at once, and then what happens */
	if (http_open(d->http, &q, &s, &why) < 0 ||
	    (stream_lines(s, ending_take, &end, &why) < 0 && !end.over && !clock_over(q.deadline)))
		return err_set(e, why.code, "%s", why.msg);
	*ret = ending_judge(&end);
	return 0;
}

static int
last_line(void *self, const char *id, char *out, size_t size, struct err *e)
{
	struct api *d = self;
	AUTO_BUF
	struct buf path = BUF_INIT(API_URL_MAX);
	AUTO_RESP struct http_resp r = { 0 };
	AUTO_FREE
	char *text = malloc(LOG_BYTES);
	struct view line;

	if (text == NULL)
		return err_nomem(e);
	if (api_call(d, "GET", container_path(&path, id, "/logs?stdout=1&stderr=1&tail=1"), NULL,
		     &r, e) < 0)
		return -1;
	if (r.status != 200)
		return api_refuse(&r, e);
	stream_plain(view_buf(&r.body), text, LOG_BYTES);
	line = view_trim(view_of(text));
	(void)snprintf(out, size, VIEW_FMT, VIEW_ARG(line));
	return 0;
}

static int
logs(void *self, const char *id, int lines, int64_t ms, struct buf *ret, struct err *e)
{
	struct api *d = self;
	AUTO_BUF struct buf path = BUF_INIT(API_URL_MAX);
	AUTO_BUF struct buf url = BUF_INIT(API_URL_MAX);
	AUTO_RESP struct http_resp r = { 0 };
	AUTO_FREE char *text = NULL;
	struct http_req q = { .deadline = clock_deadline(ms) };
	char rest[64];
	size_t n, cut;

	(void)snprintf(rest, sizeof(rest), "/logs?stdout=1&stderr=1&timestamps=1&tail=%d", lines);
	if (api_url(d, container_path(&path, id, rest), &url, e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	if (http_do(d->http, &q, &r, e) < 0)
		return -1;
	if (r.status != 200)
		return api_refuse(&r, e);
	text = malloc(r.body.len + 1);
	if (text == NULL)
		return err_nomem(e);
	stream_plain(view_buf(&r.body), text, r.body.len + 1);
	n = strlen(text);
	cut = n > ret->max - ret->len ? n - (ret->max - ret->len) : 0;
	buf_add(ret, text + cut, n - cut);
	return 0;
}

static const struct host_ops ops = {
	.close = close_host,
	.version = version,
	.api = api,
	.info = info,
	.container = container,
	.image = image,
	.pull = pull,
	.tag = tag,
	.image_remove = image_remove,
	.create = create,
	.start = start,
	.stop = stop,
	.kill = kill_container,
	.rename = rename_container,
	.restart_policy = restart_policy,
	.remove = remove_container,
	.exec = exec,
	.end = end_of,
	.last_line = last_line,
	.logs = logs,
};

int
docker_open(const char *host, const struct engine_opts *o, const struct host_ops **ret_ops,
	    void **ret_self, struct err *e)
{
	struct api *a;

	if (api_open(host, o, &a, e) < 0)
		return -1;
	*ret_ops = &ops;
	*ret_self = a;
	return 0;
}
