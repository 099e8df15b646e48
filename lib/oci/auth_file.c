#include "oci/auth_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"

#define SECRET_MAX (64U << 10)
#define HUB	   "index.docker.io"
#define HUB_KEY	   "https://index.docker.io/v1/"

void
auth_creds_clear(struct auth_creds *c)
{
	char *all[] = { c->user, c->password, c->identity, c->bearer };

	for (size_t i = 0; i < COUNT_OF(all); i++)
		free(all[i]);
	*c = (struct auth_creds){ 0 };
}

/* NULL and "" are nothing. */
static int
copy(const char *from, char **ret, struct err *e)
{
	if (from == NULL || from[0] == '\0')
		return 0;
	*ret = strdup(from);
	return *ret != NULL ? 0 : err_nomem(e);
}

int
auth_creds_copy(const struct auth_creds *from, struct auth_creds *ret, struct err *e)
{
	*ret = (struct auth_creds){ 0 };
	memcpy(ret->of, from->of, sizeof(ret->of));
	if (copy(from->user, &ret->user, e) == 0 && copy(from->password, &ret->password, e) == 0 &&
	    copy(from->identity, &ret->identity, e) == 0 &&
	    copy(from->bearer, &ret->bearer, e) == 0)
		return 0;
	auth_creds_clear(ret);
	return -1;
}

int
auth_file_parse(struct view text, const char *name, struct json_t **ret, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;

	/* the parser's words could quote a secret */
	v = view_trim(text).n == 0 ? jsn_object() : jsn_parse(text, name, NULL);
	if (v == NULL)
		return err_set(e, ERR_CONFIG, "%s: not JSON", name);
	if (!jsn_is_object(v))
		return err_set(e, ERR_CONFIG, "%s: not a JSON object", name);
	*ret = TAKE_PTR(v);
	return 0;
}

/* --- keys ------------------------------------------------------------- */

/* Docker Hub has several names. */
static struct view
canonical(struct view host)
{
	if (view_eq(host, "docker.io") || view_eq(host, "registry-1.docker.io"))
		return view_of(HUB);
	return host;
}

/* A key is HOST or HOST/PATH, or as old Docker wrote it, https://HOST/v1/. */
static void
split_key(const char *key, struct view *host, struct view *path)
{
	const char *scheme = strstr(key, "://");
	struct view k = view_of(scheme != NULL ? scheme + 3 : key);

	while (k.n > 0 && k.p[k.n - 1] == '/')
		k.n--;
	*path = k;
	if (!view_cut(path, '/', host)) {
		*host = k;
		path->n = 0;
	}
	if (scheme != NULL || view_eq(*path, "v1") || view_eq(*path, "v2"))
		path->n = 0;
	*host = canonical(*host);
}

static bool
same(struct view a, struct view b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool
is_within(const char *repo, struct view path)
{
	return path.n == 0 || (strncmp(repo, path.p, path.n) == 0 &&
			       (repo[path.n] == '\0' || repo[path.n] == '/'));
}

const char *
auth_file_server(const char *host)
{
	return view_eq(canonical(view_of(host)), HUB) ? HUB_KEY : host;
}

/* --- helpers ---------------------------------------------------------- */

int
auth_file_helper(const struct json_t *v, const char *name, const char *host,
		 char ret[AUTH_HELPER_MAX], struct err *e)
{
	const struct json_t *own = jsn_at_key(v, "credHelpers");
	const char *helper = jsn_str(v, "credsStore");
	struct view key, path;

	for (void *it = jsn_first(own); it != NULL; it = jsn_next(own, it)) {
		split_key(jsn_key(it), &key, &path);
		if (path.n == 0 && same(key, canonical(view_of(host))))
			helper = jsn_str(jsn_value(it), "");
	}
	ret[0] = '\0';
	if (helper == NULL || helper[0] == '\0')
		return 0;
	if (strchr(helper, '/') != NULL || strlen(helper) >= AUTH_HELPER_MAX)
		return err_set(e, ERR_CONFIG, "%s: '%.*s' is not the name of a credential helper",
			       name, AUTH_HELPER_MAX, helper);
	(void)snprintf(ret, AUTH_HELPER_MAX, "%s", helper);
	return 0;
}

bool
auth_file_has_helpers(const struct json_t *v)
{
	return jsn_str_or(v, "credsStore", "")[0] != '\0' ||
	       jsn_len(jsn_at_key(v, "credHelpers")) > 0;
}

/* --- auths ------------------------------------------------------------ */

static bool
has_something(const struct json_t *entry)
{
	static const char *const names[] = { "auth", "username", "identitytoken", "registrytoken" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (jsn_str_or(entry, names[i], "")[0] != '\0')
			return true;
	return false;
}

/* base64 of user:password; a password may have colons itself. */
static int
decode(const char *text, struct auth_creds *ret, struct err *e)
{
	AUTO_BUF struct buf plain = BUF_INIT(SECRET_MAX);
	struct view rest, user;

	if (base64_decode(view_of(text), "auth", &plain, NULL) < 0)
		return err_set(e, ERR_CONFIG, "not base64");
	rest = view_buf(&plain);
	while (rest.n > 0 && rest.p[rest.n - 1] == '\0')
		rest.n--;
	if (memchr(rest.p, '\0', rest.n) != NULL || !view_cut(&rest, ':', &user))
		return err_set(e, ERR_CONFIG, "not base64 of USER:PASSWORD");
	ret->user = view_dup(user);
	ret->password = view_dup(rest);
	return ret->user != NULL && ret->password != NULL ? 0 : err_nomem(e);
}

/* What becomes a header as it is must not become two. */
static bool
is_plain(const char *token)
{
	for (; *token != '\0'; token++)
		if (*token <= ' ' || *token > '~')
			return false;
	return true;
}

static int
read_entry(const struct json_t *entry, const char *name, const char *key, struct auth_creds *ret,
	   struct err *e)
{
	const char *auth = jsn_str_or(entry, "auth", "");
	struct err why = { 0 };

	(void)snprintf(ret->of, sizeof(ret->of), "'%.200s' in %.256s", key, name);
	if (auth[0] != '\0') {
		if (decode(auth, ret, &why) < 0)
			return err_set(e, why.code, "%s: the 'auth' of '%s' is %s", name, key,
				       why.msg);
	} else if (copy(jsn_str(entry, "username"), &ret->user, e) < 0 ||
		   copy(jsn_str(entry, "password"), &ret->password, e) < 0) {
		return -1;
	}
	if (copy(jsn_str(entry, "identitytoken"), &ret->identity, e) < 0 ||
	    copy(jsn_str(entry, "registrytoken"), &ret->bearer, e) < 0)
		return -1;
	if (ret->bearer != NULL && !is_plain(ret->bearer))
		return err_set(e, ERR_CONFIG, "%s: the 'registrytoken' of '%s' is not a token",
			       name, key);
	return 1;
}

int
auth_file_creds(const struct json_t *v, const char *name, const char *host, const char *repo,
		struct auth_creds *ret, struct err *e)
{
	const struct json_t *auths = jsn_at_key(v, "auths");
	struct view key, path;
	void *best = NULL;
	size_t longest = 0;
	int status;

	*ret = (struct auth_creds){ 0 };
	for (void *it = jsn_first(auths); it != NULL; it = jsn_next(auths, it)) {
		split_key(jsn_key(it), &key, &path);
		if (!same(key, canonical(view_of(host))) || !is_within(repo, path) ||
		    !has_something(jsn_value(it)) || (best != NULL && path.n <= longest))
			continue;
		best = it;
		longest = path.n;
	}
	if (best == NULL)
		return 0;
	status = read_entry(jsn_value(best), name, jsn_key(best), ret, e);
	if (status < 0)
		auth_creds_clear(ret);
	return status;
}
