#include "oci/auth.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/jsn.h"
#include "oci/auth_file.h"
#include "oci/auth_helper.h"
#include "oci/auth_scope.h"
#include "oci/auth_token.h"
#include "oci/token.h"

#define HOST_MAX     256
#define SECRET_START 8 /* bytes that give a secret away, however a message was cut */

/* One file, and what the helper that it names has said. */
struct source {
	struct json_t *doc;
	bool asked;
	struct auth_creds helped;
};

struct auth {
	char host[HOST_MAX];
	struct auth_files files;
	const volatile bool *stop;
	pthread_mutex_t asking;		      /* a helper or the token server: one thread does */
	struct source source[AUTH_FILES_MAX]; /* of that thread */
	struct token_store refresh;	      /* of that thread */
	pthread_mutex_t lock;		      /* of what follows */
	struct auth_challenge challenge;
	struct token_store values; /* of Authorization, by scope */
	struct token_store whose;  /* what was found, by repository */
};

/* --- files ------------------------------------------------------------ */

static const char *
variable(char *const *environment, const char *name)
{
	size_t n = strlen(name);

	for (; environment != NULL && *environment != NULL; environment++)
		if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
			return (*environment)[n + 1] != '\0' ? *environment + n + 1 : NULL;
	return NULL;
}

static void __attribute__((format(printf, 2, 3)))
add_file(struct auth_files *f, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(f->path[f->n], AUTH_PATH_MAX, fmt, ap);
	va_end(ap);
	if (n > 0 && n < AUTH_PATH_MAX && access(f->path[f->n], F_OK) == 0)
		f->n++;
}

void
auth_find(const char *given, char *const *environment, struct auth_files *ret)
{
	const char *runtime = variable(environment, "XDG_RUNTIME_DIR");
	const char *config = variable(environment, "XDG_CONFIG_HOME");
	const char *docker = variable(environment, "DOCKER_CONFIG");
	const char *home = variable(environment, "HOME");

	ret->n = 0;
	ret->environment = environment;
	if (given == NULL)
		given = variable(environment, "REGISTRY_AUTH_FILE");
	if (given != NULL) {
		(void)snprintf(ret->path[ret->n++], AUTH_PATH_MAX, "%s", given);
		return;
	}
	if (runtime != NULL)
		add_file(ret, "%s/containers/auth.json", runtime);
	else
		add_file(ret, "/run/containers/%u/auth.json", (unsigned int)getuid());
	if (config != NULL)
		add_file(ret, "%s/containers/auth.json", config);
	else if (home != NULL)
		add_file(ret, "%s/.config/containers/auth.json", home);
	if (docker != NULL)
		add_file(ret, "%s/config.json", docker);
	else if (home != NULL)
		add_file(ret, "%s/.docker/config.json", home);
}

static int
read_files(struct auth *a, struct err *e)
{
	for (size_t i = 0; i < a->files.n; i++) {
		AUTO_BUF struct buf text = BUF_INIT(AUTH_FILE_MAX);
		struct err why = { 0 };

		if (file_read(AT_FDCWD, a->files.path[i], &text, &why) < 0)
			return err_set(e, ERR_CONFIG, "%s", why.msg);
		if (auth_file_parse(view_buf(&text), a->files.path[i], &a->source[i].doc, e) < 0)
			return -1;
	}
	return 0;
}

bool
auth_needs_programs(const struct auth_files *f)
{
	bool needs = false;

	for (size_t i = 0; i < f->n && !needs; i++) {
		AUTO_BUF struct buf text = BUF_INIT(AUTH_FILE_MAX);
		AUTO_JSN struct json_t *v = NULL;

		if (file_read(AT_FDCWD, f->path[i], &text, NULL) == 0 &&
		    auth_file_parse(view_buf(&text), f->path[i], &v, NULL) == 0)
			needs = auth_file_has_helpers(v);
	}
	return needs;
}

/* --- credentials ------------------------------------------------------ */

static int
ask_helper(struct auth *a, size_t i, struct err *e)
{
	struct source *s = &a->source[i];
	char name[AUTH_HELPER_MAX];
	struct auth_helper q = { .name = name,
				 .server = auth_file_server(a->host),
				 .environment = a->files.environment,
				 .stop = a->stop };

	if (s->asked)
		return 0;
	if (auth_file_helper(s->doc, a->files.path[i], a->host, name, e) < 0 ||
	    (name[0] != '\0' && auth_helper_get(&q, &s->helped, e) < 0))
		return -1;
	s->asked = true;
	return 0;
}

/* A file's helper goes before its own entries. */
static int
find_creds(struct auth *a, const char *repo, struct auth_creds *ret, struct err *e)
{
	for (size_t i = 0; i < a->files.n; i++) {
		int status;

		if (ask_helper(a, i, e) < 0)
			return -1;
		if (a->source[i].helped.of[0] != '\0')
			return auth_creds_copy(&a->source[i].helped, ret, e);
		status = auth_file_creds(a->source[i].doc, a->files.path[i], a->host, repo, ret, e);
		if (status != 0)
			return status < 0 ? -1 : 0;
	}
	return 0;
}

/* --- what a request says ---------------------------------------------- */

static int
token_value(struct auth *a, struct http *h, const struct auth_challenge *c, const char *scopes,
	    bool joined, const struct auth_creds *creds, struct buf *ret, int64_t *ret_ms,
	    struct err *e)
{
	AUTO_GRANT struct auth_grant g = { 0 };
	struct auth_ask q = { .challenge = c,
			      .scopes = scopes,
			      .joined = joined,
			      .creds = creds,
			      .refresh = token_get(&a->refresh, creds->of) };
	int64_t since = clock_mono_ms();

	if (auth_token_ask(h, &q, &g, e) < 0)
		return -1;
	buf_addf(ret, "Bearer %s", g.token);
	/* its life began with the question, not with the answer */
	*ret_ms = g.ms - (clock_mono_ms() - since);
	if (*ret_ms < 1)
		*ret_ms = 1;
	if (g.refresh == NULL)
		return 0;
	return token_keep(&a->refresh, creds->of, TAKE_PTR(g.refresh), 0, e);
}

/* What there is to say now, found out by asking: into ret and kept. */
static int
make_value(struct auth *a, struct http *h, const struct auth_challenge *c, const char *scopes,
	   const char *asked, bool joined, struct buf *ret, struct err *e)
{
	AUTO_CREDS struct auth_creds creds = { 0 };
	AUTO_FREE char *repo = NULL;
	char *value, *whose;
	int64_t ms = 0; /* for ever */
	int status;

	buf_reset(ret);
	if (auth_scope_repo(scopes, &repo, e) < 0 || find_creds(a, repo, &creds, e) < 0)
		return -1;
	if (c->bearer && creds.bearer != NULL)
		buf_addf(ret, "Bearer %s", creds.bearer);
	else if (c->bearer && token_value(a, h, c, asked, joined, &creds, ret, &ms, e) < 0)
		return -1;
	else if (!c->bearer && creds.user != NULL && creds.password != NULL &&
		 auth_token_basic(creds.user, creds.password, ret, e) < 0)
		return -1;
	if (buf_ok(ret, "credentials", e) < 0)
		return -1;
	value = strdup(buf_cstr(ret));
	whose = strdup(creds.of);
	(void)pthread_mutex_lock(&a->lock);
	status = token_keep(&a->values, scopes, value, ms, e);
	if (token_keep(&a->whose, repo, whose, 0, e) < 0)
		status = -1;
	(void)pthread_mutex_unlock(&a->lock);
	return status;
}

/* What was found out before; false if it must be asked for. */
static bool
kept_value(struct auth *a, const char *scopes, struct buf *ret)
{
	const char *value;

	buf_reset(ret);
	(void)pthread_mutex_lock(&a->lock);
	value = token_get(&a->values, scopes);
	buf_adds(ret, value != NULL ? value : "");
	(void)pthread_mutex_unlock(&a->lock);
	return value != NULL;
}

static struct auth_challenge
challenge_of(struct auth *a)
{
	struct auth_challenge c;

	(void)pthread_mutex_lock(&a->lock);
	c = a->challenge;
	(void)pthread_mutex_unlock(&a->lock);
	return c;
}

int
auth_header(struct auth *a, struct http *h, const char *scopes, struct buf *ret, struct err *e)
{
	struct auth_challenge c = challenge_of(a);
	int status = 0;

	buf_reset(ret);
	if (scopes[0] == '\0' || (!c.bearer && !c.basic) || kept_value(a, scopes, ret))
		return buf_ok(ret, "credentials", e);
	(void)pthread_mutex_lock(&a->asking);
	if (!kept_value(a, scopes, ret))
		status = make_value(a, h, &c, scopes, scopes, false, ret, e);
	(void)pthread_mutex_unlock(&a->asking);
	return status;
}

int
auth_for_engine(struct auth *a, const char *repo, struct buf *ret, struct err *e)
{
	AUTO_CREDS struct auth_creds creds = { 0 };
	AUTO_JSN struct json_t *v = jsn_object();
	AUTO_FREE char *text = NULL;
	int found;

	buf_reset(ret);
	(void)pthread_mutex_lock(&a->asking);
	found = find_creds(a, repo, &creds, e);
	(void)pthread_mutex_unlock(&a->asking);
	if (found < 0 || creds.of[0] == '\0')
		return found;
	if (creds.user != NULL)
		jsn_set_str(v, "username", creds.user);
	if (creds.password != NULL)
		jsn_set_str(v, "password", creds.password);
	if (creds.identity != NULL)
		jsn_set_str(v, "identitytoken", creds.identity);
	if (creds.bearer != NULL)
		jsn_set_str(v, "registrytoken", creds.bearer);
	jsn_set_str(v, "serveraddress", a->host);
	text = jsn_dump(v);
	if (text == NULL)
		return err_nomem(e);
	base64_encode(view_of(text), ret);
	if (buf_ok(ret, "credentials", e) < 0)
		return -1;
	for (size_t i = 0; i < ret->len; i++)
		ret->data[i] = ret->data[i] == '+' ? '-' : ret->data[i] == '/' ? '_' : ret->data[i];
	return 0;
}

/* --- what a 401 says -------------------------------------------------- */

static int
read_challenge(struct auth *a, const struct http_resp *r, struct auth_challenge *ret, struct err *e)
{
	char value[2 * AUTH_REALM_MAX + AUTH_SERVICE_MAX + AUTH_SCOPE_MAX];
	bool tls = r->url != NULL && strncmp(r->url, "https://", 8) == 0;

	*ret = (struct auth_challenge){ 0 };
	for (size_t i = 0; http_header_n(r, "www-authenticate", i, value, sizeof(value)); i++)
		if (auth_parse(view_of(value), ret, e) < 0)
			return -1;
	/* one that nobody can follow */
	if (ret->bearer && ret->realm[0] == '\0')
		ret->bearer = false;
	if (ret->bearer && strncmp(ret->realm, "https://", 8) != 0 &&
	    (tls || strncmp(ret->realm, "http://", 7) != 0))
		return err_set(e, ERR_AUTH, "asks for credentials without TLS at '%s'", ret->realm);
	if (!ret->bearer && !ret->basic)
		return 0;
	(void)pthread_mutex_lock(&a->lock);
	a->challenge = *ret;
	(void)pthread_mutex_unlock(&a->lock);
	return 0;
}

/* Under the lock of asking: another thread may have asked already. */
static int
answer(struct auth *a, struct http *h, const struct auth_challenge *c, const char *scopes,
       struct buf *value, struct err *e)
{
	AUTO_BUF struct buf now = BUF_INIT(AUTH_VALUE_MAX);
	AUTO_BUF struct buf asked = BUF_INIT(2 * AUTH_SCOPE_MAX);
	bool other, again;

	if (!kept_value(a, scopes, &now) || strcmp(buf_cstr(&now), buf_cstr(value)) == 0) {
		if (auth_scope_merge(c->scope, scopes, &asked, e) < 0)
			return -1;
		again = value->len > 0 && strchr(scopes, ' ') != NULL;
		if (make_value(a, h, c, scopes, buf_cstr(&asked), again, &now, e) < 0)
			return -1;
	}
	other = now.len > 0 && strcmp(buf_cstr(&now), buf_cstr(value)) != 0;
	buf_reset(value);
	buf_add(value, buf_cstr(&now), now.len);
	return buf_ok(value, "credentials", e) < 0 ? -1 : other;
}

int
auth_again(struct auth *a, struct http *h, const struct http_resp *refused, const char *scopes,
	   struct buf *value, struct err *e)
{
	struct auth_challenge c;
	int status;

	if (read_challenge(a, refused, &c, e) < 0)
		return -1;
	/* without a scope it is only found out what will be asked for */
	if (scopes[0] == '\0' || (!c.bearer && !c.basic))
		return 0;
	(void)pthread_mutex_lock(&a->asking);
	status = answer(a, h, &c, scopes, value, e);
	(void)pthread_mutex_unlock(&a->asking);
	return status;
}

/* Is one of the values, or how it begins, among the words?  Under the lock. */
static bool
tells(const struct auth *a, const char *words)
{
	for (size_t i = 0; i < a->values.n; i++) {
		const char *secret = strchr(a->values.all[i].value, ' ');
		char start[SECRET_START + 1];

		if (secret == NULL)
			continue;
		(void)snprintf(start, sizeof(start), "%s", secret + 1);
		if (strstr(words, start) != NULL)
			return true;
	}
	return false;
}

void
auth_explain(struct auth *a, const char *repo, int status, char *words, size_t size)
{
	const char *whose;
	size_t n;

	(void)pthread_mutex_lock(&a->lock);
	if (tells(a, words))
		(void)snprintf(words, size, "%d", status);
	n = strlen(words);
	whose = token_get(&a->whose, repo);
	if (whose != NULL && (status == 401 || status == 403))
		(void)snprintf(words + n, size - n, " (%s%s)",
			       whose[0] == '\0' ? "no credentials found"
						: "with the credentials of ",
			       whose);
	(void)pthread_mutex_unlock(&a->lock);
}

/* --- the object ------------------------------------------------------- */

int
auth_new(const char *host, const struct auth_files *f, const volatile bool *stop, struct auth **ret,
	 struct err *e)
{
	AUTO(auth_free) struct auth *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	(void)pthread_mutex_init(&a->asking, NULL);
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)snprintf(a->host, sizeof(a->host), "%s", host);
	a->stop = stop;
	if (f != NULL)
		a->files = *f;
	if (read_files(a, e) < 0)
		return -1;
	*ret = TAKE_PTR(a);
	return 0;
}

void
auth_free(struct auth **ap)
{
	struct auth *a = *ap;

	if (a == NULL)
		return;
	for (size_t i = 0; i < AUTH_FILES_MAX; i++) {
		jsn_free(&a->source[i].doc);
		auth_creds_clear(&a->source[i].helped);
	}
	token_clear(&a->refresh);
	token_clear(&a->values);
	token_clear(&a->whose);
	(void)pthread_mutex_destroy(&a->asking);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
	*ap = NULL;
}
