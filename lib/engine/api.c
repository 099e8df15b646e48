#include "engine/api.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jsn.h"
#include "base/scope.h"
#include "engine/ssh.h"

#define API_MINOR_MIN 40
#define API_MINOR_MAX 51
#define IDLE_MS	      60000
#define OPEN_MS	      30000
#define PORT_TLS      2376
#define PORT_PLAIN    2375
#define HELLO	      "/_ping" /* has the version of the API in its header */

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

/* In the words of what stands before the engine: Go's, or OpenSSL's. */
static bool
refuses_certificate(const char *words)
{
	return strstr(words, "certificate") != NULL || strstr(words, "alert unknown ca") != NULL;
}

/* The engine's 5xx come back as ERR_TEMP with its words. */
int
api_failed(const struct api *a, struct err *e)
{
	const char *words = a->ssh != NULL ? ssh_words(a->ssh) : "";

	if (e == NULL)
		return -1;
	if (strstr(e->msg, API_NO_SPACE) != NULL)
		e->code = ERR_SPACE;
	if (words[0] != '\0' && e->code == ERR_TEMP)
		(void)err_set(e, ssh_needs_person(words) ? ERR_SYS : ERR_TEMP, "%s", words);
	/* one that is wrong today is wrong tomorrow */
	if (a->address.kind == ADDRESS_TCP && e->code == ERR_TEMP && refuses_certificate(e->msg))
		e->code = ERR_SYS;
	return err_wrap(e, "engine at '%s'", a->name);
}

int
api_url(const struct api *a, const char *path, struct buf *ret, struct err *e)
{
	buf_adds(ret, a->base);
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
		return api_failed(a, e);
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
api_negotiate(const char *newest, const char *oldest, char out[16], struct err *e)
{
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

/* One line that names the place and what to do about it. */
static int
unreachable(const struct api *a, const struct err *why, struct err *e)
{
	if (a->address.kind == ADDRESS_UNIX && access(a->name, R_OK | W_OK) < 0) {
		err_sys(e, "no container engine at '%s'", a->name);
		if (e != NULL)
			e->code = ERR_SYS;
		return -1;
	}
	if (a->address.kind == ADDRESS_UNIX)
		return err_set(e, ERR_SYS, "no container engine answers at '%s'%s%s", a->name,
			       why->code == ERR_TEMP ? "" : ": ",
			       why->code == ERR_TEMP ? "" : why->msg);
	/* who answers so is no engine */
	return err_set(e,
		       why->code == ERR_NO || why->code == ERR_NOTFOUND || why->code == ERR_DATA
			       ? ERR_SYS
			       : why->code,
		       "%s", why->msg);
}

static int
get(const struct api *a, struct http *h, const char *path, struct http_resp *ret, struct err *e)
{
	AUTO_BUF
	struct buf url = BUF_INIT(API_URL_MAX);
	struct http_req q = { .max = HTTP_BODY_MAX, .deadline = clock_deadline(OPEN_MS) };

	if (api_url(a, path, &url, e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	if (http_do(h, &q, ret, e) < 0)
		return api_failed(a, e);
	if (ret->status != 200) {
		(void)api_refuse(ret, e);
		return api_failed(a, e);
	}
	return 0;
}

/* Newer TLS refuses a certificate after the handshake, and its words may be lost
 * in the connection's end: asked once more, without it. */
static void
ask_why(const struct api *a, struct err *why)
{
	struct http_opts o = {
		.ca_file = a->ca, .cert_file = a->cert, .key_file = a->key, .tls12 = true
	};
	AUTO_HTTP struct http *h = NULL;
	AUTO_RESP struct http_resp r = { 0 };
	struct err again = { 0 };

	if (http_new(&o, &h, NULL) == 0 && get(a, h, HELLO, &r, &again) < 0 &&
	    again.code == ERR_SYS)
		*why = again;
}

/* "Docker/20.10.24 (linux)" */
static void
read_server(const struct http_resp *r, char out[sizeof(((struct api *)0)->engine)])
{
	char server[128] = "";
	struct view rest, version;

	(void)http_header(r, "server", server, sizeof(server));
	rest = view_of(server);
	if (!view_cut(&rest, '/', &version))
		rest = view_of("?");
	if (!view_cut(&rest, ' ', &version))
		version = rest;
	(void)snprintf(out, sizeof(((struct api *)0)->engine), VIEW_FMT, VIEW_ARG(version));
}

/* The oldest version that it speaks.  Engines start other programs to answer this, which takes
 * them longer than all else that a run asks; so it is asked only where it can matter. */
static int
read_oldest(const struct api *a, const char *newest, char out[16], struct err *e)
{
	AUTO_RESP struct http_resp r = { 0 };
	AUTO_JSN struct json_t *answer = NULL;
	int minor;

	(void)snprintf(out, 16, "1.12");
	if (sscanf(newest, "1.%d", &minor) != 1 || minor <= API_MINOR_MAX)
		return 0;
	if (get(a, a->http, "/version", &r, e) < 0)
		return -1;
	answer = jsn_parse(view_buf(&r.body), "the engine's answer", e);
	if (answer == NULL)
		return api_failed(a, e);
	(void)snprintf(out, 16, "%s", jsn_str_or(answer, "MinAPIVersion", "1.12"));
	return 0;
}

static int
connect_engine(struct api *a, struct err *e)
{
	AUTO_RESP struct http_resp r = { 0 };
	char newest[16] = "", oldest[16];
	struct err why = { 0 };

	if (api_session(a, IDLE_MS, NULL, &a->http, e) < 0)
		return -1;
	if (get(a, a->http, HELLO, &r, &why) < 0) {
		if (a->address.kind == ADDRESS_TCP && why.code == ERR_TEMP)
			ask_why(a, &why);
		return unreachable(a, &why, e);
	}
	read_server(&r, a->engine);
	(void)http_header(&r, "api-version", newest, sizeof(newest));
	if (read_oldest(a, newest, oldest, &why) < 0)
		return unreachable(a, &why, e);
	if (api_negotiate(newest, oldest, a->version, e) < 0)
		return err_wrap(e, "engine at '%s'", a->name);
	return 0;
}

int
api_session(const struct api *a, int64_t idle_ms, const volatile bool *stop, struct http **ret,
	    struct err *e)
{
	struct http_opts o = { .ca_file = a->ca,
			       .cert_file = a->cert,
			       .key_file = a->key,
			       .idle_ms = idle_ms,
			       .stop = stop };

	if (a->address.kind == ADDRESS_UNIX)
		o.unix_socket = a->address.path;
	if (a->ssh != NULL) {
		o.unix_socket = ssh_socket(a->ssh);
		o.dial = (struct http_dial){ .open = ssh_open, .close = ssh_close, .arg = a->ssh };
	}
	return http_new(&o, ret, e);
}

/* What docker keeps in a folder under these names; those that are there count. */
static int
find_certificate(const char *dir, const char *name, char **ret, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_MAX);

	buf_addf(&path, "%s/%s", dir, name);
	if (buf_ok(&path, dir, e) < 0)
		return -1;
	if (access(buf_cstr(&path), F_OK) < 0)
		return 0;
	*ret = buf_take(&path);
	return *ret != NULL ? 0 : err_nomem(e);
}

static int
prepare_tcp(struct api *a, const struct engine_opts *o, struct err *e)
{
	AUTO_BUF struct buf base = BUF_INIT(API_URL_MAX);
	int port = a->address.port != 0 ? a->address.port : o->plain ? PORT_PLAIN : PORT_TLS;
	bool v6 = strchr(a->address.host, ':') != NULL;

	if (!o->plain && a->address.port == PORT_PLAIN)
		return err_set(e, ERR_CONFIG,
			       "engine '%s': port %d has no TLS, so that anybody may do anything "
			       "there: use %d, or say SERVICE_<name>_TLS=none",
			       a->name, PORT_PLAIN, PORT_TLS);
	buf_addf(&base, "%s://%s%s%s:%d", o->plain ? "http" : "https", v6 ? "[" : "",
		 a->address.host, v6 ? "]" : "", port);
	free(a->base);
	a->base = buf_take(&base);
	if (a->base == NULL)
		return err_nomem(e);
	if (o->plain || o->cert_dir == NULL)
		return 0;
	if (find_certificate(o->cert_dir, "ca.pem", &a->ca, e) < 0 ||
	    find_certificate(o->cert_dir, "cert.pem", &a->cert, e) < 0)
		return -1;
	return find_certificate(o->cert_dir, "key.pem", &a->key, e);
}

static int
prepare(struct api *a, const struct engine_opts *o, struct err *e)
{
	if (a->address.kind == ADDRESS_TCP)
		return prepare_tcp(a, o, e);
	if (a->address.kind == ADDRESS_SSH)
		return ssh_new(&a->address, o->environment, &a->ssh, e);
	return 0;
}

int
api_open(const char *host, const struct engine_opts *o, struct api **ret, struct err *e)
{
	AUTO_API struct api *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	if (address_parse(host, &a->address, e) < 0)
		return -1;
	a->name = strdup(a->address.kind == ADDRESS_UNIX ? a->address.path : host);
	a->base = strdup("http://docker");
	if (a->name == NULL || a->base == NULL)
		return err_nomem(e);
	if (prepare(a, o, e) < 0 || connect_engine(a, e) < 0)
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
	ssh_free(&(*a)->ssh);
	free((*a)->name);
	free((*a)->base);
	free((*a)->ca);
	free((*a)->cert);
	free((*a)->key);
	free(*a);
	*a = NULL;
}
