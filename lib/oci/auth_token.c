#include "oci/auth_token.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"

#define ANSWER_MAX	(64U << 10)
#define FORM_MAX	(256U << 10)
#define LIFE_DEFAULT_S	60   /* what the token protocol says when it is left out */
#define LIFE_MAX_S	3600 /* a clock that jumps does no harm beyond this */
#define LIFE_MARGIN_PCT 80
#define SECRET_START	8 /* bytes that give a secret away, however a message was cut */

void
auth_grant_clear(struct auth_grant *g)
{
	free(g->token);
	free(g->refresh);
	*g = (struct auth_grant){ 0 };
}

/* --- the answer ------------------------------------------------------- */

/* Tokens become headers, and must not become two. */
static const char *
usable(const char *token)
{
	if (token == NULL || token[0] == '\0' || strlen(token) >= AUTH_TOKEN_MAX)
		return NULL;
	for (const char *p = token; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return NULL;
	return token;
}

int
auth_token_parse(struct view answer, struct auth_grant *ret, struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(answer, "answer", NULL);
	const char *token = usable(jsn_str(v, "token"));
	const char *refresh = jsn_str(v, "refresh_token");
	int64_t life = jsn_int(v, "expires_in", LIFE_DEFAULT_S);

	if (token == NULL)
		token = usable(jsn_str(v, "access_token"));
	if (token == NULL)
		return err_set(e, ERR_DATA, "no token that can be used in the answer");
	if (life < 1)
		life = LIFE_DEFAULT_S;
	if (life > LIFE_MAX_S)
		life = LIFE_MAX_S;
	*ret = (struct auth_grant){ .token = strdup(token), .ms = life * 10 * LIFE_MARGIN_PCT };
	if (refresh != NULL && refresh[0] != '\0' && strlen(refresh) < AUTH_TOKEN_MAX)
		ret->refresh = strdup(refresh);
	return ret->token != NULL ? 0 : err_nomem(e);
}

/* --- the question ----------------------------------------------------- */

static void
add_field(struct buf *b, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_addf(b, "%s%s=", b->len > 0 ? "&" : "", name);
	http_quote(b, value);
}

static void
add_scopes(struct buf *b, const char *scopes)
{
	struct view rest = view_of(scopes), one;

	while (rest.n > 0) {
		AUTO_FREE char *scope = NULL;

		if (!view_cut(&rest, ' ', &one)) {
			one = rest;
			rest.n = 0;
		}
		scope = view_dup(one);
		if (scope == NULL)
			b->state = BUF_NOMEM;
		else
			add_field(b, "scope", scope);
	}
}

int
auth_token_basic(const char *user, const char *secret, struct buf *ret, struct err *e)
{
	AUTO_BUF struct buf plain = BUF_INIT(FORM_MAX);

	buf_addf(&plain, "%s:%s", user, secret);
	buf_adds(ret, "Basic ");
	base64_encode(view_buf(&plain), ret);
	return buf_ok(&plain, "credentials", e) < 0 ? -1 : buf_ok(ret, "credentials", e);
}

/* An identity token stands for a password where there is none. */
static int
basic(const struct auth_creds *c, struct buf *ret, struct err *e)
{
	const char *secret =
		c->password != NULL && c->password[0] != '\0' ? c->password : c->identity;

	if (secret == NULL)
		return 0;
	return auth_token_basic(c->user != NULL ? c->user : "", secret, ret, e);
}

static int
get(struct http *h, const struct auth_ask *q, struct http_resp *ret, struct err *e)
{
	AUTO_BUF struct buf query = BUF_INIT(8 * AUTH_SCOPE_MAX);
	AUTO_BUF struct buf url = BUF_INIT(AUTH_REALM_MAX + 8 * AUTH_SCOPE_MAX);
	AUTO_BUF struct buf header = BUF_INIT(FORM_MAX);
	struct http_req req = { .max = ANSWER_MAX };
	const char *realm = q->challenge->realm;

	add_field(&query, "service", q->challenge->service);
	if (q->joined)
		add_field(&query, "scope", q->scopes);
	else
		add_scopes(&query, q->scopes);
	buf_addf(&url, "%s%s%s", realm, strchr(realm, '?') != NULL ? "&" : "?", buf_cstr(&query));
	if (basic(q->creds, &header, e) < 0 || buf_ok(&query, "token address", e) < 0 ||
	    buf_ok(&url, "token address", e) < 0)
		return -1;
	req.url = buf_cstr(&url);
	req.authorization = header.len > 0 ? buf_cstr(&header) : NULL;
	return http_do(h, &req, ret, e);
}

static int
post(struct http *h, const struct auth_ask *q, const char *refresh, struct http_resp *ret,
     struct err *e)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
					       NULL };
	AUTO_BUF struct buf form = BUF_INIT(FORM_MAX);
	struct http_req req = { .method = "POST",
				.url = q->challenge->realm,
				.headers = headers,
				.max = ANSWER_MAX,
				.repeatable = true };

	add_field(&form, "grant_type", refresh != NULL ? "refresh_token" : "password");
	add_field(&form, "service", q->challenge->service);
	add_field(&form, "client_id", "gantry");
	add_field(&form, "scope", q->scopes);
	add_field(&form, "refresh_token", refresh);
	if (refresh == NULL) {
		add_field(&form, "username", q->creds->user);
		add_field(&form, "password", q->creds->password);
	}
	if (buf_ok(&form, "credentials", e) < 0)
		return -1;
	req.body = buf_cstr(&form);
	req.body_len = form.len;
	return http_do(h, &req, ret, e);
}

static bool
not_served(const struct http_resp *r)
{
	return r->status == 404 || r->status == 405;
}

/* An identity token goes by POST, a password by GET; where that is not served,
 * the other way. */
static int
ask(struct http *h, const struct auth_ask *q, struct http_resp *ret, struct err *e)
{
	const char *refresh = q->refresh != NULL ? q->refresh : q->creds->identity;

	if (refresh != NULL) {
		if (post(h, q, refresh, ret, e) < 0)
			return -1;
		if (!not_served(ret))
			return 0;
	}
	if (get(h, q, ret, e) < 0)
		return -1;
	if (not_served(ret) && refresh == NULL && q->creds->password != NULL)
		return post(h, q, NULL, ret, e);
	return 0;
}

/* Is this, or how it begins, among the words? */
static bool
is_said(const char *words, const char *secret)
{
	char start[SECRET_START + 1];

	if (secret == NULL || secret[0] == '\0')
		return false;
	(void)snprintf(start, sizeof(start), "%s", secret);
	return strstr(words, start) != NULL;
}

/* A server that repeats what it was told must not make us say it. */
static bool
tells(const char *words, const struct auth_ask *q)
{
	AUTO_BUF struct buf header = BUF_INIT(FORM_MAX);

	return basic(q->creds, &header, NULL) < 0 || is_said(words, q->creds->password) ||
	       is_said(words, q->creds->identity) || is_said(words, q->refresh) ||
	       (header.len > 0 && is_said(words, buf_cstr(&header) + strlen("Basic ")));
}

static int
refused(const struct auth_ask *q, const struct http_resp *r, struct err *e)
{
	char words[ERR_MSG_MAX / 2];

	http_explain(r, words, sizeof(words));
	if (tells(words, q))
		(void)snprintf(words, sizeof(words), "%d", r->status);
	if (q->creds->of[0] == '\0')
		return err_set(e, ERR_AUTH, "'%s' gives no token without credentials: %s",
			       q->challenge->realm, words);
	return err_set(e, ERR_AUTH, "'%s' gives no token for the credentials of %s: %s",
		       q->challenge->realm, q->creds->of, words);
}

int
auth_token_ask(struct http *h, const struct auth_ask *q, struct auth_grant *ret, struct err *e)
{
	AUTO_RESP struct http_resp r = { 0 };
	struct err why = { 0 };

	if (ask(h, q, &r, &why) < 0) {
		if (tells(why.msg, q))
			return err_set(e, why.code, "ask '%s' for a token", q->challenge->realm);
		return err_set(e, why.code, "ask '%s' for a token: %s", q->challenge->realm,
			       why.msg);
	}
	if (r.status != 200)
		return refused(q, &r, e);
	if (auth_token_parse(view_buf(&r.body), ret, e) < 0)
		return err_wrap(e, "ask '%s' for a token", q->challenge->realm);
	return 0;
}
