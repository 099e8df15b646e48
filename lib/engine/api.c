#include "engine/api.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jsn.h"
#include "base/scope.h"

#define API_MINOR_MIN 40
#define API_MINOR_MAX 51
#define IDLE_MS	      60000
#define UNIX_SCHEME   "unix://"

/* Why an answer is not what was asked for. */
static enum err_code
judge(int status, const char *words)
{
	if (strstr(words, API_NO_SPACE) != NULL)
		return ERR_SPACE;
	if (status == 404)
		return ERR_NOTFOUND;
	return status >= 500 ? ERR_TEMP : ERR_NO;
}

int
api_refuse(const struct http_resp *r, struct err *e)
{
	char words[ERR_MSG_MAX];

	http_explain(r, words, sizeof(words));
	return err_set(e, judge(r->status, words), "%s", words);
}

/* The engine's 5xx come back as ERR_TEMP with its words. */
static int
failed(const struct api *a, struct err *e)
{
	if (e != NULL && strstr(e->msg, API_NO_SPACE) != NULL)
		e->code = ERR_SPACE;
	return err_wrap(e, "engine at '%s'", a->socket);
}

int
api_url(const struct api *a, const char *path, struct buf *ret, struct err *e)
{
	buf_adds(ret, "http://docker");
	if (a->version[0] != '\0')
		buf_addf(ret, "/v%s", a->version);
	buf_adds(ret, path);
	return buf_ok(ret, "address", e);
}

int
api_call(struct api *a, const char *method, const char *path, const struct json_t *body,
	 struct http_resp *ret, struct err *e)
{
	static const char *const json_type[] = { "Content-Type: application/json", NULL };
	AUTO_BUF
	struct buf url = BUF_INIT(API_URL_MAX);
	AUTO_FREE
	char *text = NULL;
	struct http_req q = { .method = method, .max = HTTP_BODY_MAX };

	if (api_url(a, path, &url, e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	if (body != NULL) {
		text = jsn_dump(body);
		if (text == NULL)
			return err_nomem(e);
		q.headers = json_type;
		q.body = text;
		q.body_len = strlen(text);
	} else if (strcmp(method, "POST") == 0) {
		q.body = "";
	}
	if (http_do(a->http, &q, ret, e) < 0)
		return failed(a, e);
	return 0;
}

int
api_ask(struct api *a, const char *method, const char *path, const struct json_t *body, int also_ok,
	struct json_t **ret, struct err *e)
{
	AUTO_RESP struct http_resp r = { 0 };

	if (api_call(a, method, path, body, &r, e) < 0)
		return -1;
	if (r.status != also_ok && (r.status < 200 || r.status > 299))
		return api_refuse(&r, e);
	if (ret == NULL)
		return 0;
	*ret = jsn_parse(view_buf(&r.body), "the engine's answer", e);
	return *ret != NULL ? 0 : -1;
}

int
api_negotiate(const struct json_t *answer, char out[16], struct err *e)
{
	const char *newest = jsn_str_or(answer, "ApiVersion", "");
	const char *oldest = jsn_str_or(answer, "MinAPIVersion", "1.12");
	int max, min, speak;

	if (sscanf(newest, "1.%d", &max) != 1 || sscanf(oldest, "1.%d", &min) != 1)
		return err_set(e, ERR_SYS, "not a Docker Engine: no API version 1.x in its answer");
	if (max < API_MINOR_MIN)
		return err_set(e, ERR_SYS,
			       "the engine is too old: it speaks API %s, needed is 1.%d", newest,
			       API_MINOR_MIN);
	speak = max < API_MINOR_MAX ? max : API_MINOR_MAX;
	if (speak < min)
		return err_set(e, ERR_SYS,
			       "the engine is too new: it speaks API %s and up, not 1.%d", oldest,
			       API_MINOR_MAX);
	(void)snprintf(out, 16, "1.%d", speak);
	return 0;
}

bool
api_at_least(const struct api *a, int minor)
{
	int have;

	return sscanf(a->version, "1.%d", &have) == 1 && have >= minor;
}

/* One line that names the socket and what to do about it. */
static int
unreachable(const struct api *a, const struct err *why, struct err *e)
{
	if (access(a->socket, R_OK | W_OK) < 0) {
		err_sys(e, "no container engine at '%s'", a->socket);
		if (e != NULL)
			e->code = ERR_SYS;
		return -1;
	}
	return err_set(e, ERR_SYS, "no container engine answers at '%s'%s%s", a->socket,
		       why->code == ERR_TEMP ? "" : ": ", why->code == ERR_TEMP ? "" : why->msg);
}

static int
connect_engine(struct api *a, struct err *e)
{
	struct http_opts o = { .unix_socket = a->socket, .idle_ms = IDLE_MS };
	AUTO_JSN struct json_t *answer = NULL;
	struct err why = { 0 };

	if (http_new(&o, &a->http, e) < 0)
		return -1;
	if (api_ask(a, "GET", "/version", NULL, 0, &answer, &why) < 0)
		return unreachable(a, &why, e);
	(void)snprintf(a->engine, sizeof(a->engine), "%s", jsn_str_or(answer, "Version", "?"));
	if (api_negotiate(answer, a->version, e) < 0)
		return err_wrap(e, "engine at '%s'", a->socket);
	return 0;
}

int
api_open(const char *host, struct api **ret, struct err *e)
{
	AUTO_API struct api *a = NULL;

	if (strncmp(host, UNIX_SCHEME, strlen(UNIX_SCHEME)) != 0 ||
	    host[strlen(UNIX_SCHEME)] != '/')
		return err_set(e, ERR_CONFIG,
			       "engine '%s': only unix:///PATH is understood, not tcp:// or ssh://",
			       host);
	a = calloc(1, sizeof(*a));
	if (a == NULL || (a->socket = strdup(host + strlen(UNIX_SCHEME))) == NULL)
		return err_nomem(e);
	if (connect_engine(a, e) < 0)
		return -1;
	*ret = TAKE_PTR(a);
	return 0;
}

void
api_close(struct api **a)
{
	if (*a == NULL)
		return;
	http_free(&(*a)->http);
	free((*a)->socket);
	free(*a);
	*a = NULL;
}
