#include "oci/auth_helper.h"

#include <stdio.h>
#include <string.h>

#include "base/command.h"
#include "base/jsn.h"

#define HELPER_MS 10000
#define NOT_FOUND "credentials not found" /* what helpers print where they have none */

int
auth_helper_parse(struct view answer, struct auth_creds *ret, struct err *e)
{
	/* the parser's words could quote a secret */
	AUTO_JSN struct json_t *v = jsn_parse(answer, "answer", NULL);
	const char *user = jsn_str_or(v, "Username", ""), *secret = jsn_str_or(v, "Secret", "");

	*ret = (struct auth_creds){ 0 };
	if (!jsn_is_object(v))
		return err_set(e, ERR_DATA, "it does not answer in JSON");
	if (user[0] == '\0' && secret[0] == '\0')
		return 0;
	if (strcmp(user, "<token>") == 0) {
		ret->identity = strdup(secret);
	} else {
		ret->user = strdup(user);
		ret->password = strdup(secret);
	}
	if (ret->identity != NULL || (ret->user != NULL && ret->password != NULL))
		return 1;
	auth_creds_clear(ret);
	return err_nomem(e);
}

int
auth_helper_get(const struct auth_helper *q, struct auth_creds *ret, struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT(AUTH_ANSWER_MAX);
	char program[AUTH_HELPER_MAX + 32];
	char *const argv[] = { program, (char *)"get", NULL };
	const struct command c = { .argv = argv,
				   .environment = q->environment,
				   .input = q->server,
				   .ms = q->ms > 0 ? q->ms : HELPER_MS,
				   .stop = q->stop };
	struct err why = { 0 };
	int status = 0, got;

	*ret = (struct auth_creds){ 0 };
	(void)snprintf(program, sizeof(program), "docker-credential-%s", q->name);
	got = command_run(&c, &answer, &status, &why);
	if (got < 0)
		(void)err_set(e, why.code == ERR_NOTFOUND ? ERR_SYS : why.code, "%s%s", why.msg,
			      why.code == ERR_NOTFOUND ? " on PATH" : "");
	if (got == 0 && status != 0) {
		if (status < 128 && strstr(buf_cstr(&answer), NOT_FOUND) != NULL)
			return 0;
		got = err_set(e, ERR_SYS, "it fails; '%s get' tells why", program);
	}
	if (got == 0)
		got = auth_helper_parse(view_buf(&answer), ret, e);
	if (got < 0)
		return err_wrap(e, "credential helper '%s'", program);
	if (got == 1)
		(void)snprintf(ret->of, sizeof(ret->of), "'%.200s' from %s", q->server, program);
	return got;
}
