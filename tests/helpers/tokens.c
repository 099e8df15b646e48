/*
 * tokens: a token server for registries (Docker's token protocol), for tests.
 *
 *     tokens PORT DIR [TLS-CERTIFICATE TLS-KEY]
 *
 * Signs with DIR/sign.key (ECDSA P-256), whose certificate DIR/sign.pem the
 * registry trusts; the issuer is "tokens".  The user robot with the password
 * s3cret, and the refresh token r3fresh, may do everything; anybody else may
 * pull what lies under public/.  Each request is a line of DIR/log:
 *
 *     GET|POST USER|-|!(wrong) SCOPE[&SCOPE]...
 *
 * DIR/mode, read for each request, makes it misbehave.  Words:
 *
 *     no-get no-post   405 and 404         closed      401 for nobody in particular
 *     first last       reads one scope     joined      reads one parameter, scopes in it
 *     read-only        gives pull alone    no-life     no expires_in
 *     life=S           expires_in          slow=MS     answers after so long
 *     stale=N          the first N tokens have ended long ago
 *     rotate           a refresh token is good for once
 *     echo             an error repeats the whole request
 *     broken           no JSON
 */
#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/jsn.h"

#define SCOPES_MAX 8
#define TEXT_MAX   65536

static const char *dir;
static char mode[1024];
static unsigned int issued, rotations;

struct client {
	int fd;
	SSL *tls;
};

struct request {
	char text[TEXT_MAX];
	bool post;
	char user[256]; /* "": nobody, "!": somebody else than they say */
	char service[256];
	char *scope[SCOPES_MAX];
	size_t nscopes;
};

/* --- what is asked of us ---------------------------------------------- */

/* The word itself, or behind "word=" its number; -1 if it is not there. */
static long
mode_has(const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(mode, word); p != NULL; p = strstr(p + 1, word)) {
		if (p != mode && p[-1] != ' ')
			continue;
		if (p[n] == '=')
			return strtol(p + n + 1, NULL, 10);
		if (strchr(" \n", p[n]) != NULL)
			return 0;
	}
	return -1;
}

static void
read_mode(void)
{
	char path[4096];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/mode", dir);
	f = fopen(path, "re");
	if (f != NULL) {
		n = fread(mode, 1, sizeof(mode) - 1, f);
		(void)fclose(f);
	}
	mode[n] = '\0';
}

static long
receive(struct client *c, char *p, size_t n)
{
	return c->tls != NULL ? SSL_read(c->tls, p, (int)n) : read(c->fd, p, n);
}

static bool
receive_request(struct client *c, struct request *r)
{
	size_t n = 0, want = 0;
	const char *end, *length;

	for (;;) {
		long got = receive(c, r->text + n, sizeof(r->text) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		r->text[n] = '\0';
		end = strstr(r->text, "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strcasestr(r->text, "\r\ncontent-length:");
		if (length != NULL && length < end)
			want = strtoul(length + 17, NULL, 10);
		if (n >= (size_t)(end + 4 - r->text) + want)
			return true;
	}
}

static void
unquote(char *s)
{
	char *to = s, hex[3] = "";

	for (; *s != '\0'; s++) {
		if (*s == '%' && s[1] != '\0' && s[2] != '\0') {
			memcpy(hex, s + 1, 2);
			*to++ = (char)strtoul(hex, NULL, 16);
			s += 2;
		} else {
			*to++ = *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
}

/* Whether the refresh token is the one that counts now. */
static bool
fresh(const char *token)
{
	char want[64];

	(void)snprintf(want, sizeof(want), rotations > 0 ? "r3fresh.%u" : "r3fresh", rotations);
	return strcmp(token, want) == 0;
}

static void
who(struct request *r, bool known)
{
	(void)snprintf(r->user, sizeof(r->user), "%s", known ? "robot" : "!");
}

static void
read_fields(struct request *r, char *query)
{
	bool user = false, password = false, asks = false;
	char *rest = query, *field, *value;

	while ((field = strsep(&rest, "&")) != NULL) {
		value = strchr(field, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		unquote(value);
		if (strcmp(field, "service") == 0)
			(void)snprintf(r->service, sizeof(r->service), "%s", value);
		else if (strcmp(field, "scope") == 0 && r->nscopes < SCOPES_MAX)
			r->scope[r->nscopes++] = value;
		else if (strcmp(field, "refresh_token") == 0)
			who(r, fresh(value));
		else if (strcmp(field, "grant_type") == 0)
			asks = strcmp(value, "password") == 0;
		else if (strcmp(field, "username") == 0)
			user = strcmp(value, "robot") == 0;
		else if (strcmp(field, "password") == 0)
			password = strcmp(value, "s3cret") == 0;
	}
	if (asks)
		who(r, user && password);
}

static void
parse(struct request *r)
{
	const char *basic = strcasestr(r->text, "\r\nauthorization: basic ");
	AUTO_BUF struct buf plain = BUF_INIT(TEXT_MAX);
	char *body = strstr(r->text, "\r\n\r\n") + 4, *query, *end;

	r->post = strncmp(r->text, "POST", 4) == 0;
	if (basic != NULL && basic < body) {
		basic += strlen("\r\nauthorization: basic ");
		(void)base64_decode((struct view){ basic, strcspn(basic, "\r") }, "basic", &plain,
				    NULL);
		who(r, strcmp(buf_cstr(&plain), "robot:s3cret") == 0);
	}
	if (r->post) {
		read_fields(r, body);
		return;
	}
	query = strchr(r->text, '?');
	end = strstr(r->text, " HTTP/");
	if (query != NULL && end != NULL && query < end) {
		*end = '\0';
		read_fields(r, query + 1);
	}
}

static void
note(const struct request *r)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "ae");
	if (f == NULL)
		return;
	(void)fprintf(f, "%s %s ", r->post ? "POST" : "GET", r->user[0] != '\0' ? r->user : "-");
	for (size_t i = 0; i < r->nscopes; i++)
		(void)fprintf(f, "%s%s", i > 0 ? "&" : "", r->scope[i]);
	(void)fputc('\n', f);
	(void)fclose(f);
}

/* --- what we answer --------------------------------------------------- */

static void
answer(struct client *c, int status, const char *body)
{
	AUTO_BUF struct buf b = BUF_INIT(2 * TEXT_MAX);

	buf_addf(&b,
		 "HTTP/1.1 %d Words\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		 "Connection: close\r\n\r\n%s",
		 status, strlen(body), body);
	if (c->tls != NULL)
		(void)SSL_write(c->tls, buf_cstr(&b), (int)b.len);
	else
		(void)!write(c->fd, buf_cstr(&b), b.len);
}

static bool
may(const struct request *r, const char *type, const char *name, const char *action)
{
	if (mode_has("read-only") >= 0 && strcmp(action, "pull") != 0)
		return false;
	if (strcmp(r->user, "robot") == 0)
		return true;
	return strcmp(type, "repository") == 0 && strncmp(name, "public/", 7) == 0 &&
	       strcmp(action, "pull") == 0;
}

/* One scope, "type:name:action,action", as far as it is granted. */
static void
grant(const struct request *r, char *scope, struct json_t *access)
{
	char *last = strrchr(scope, ':'), *first = strchr(scope, ':'), *action;
	struct json_t *one, *actions;

	if (first == NULL || first == last)
		return;
	one = jsn_object();
	actions = jsn_array();
	*first = *last = '\0';
	last++;
	while ((action = strsep(&last, ",")) != NULL)
		if (may(r, scope, first + 1, action))
			jsn_push(actions, jsn_string(action));
	jsn_set_str(one, "type", scope);
	jsn_set_str(one, "name", first + 1);
	jsn_set(one, "actions", actions);
	jsn_push(access, one);
}

static struct json_t *
grant_all(struct request *r)
{
	struct json_t *access = jsn_array();
	bool first = mode_has("first") >= 0, last = mode_has("last") >= 0;
	bool joined = mode_has("joined") >= 0;

	for (size_t i = 0; i < r->nscopes; i++) {
		char *rest = r->scope[i], *one;

		if (((first || joined) && i > 0) || (last && i + 1 < r->nscopes))
			continue;
		while ((one = strsep(&rest, " ")) != NULL) {
			grant(r, one, access);
			if (first)
				break;
		}
	}
	return access;
}

/* base64url without padding. */
static void
add_url64(struct buf *b, const void *p, size_t n)
{
	size_t at = b->len;

	base64_encode((struct view){ p, n }, b);
	while (b->len > at && b->data[b->len - 1] == '=')
		b->data[--b->len] = '\0';
	for (; at < b->len; at++)
		b->data[at] = b->data[at] == '+' ? '-' : b->data[at] == '/' ? '_' : b->data[at];
}

static FILE *
open_pem(const char *name)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL) {
		perror(path);
		exit(71);
	}
	return f;
}

static void
sign(struct buf *jwt)
{
	FILE *f = open_pem("sign.key");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[256], raw[64];
	const unsigned char *p = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	(void)fclose(f);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, der, &n, (const unsigned char *)jwt->data, jwt->len) != 1)
		exit(71);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	(void)BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	(void)BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	buf_addc(jwt, '.');
	add_url64(jwt, raw, sizeof(raw));
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void
add_header(struct buf *jwt)
{
	FILE *f = open_pem("sign.pem");
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	(void)fclose(f);
	buf_adds(&text, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"x5c\":[\"");
	base64_encode((struct view){ (const char *)der, (size_t)n }, &text);
	buf_adds(&text, "\"]}");
	add_url64(jwt, buf_cstr(&text), text.len);
	OPENSSL_free(der);
	X509_free(cert);
}

static void
make_token(struct request *r, struct buf *jwt)
{
	AUTO_JSN struct json_t *claims = jsn_object();
	AUTO_FREE char *text = NULL;
	char id[32];
	/* registries allow a minute's difference of clocks */
	int64_t now = time(NULL) - ((long)issued++ < mode_has("stale") ? 1000 : 0);

	(void)snprintf(id, sizeof(id), "%d.%u", (int)getpid(), issued);
	jsn_set_str(claims, "iss", "tokens");
	jsn_set_str(claims, "sub", r->user);
	jsn_set_str(claims, "aud", r->service);
	jsn_set_str(claims, "jti", id);
	jsn_set_int(claims, "iat", now);
	jsn_set_int(claims, "nbf", now - 60);
	jsn_set_int(claims, "exp", now + 300);
	jsn_set(claims, "access", grant_all(r));
	text = jsn_dump(claims);
	add_header(jwt);
	buf_addc(jwt, '.');
	add_url64(jwt, text, strlen(text));
	sign(jwt);
}

static void
give(struct client *c, struct request *r)
{
	AUTO_JSN struct json_t *v = jsn_object();
	AUTO_BUF struct buf jwt = BUF_INIT(TEXT_MAX);
	AUTO_FREE char *text = NULL;
	char next[64];
	long life = mode_has("life");

	make_token(r, &jwt);
	jsn_set_str(v, r->post ? "access_token" : "token", buf_cstr(&jwt));
	if (mode_has("no-life") < 0)
		jsn_set_int(v, "expires_in", life >= 0 ? life : 300);
	if (r->post && mode_has("rotate") >= 0) {
		(void)snprintf(next, sizeof(next), "r3fresh.%u", ++rotations);
		jsn_set_str(v, "refresh_token", next);
	}
	text = jsn_dump(v);
	answer(c, 200, text);
}

static void
serve(struct client *c)
{
	static struct request r;
	AUTO_JSN struct json_t *v = jsn_object();
	AUTO_FREE char *text = NULL;

	r = (struct request){ 0 };
	if (!receive_request(c, &r))
		return;
	read_mode();
	jsn_set_str(v, "message", mode_has("echo") >= 0 ? r.text : "who are you");
	text = jsn_dump(v);
	parse(&r);
	note(&r);
	if (mode_has("slow") > 0)
		(void)usleep((useconds_t)mode_has("slow") * 1000);
	if (r.post && mode_has("no-post") >= 0)
		answer(c, 404, "{}");
	else if (!r.post && mode_has("no-get") >= 0)
		answer(c, 405, "{}");
	else if (r.user[0] == '!' || (r.user[0] == '\0' && mode_has("closed") >= 0))
		answer(c, 401, text);
	else if (mode_has("broken") >= 0)
		answer(c, 200, "<html>");
	else
		give(c, &r);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	SSL_CTX *tls = NULL;
	int s, on = 1;

	if (argc != 3 && argc != 5) {
		(void)fprintf(stderr, "usage: tokens PORT DIR [TLS-CERTIFICATE TLS-KEY]\n");
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	dir = argv[2];
	if (argc == 5) {
		tls = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_chain_file(tls, argv[3]) != 1 ||
		    SSL_CTX_use_PrivateKey_file(tls, argv[4], SSL_FILETYPE_PEM) != 1)
			return 71;
	}
	a.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 64) < 0) {
		perror("tokens");
		return 71;
	}
	for (;;) {
		struct client c = { .fd = accept(s, NULL, NULL) };

		if (c.fd < 0)
			continue;
		if (tls != NULL) {
			c.tls = SSL_new(tls);
			(void)SSL_set_fd(c.tls, c.fd);
		}
		if (tls == NULL || SSL_accept(c.tls) == 1)
			serve(&c);
		if (c.tls != NULL) {
			(void)SSL_shutdown(c.tls);
			SSL_free(c.tls);
		}
		(void)close(c.fd);
	}
}
