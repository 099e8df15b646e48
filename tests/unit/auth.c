#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsn.h"
#include "oci/auth_helper.h"
#include "oci/auth_scope.h"
#include "oci/auth_token.h"
#include "unit.h"

/* --- files ------------------------------------------------------------ */

/* "USER|PASSWORD|IDENTITY|BEARER" that a file has for host/repo, "none", or
 * what is wrong with it. */
static const char *
creds(const char *text, const char *host, const char *repo)
{
	static char out[4 * AUTH_KEY_MAX + ERR_MSG_MAX];
	AUTO_CREDS struct auth_creds c = { 0 };
	AUTO_JSN struct json_t *v = NULL;
	struct err e = { 0 };
	int status;

	if (auth_file_parse(view_of(text), "f", &v, &e) < 0 ||
	    (status = auth_file_creds(v, "f", host, repo, &c, &e)) < 0) {
		CHECK(e.code == ERR_CONFIG);
		(void)snprintf(out, sizeof(out), "%s", e.msg);
	} else if (status == 0) {
		(void)snprintf(out, sizeof(out), "none");
	} else {
		(void)snprintf(out, sizeof(out), "%s|%s|%s|%s", c.user ? c.user : "",
			       c.password ? c.password : "", c.identity ? c.identity : "",
			       c.bearer ? c.bearer : "");
	}
	return out;
}

#define AUTHS(x) "{\"auths\":{" x "}}"

TEST(an_entry_has_a_user_a_password_or_tokens)
{
	CHECK_STR(creds(AUTHS("\"h:1\":{\"auth\":\"dTpw\"}"), "h:1", ""), "u|p||");
	/* u:a:b, and u:p with two NUL behind it */
	CHECK_STR(creds(AUTHS("\"h\":{\"auth\":\"dTphOmI=\"}"), "h", ""), "u|a:b||");
	CHECK_STR(creds(AUTHS("\"h\":{\"auth\":\"dTpwAAA=\"}"), "h", ""), "u|p||");
	CHECK_STR(creds(AUTHS("\"h\":{\"username\":\"u\",\"password\":\"p\"}"), "h", ""), "u|p||");
	CHECK_STR(creds(AUTHS("\"h\":{\"auth\":\"dTo=\",\"identitytoken\":\"i\"}"), "h", ""),
		  "u||i|");
	CHECK_STR(creds(AUTHS("\"h\":{\"registrytoken\":\"b\"}"), "h", ""), "|||b");
	CHECK_STR(creds(AUTHS("\"h\":{}"), "h", ""), "none");
	CHECK_STR(creds("{}", "h", ""), "none");
	CHECK_STR(creds(" \n", "h", ""), "none");
	CHECK_STR(creds("{\"auths\":[]}", "h", ""), "none");
}

TEST(what_cannot_be_used_is_named_without_its_secret)
{
	CHECK_STR(creds("{\"auths\": s3cret", "h", ""), "f: not JSON");
	CHECK_STR(creds("[]", "h", ""), "f: not a JSON object");
	CHECK_STR(creds(AUTHS("\"h\":{\"auth\":\"s3cret!\"}"), "h", ""),
		  "f: the 'auth' of 'h' is not base64");
	CHECK_STR(creds(AUTHS("\"h\":{\"auth\":\"czNjcmV0\"}"), "h", ""),
		  "f: the 'auth' of 'h' is not base64 of USER:PASSWORD");
	CHECK_STR(creds(AUTHS("\"h\":{\"auth\":\"dQA6cA==\"}"), "h", ""),
		  "f: the 'auth' of 'h' is not base64 of USER:PASSWORD");
	CHECK_STR(creds(AUTHS("\"h\":{\"registrytoken\":\"s3c\\r\\nret\"}"), "h", ""),
		  "f: the 'registrytoken' of 'h' is not a token");
	/* somebody else's */
	CHECK_STR(creds(AUTHS("\"x\":{\"auth\":\"!\"}"), "h", ""), "none");
}

TEST(the_longest_part_of_a_repository_counts)
{
	static const char *const text =
		AUTHS("\"h\":{\"auth\":\"aDpo\"},\"h/a/b\":{\"auth\":\"YjpiYg==\"},"
		      "\"h/a\":{\"auth\":\"YTph\"},\"h/a/c\":{}");

	CHECK_STR(creds(text, "h", ""), "h|h||");
	CHECK_STR(creds(text, "h", "x"), "h|h||");
	CHECK_STR(creds(text, "h", "a"), "a|a||");
	CHECK_STR(creds(text, "h", "a/x"), "a|a||");
	CHECK_STR(creds(text, "h", "ab"), "h|h||");
	CHECK_STR(creds(text, "h", "a/b"), "b|bb||");
	CHECK_STR(creds(text, "h", "a/b/c"), "b|bb||");
	CHECK_STR(creds(text, "h", "a/bc"), "a|a||");
	CHECK_STR(creds(text, "h", "a/c"), "a|a||");
	CHECK_STR(creds(text, "hh", "a"), "none");
	CHECK_STR(creds(AUTHS("\"h/a\":{\"auth\":\"YTph\"}"), "h", "b"), "none");
}

TEST(keys_are_written_in_dockers_ways_too)
{
	static const char *const keys[] = { "h:1",
					    "h:1/",
					    "https://h:1",
					    "https://h:1/",
					    "http://h:1/v1",
					    "https://h:1/v1/",
					    "https://h:1/v2/",
					    "h:1/v2" };
	static const char *const hub[] = { "https://index.docker.io/v1/", "docker.io",
					   "index.docker.io", "registry-1.docker.io" };
	char text[256];

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		(void)snprintf(text, sizeof(text), AUTHS("\"%s\":{\"auth\":\"dTpw\"}"), keys[i]);
		CHECK_STR(creds(text, "h:1", "a"), "u|p||");
		CHECK_STR(creds(text, "h:12", "a"), "none");
		CHECK_STR(creds(text, "h", "a"), "none");
	}
	for (size_t i = 0; i < COUNT_OF(hub); i++) {
		(void)snprintf(text, sizeof(text), AUTHS("\"%s\":{\"auth\":\"dTpw\"}"), hub[i]);
		CHECK_STR(creds(text, "registry-1.docker.io", "library/ubuntu"), "u|p||");
	}
	CHECK_STR(creds(AUTHS("\"docker.io/acme\":{\"auth\":\"dTpw\"}"), "registry-1.docker.io",
			"acme/app"),
		  "u|p||");
	CHECK_STR(auth_file_server("registry-1.docker.io"), "https://index.docker.io/v1/");
	CHECK_STR(auth_file_server("h:1"), "h:1");
}

static const char *
helper(const char *text, const char *host)
{
	static char out[ERR_MSG_MAX];
	AUTO_JSN struct json_t *v = NULL;
	char name[AUTH_HELPER_MAX];
	struct err e = { 0 };

	if (auth_file_parse(view_of(text), "f", &v, &e) < 0 ||
	    auth_file_helper(v, "f", host, name, &e) < 0)
		(void)snprintf(out, sizeof(out), "%s", e.msg);
	else
		(void)snprintf(out, sizeof(out), "%s", name);
	return out;
}

TEST(one_host_has_its_own_helper_or_that_of_all)
{
	static const char *const text =
		"{\"credsStore\":\"all\",\"credHelpers\":{\"h:1\":\"one\",\"none\":\"\","
		"\"docker.io\":\"hub\",\"bad\":\"../sh\",\"list\":[]}}";

	CHECK_STR(helper(text, "h:1"), "one");
	CHECK_STR(helper(text, "h"), "all");
	CHECK_STR(helper(text, "none"), "");
	CHECK_STR(helper(text, "list"), "");
	CHECK_STR(helper(text, "registry-1.docker.io"), "hub");
	CHECK_STR(helper(text, "bad"), "f: '../sh' is not the name of a credential helper");
	CHECK_STR(helper("{}", "h"), "");
}

static const char *
found(const char *given, char *const *environment)
{
	static struct auth_files f;
	static char out[AUTH_FILES_MAX * AUTH_PATH_MAX];
	size_t n = 0;

	auth_find(given, environment, &f);
	out[0] = '\0';
	for (size_t i = 0; i < f.n; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", i > 0 ? " " : "",
				      f.path[i]);
	return out;
}

#define ENV(...)                          \
	(char *const[])                   \
	{                                 \
		(char *)__VA_ARGS__, NULL \
	}

TEST(files_are_looked_for_where_other_tools_keep_them)
{
	static const char *const all[] = { "r/containers/auth.json", "c/containers/auth.json",
					   "d/config.json", "h/.config/containers/auth.json",
					   "h/.docker/config.json" };
	char dir[] = "/tmp/unit-auth.XXXXXX", *cwd = getcwd(NULL, 0);

	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		AUTO_FREE char *folder = strdup(all[i]);

		*strrchr(folder, '/') = '\0';
		CHECK(file_mkdirs(folder, 0700, NULL) == 0);
		CHECK(file_replace(AT_FDCWD, all[i], "{}", 2, 0600, NULL) == 0);
	}
	CHECK_STR(found("g", ENV("REGISTRY_AUTH_FILE=f", (char *)"HOME=h")), "g");
	CHECK_STR(found(NULL, ENV("REGISTRY_AUTH_FILE=f", (char *)"HOME=h")), "f");
	CHECK_STR(found(NULL, ENV("REGISTRY_AUTH_FILE=", (char *)"XDG_RUNTIME_DIR=r",
				  (char *)"XDG_CONFIG_HOME=c", (char *)"DOCKER_CONFIG=d",
				  (char *)"HOME=h")),
		  "r/containers/auth.json c/containers/auth.json d/config.json");
	CHECK_STR(found(NULL, ENV("XDG_RUNTIME_DIR=x", (char *)"HOME=h")),
		  "h/.config/containers/auth.json h/.docker/config.json");
	CHECK_STR(found(NULL, ENV("XDG_RUNTIME_DIR=x", (char *)"HOME=x")), "");
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		char *end = NULL, *path = strdup(all[i]);

		(void)unlink(path);
		while ((end = strrchr(path, '/')) != NULL) {
			*end = '\0';
			(void)rmdir(path);
		}
		free(path);
	}
	CHECK(chdir(cwd) == 0 && rmdir(dir) == 0);
	free(cwd);
}

/* --- helpers ---------------------------------------------------------- */

static const char *
answer(const char *text)
{
	static char out[ERR_MSG_MAX];
	AUTO_CREDS struct auth_creds c = { 0 };
	struct err e = { 0 };
	int status = auth_helper_parse(view_of(text), &c, &e);

	if (status <= 0)
		(void)snprintf(out, sizeof(out), "%s", status < 0 ? e.msg : "none");
	else
		(void)snprintf(out, sizeof(out), "%s|%s|%s", c.user ? c.user : "",
			       c.password ? c.password : "", c.identity ? c.identity : "");
	return out;
}

TEST(a_helper_answers_with_a_password_or_a_token)
{
	CHECK_STR(answer("{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"p\"}\n"), "u|p|");
	CHECK_STR(answer("{\"Username\":\"<token>\",\"Secret\":\"t\"}"), "||t");
	CHECK_STR(answer("{\"Username\":\"\",\"Secret\":\"\"}"), "none");
	CHECK_STR(answer("{}"), "none");
	CHECK_STR(answer("s3cret"), "it does not answer in JSON");
	CHECK_STR(answer("[\"s3cret\"]"), "it does not answer in JSON");
}

static char bin[] = "/tmp/unit-auth-bin.XXXXXX";

/* What the helper with this script says. */
static const char *
run(const char *script, const char *server, int64_t ms)
{
	static char out[ERR_MSG_MAX];
	AUTO_CREDS struct auth_creds c = { 0 };
	struct auth_helper q = { .name = "x",
				 .server = server,
				 .environment = ENV("PATH=/usr/bin:/bin", (char *)"A=b"),
				 .ms = ms };
	char path[128], text[1024];
	struct err e = { 0 };
	int status;

	(void)snprintf(path, sizeof(path), "%s/docker-credential-x", bin);
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	CHECK(file_replace(AT_FDCWD, path, text, strlen(text), 0700, NULL) == 0);
	status = auth_helper_get(&q, &c, &e);
	if (status == 1)
		(void)snprintf(out, sizeof(out), "%s|%s %s", c.user, c.password, c.of);
	else
		(void)snprintf(out, sizeof(out), "%s", status == 0 ? "none" : e.msg);
	(void)unlink(path);
	return out;
}

#define HELPER "credential helper 'docker-credential-x': "

TEST(a_helper_is_a_program_with_the_host_as_input)
{
	CHECK(mkdtemp(bin) != NULL);
	CHECK(setenv("PATH", bin, 1) == 0);
	/* its one argument, its input, its environment, its descriptors */
	CHECK_STR(run("read h; echo '{\"Username\":\"'$#$1$A'\",\"Secret\":\"'$h'\"}'", "h:1", 0),
		  "1getb|h:1 'h:1' from docker-credential-x");
	CHECK_STR(run("echo '{\"Username\":\"u\",\"Secret\":\"'$(ls /proc/self/fd | wc -l)'\"}'",
		      "h", 0),
		  /* three, and the folder that ls reads */
		  "u|4 'h' from docker-credential-x");
	CHECK_STR(run("echo credentials not found in native keychain; exit 1", "h", 0), "none");
	CHECK_STR(run("echo s3cret; echo s3cret >&2; exit 1", "h", 0),
		  HELPER "it fails; 'docker-credential-x get' tells why");
	CHECK_STR(run("kill -9 $$", "h", 0),
		  HELPER "it fails; 'docker-credential-x get' tells why");
	CHECK_STR(run("echo s3cret", "h", 0), HELPER "it does not answer in JSON");
	CHECK_STR(run("while :; do echo s3cret s3cret s3cret s3cret; done", "h", 0),
		  HELPER "'answer' is larger than 65536 bytes");
	CHECK_STR(run("sleep 1000", "h", 50), HELPER "it takes too long");
	/* silent, and not at its end */
	CHECK_STR(run("echo '{}'; exec >&-; sleep 1000", "h", 50),
		  HELPER "it fails; 'docker-credential-x get' tells why");
	CHECK(setenv("PATH", "/nowhere", 1) == 0);
	CHECK_STR(run("", "h", 0), HELPER "there is no such program on PATH");
	CHECK(rmdir(bin) == 0);
}

/* --- scopes and tokens ------------------------------------------------ */

static const char *
merged(const char *named, const char *ours)
{
	static char out[1024];
	AUTO_BUF struct buf b = BUF_INIT(sizeof(out));

	CHECK(auth_scope_merge(named, ours, &b, NULL) == 0);
	(void)snprintf(out, sizeof(out), "%s", buf_cstr(&b));
	return out;
}

TEST(the_scopes_of_both_sides_are_asked_for_once)
{
	CHECK_STR(merged("", "repository:a:pull"), "repository:a:pull");
	CHECK_STR(merged("repository:a:pull", "repository:a:pull,push"), "repository:a:pull,push");
	CHECK_STR(merged("repository:a:push,pull", "repository:a:pull"), "repository:a:pull,push");
	CHECK_STR(merged("repository:x/a:pull", "repository:a:pull"),
		  "repository:x/a:pull repository:a:pull");
	CHECK_STR(merged("repository:b:pull", "repository:a:pull,push  repository:b:pull"),
		  "repository:a:pull,push repository:b:pull");
	CHECK_STR(merged("odd", "repository:h:1/a:pull"), "odd repository:h:1/a:pull");
}

TEST(the_first_repository_decides_whose_credentials_count)
{
	static const char *const all[][2] = { { "repository:a/b:pull,push repository:c:pull",
						"a/b" },
					      { "registry:catalog:*", "" },
					      { "repository:a", "" },
					      { "", "" } };

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		AUTO_FREE char *repo = NULL;

		CHECK(auth_scope_repo(all[i][0], &repo, NULL) == 0);
		CHECK_STR(repo, all[i][1]);
	}
}

static const char *
grant(const char *text)
{
	static char out[1024];
	AUTO_GRANT struct auth_grant g = { 0 };
	struct err e = { 0 };

	if (auth_token_parse(view_of(text), &g, &e) < 0)
		(void)snprintf(out, sizeof(out), "%s", e.msg);
	else
		(void)snprintf(out, sizeof(out), "%s %s %lld", g.token, g.refresh ? g.refresh : "-",
			       (long long)g.ms);
	return out;
}

TEST(a_token_server_answers_in_several_ways)
{
	CHECK_STR(grant("{\"token\":\"t\",\"expires_in\":300}"), "t - 240000");
	CHECK_STR(grant("{\"access_token\":\"t\",\"refresh_token\":\"r\"}"), "t r 48000");
	CHECK_STR(grant("{\"token\":\"\",\"access_token\":\"t\",\"expires_in\":0}"), "t - 48000");
	CHECK_STR(grant("{\"token\":\"t\",\"expires_in\":99999999999}"), "t - 2880000");
	CHECK_STR(grant("{\"token\":\"a\\nb\"}"), "no token that can be used in the answer");
	CHECK_STR(grant("{\"token\":1}"), "no token that can be used in the answer");
	CHECK_STR(grant("<html>"), "no token that can be used in the answer");
}

UNIT_MAIN
