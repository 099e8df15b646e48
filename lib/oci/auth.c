#include "oci/auth.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsn.h"

#define FILE_MAX_BYTES	(1U << 20)
#define ANSWER_MAX	(64U << 10)
#define LIFE_DEFAULT_S	60   /* what the token protocol says when it is left out */
#define LIFE_MAX_S	3600 /* a clock that jumps does no harm beyond this */
#define LIFE_MARGIN_PCT 80
#define BASE64		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

static void
skip(struct view *v, const char *chars)
{
	while (v->n > 0 && strchr(chars, v->p[0]) != NULL) {
		v->p++;
		v->n--;
	}
}

/* A token (RFC 9110 5.6.2), as far as challenges use it. */
static struct view
take_word(struct view *v)
{
	struct view word = { v->p, 0 };

	while (v->n > 0 && strchr(" \t,=\"", v->p[0]) == NULL) {
		word.n++;
		v->p++;
		v->n--;
	}
	return word;
}

static int
take_value(struct view *v, struct buf *ret, struct err *e)
{
	struct view word;

	buf_reset(ret);
	if (v->n == 0 || v->p[0] != '"') {
		word = take_word(v);
		/* token68 has '=' at its end */
		buf_add(ret, word.p, word.n);
		skip(v, "=");
		return buf_ok(ret, "challenge", e);
	}
	for (size_t i = 1; i < v->n; i++) {
		if (v->p[i] == '"') {
			*v = (struct view){ v->p + i + 1, v->n - i - 1 };
			return buf_ok(ret, "challenge", e);
		}
		if (v->p[i] == '\\' && i + 1 < v->n)
			i++;
		buf_addc(ret, v->p[i]);
	}
	return err_set(e, ERR_DATA, "challenge: a quote is not closed");
}

static bool
same_word(struct view v, const char *s)
{
	return v.n == strlen(s) && strncasecmp(v.p, s, v.n) == 0;
}

static int
keep(struct auth_challenge *c, struct view name, const struct buf *value, struct err *e)
{
	static const char *const names[] = { "realm", "service", "scope" };
	char *const to[] = { c->realm, c->service, c->scope };
	const size_t size[] = { sizeof(c->realm), sizeof(c->service), sizeof(c->scope) };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!same_word(name, names[i]))
			continue;
		if (value->len >= size[i])
			return err_set(e, ERR_DATA, "challenge: '%s' is longer than %zu bytes",
				       names[i], size[i] - 1);
		(void)snprintf(to[i], size[i], "%s", buf_cstr(value));
	}
	return 0;
}

int
auth_parse(struct view value, struct auth_challenge *c, struct err *e)
{
	AUTO_BUF struct buf param = BUF_INIT(AUTH_SCOPE_MAX * 2);
	struct view rest = value, word;
	bool in_bearer = false;

	for (skip(&rest, " \t,"); rest.n > 0; skip(&rest, " \t,")) {
		word = take_word(&rest);
		if (word.n == 0)
			return err_set(e, ERR_DATA, "challenge: cannot be read");
		if (rest.n > 0 && rest.p[0] == '=') {
			rest = (struct view){ rest.p + 1, rest.n - 1 };
			if (take_value(&rest, &param, e) < 0 ||
			    (in_bearer && keep(c, word, &param, e) < 0))
				return -1;
			continue;
		}
		in_bearer = same_word(word, "Bearer");
		c->bearer |= in_bearer;
		c->basic |= same_word(word, "Basic");
	}
	return 0;
}

/* Docker writes "https://host/v1/" as well as "host". */
static bool
key_is_host(const char *key, const char *host)
{
	struct view k = view_of(key);
	size_t n = strlen(host);

	if (view_starts(k, "https://"))
		k = (struct view){ k.p + 8, k.n - 8 };
	else if (view_starts(k, "http://"))
		k = (struct view){ k.p + 7, k.n - 7 };
	return k.n >= n && strncmp(k.p, host, n) == 0 &&
	       (k.n == n || (k.p[n] == '/' && (k.n == n + 1 || k.p[n + 1] == 'v')));
}

int
auth_basic(const char *authfile, const char *host, char **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_MAX_BYTES);
	AUTO_JSN struct json_t *v = NULL;
	const struct json_t *auths;
	struct err why = { 0 };

	*ret = NULL;
	if (authfile == NULL)
		return 0;
	if (file_read(AT_FDCWD, authfile, &text, &why) < 0)
		return err_set(e, ERR_CONFIG, "%s", why.msg);
	v = jsn_parse(view_buf(&text), authfile, NULL);
	if (v == NULL) /* the parser's words could quote a secret */
		return err_set(e, ERR_CONFIG, "%s: not JSON", authfile);
	auths = jsn_get(v, "auths");
	if (strcmp(host, "registry-1.docker.io") == 0)
		host = "index.docker.io";
	for (void *it = jsn_first(auths); it != NULL; it = jsn_next(auths, it)) {
		const char *secret = jsn_str(jsn_value(it), "auth");

		if (secret == NULL || !key_is_host(jsn_key(it), host))
			continue;
		/* it becomes a header, and must not become two */
		if (secret[strspn(secret, BASE64)] != '\0')
			return err_set(e, ERR_CONFIG, "%s: the 'auth' of '%s' is not base64",
				       authfile, jsn_key(it));
		*ret = strdup(secret);
		return *ret != NULL ? 0 : err_nomem(e);
	}
	return 0;
}

const char *
auth_default_file(const char *file, const char *docker_config, const char *home, char *out,
		  size_t size)
{
	int n = -1;

	if (file != NULL && file[0] != '\0')
		return file;
	if (docker_config != NULL && docker_config[0] != '\0')
		n = snprintf(out, size, "%s/config.json", docker_config);
	else if (home != NULL)
		n = snprintf(out, size, "%s/.docker/config.json", home);
	return n > 0 && (size_t)n < size && access(out, F_OK) == 0 ? out : NULL;
}

static void
add_scopes(struct buf *url, const char *scopes)
{
	struct view rest = view_of(scopes), one;

	while (rest.n > 0) {
		AUTO_FREE char *scope = NULL;

		if (!view_cut(&rest, ' ', &one)) {
			one = rest;
			rest.n = 0;
		}
		scope = view_dup(one);
		if (scope == NULL || scope[0] == '\0')
			continue;
		buf_adds(url, "&scope=");
		http_quote(url, scope);
	}
}

int
auth_token(struct http *h, const struct auth_challenge *c, const char *scope, const char *basic,
	   char **ret, int64_t *ret_ms, struct err *e)
{
	AUTO_BUF struct buf url = BUF_INIT(AUTH_REALM_MAX + 8 * AUTH_SCOPE_MAX);
	AUTO_BUF struct buf header = BUF_INIT(AUTH_TOKEN_MAX);
	AUTO_RESP struct http_resp r = { 0 };
	AUTO_JSN struct json_t *v = NULL;
	struct http_req q = { .max = ANSWER_MAX };
	const char *token;
	int64_t life;
	char words[ERR_MSG_MAX / 2];

	buf_addf(&url, "%s%sservice=", c->realm, strchr(c->realm, '?') != NULL ? "&" : "?");
	http_quote(&url, c->service);
	add_scopes(&url, scope != NULL ? scope : c->scope);
	if (basic != NULL)
		buf_addf(&header, "Basic %s", basic);
	if (buf_ok(&url, "token address", e) < 0 || buf_ok(&header, "credentials", e) < 0)
		return -1;
	q.url = buf_cstr(&url);
	q.authorization = basic != NULL ? buf_cstr(&header) : NULL;
	if (http_do(h, &q, &r, e) < 0)
		return err_wrap(e, "ask '%s' for a token", c->realm);
	if (r.status != 200) {
		http_explain(&r, words, sizeof(words));
		return err_set(e, ERR_AUTH, "'%s' gives no token: %s", c->realm, words);
	}
	v = jsn_parse(view_buf(&r.body), "token", e);
	if (v == NULL)
		return err_wrap(e, "'%s'", c->realm);
	token = jsn_str(v, "token");
	if (token == NULL)
		token = jsn_str(v, "access_token");
	if (token == NULL || strlen(token) >= AUTH_TOKEN_MAX || strpbrk(token, "\r\n") != NULL)
		return err_set(e, ERR_DATA, "'%s' gives no usable token", c->realm);
	life = jsn_int(v, "expires_in", LIFE_DEFAULT_S);
	if (life < 1 || life > LIFE_MAX_S)
		life = life < 1 ? LIFE_DEFAULT_S : LIFE_MAX_S;
	*ret_ms = life * 10 * LIFE_MARGIN_PCT;
	*ret = strdup(token);
	return *ret != NULL ? 0 : err_nomem(e);
}
