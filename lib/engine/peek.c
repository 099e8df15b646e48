#include "engine/peek.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool
peek_is_name(struct view name)
{
	if (name.n == 0 || name.n >= PEEK_NAME_MAX || !is_alnum(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!is_alnum(name.p[i]) && memchr("_.-", name.p[i], 3) == NULL)
			return false;
	return true;
}

int
peek_where(const char *host, const char *container, const char **ret_socket, char url[PEEK_URL_MAX],
	   struct err *e)
{
	static const char scheme[] = "unix://";

	if (!view_starts(view_of(host), scheme) || host[sizeof(scheme) - 1] != '/')
		return err_set(e, ERR_CONFIG, "'%s' is no engine: want unix:///PATH", host);
	if (snprintf(url, PEEK_URL_MAX, "http://docker/containers/%s/json", container) >=
	    PEEK_URL_MAX)
		return err_set(e, ERR_USAGE, "the container's name is too long");
	*ret_socket = host + sizeof(scheme) - 1;
	return 0;
}

static void
first_line(const char *text, char out[PEEK_WORDS_MAX])
{
	struct view v = view_trim(view_of(text));
	const char *end = v.n > 0 ? memchr(v.p, '\n', v.n) : NULL;
	size_t n = end != NULL ? (size_t)(end - v.p) : v.n;

	if (n >= PEEK_WORDS_MAX)
		n = PEEK_WORDS_MAX - 1;
	(void)snprintf(out, PEEK_WORDS_MAX, "%.*s", (int)n, v.p != NULL ? v.p : "");
}

int
peek_read(struct view answer, struct peek *ret, struct err *e)
{
	static const char what[] = "the engine's answer";
	AUTO_JSN struct json_t *doc = jsn_parse(answer, what, e);
	struct peek p = { 0 };
	const struct json_t *log;
	const char *id, *status;

	if (doc == NULL || jsn_need_str(doc, "Id", what, &id, e) < 0 ||
	    jsn_need_str(doc, "State.Status", what, &status, e) < 0)
		return -1;
	(void)snprintf(p.id, sizeof(p.id), "%s", id);
	(void)snprintf(p.status, sizeof(p.status), "%s", status);
	(void)snprintf(p.health, sizeof(p.health), "%s",
		       jsn_str_or(doc, "State.Health.Status", ""));
	if (strcmp(p.health, "none") == 0)
		p.health[0] = '\0';
	p.pid = jsn_int(doc, "State.Pid", 0);
	p.exit_code = jsn_int(doc, "State.ExitCode", 0);
	log = jsn_get(doc, "State.Health.Log");
	if (jsn_len(log) > 0)
		first_line(jsn_str_or(jsn_at(log, jsn_len(log) - 1), "Output", ""), p.words);
	*ret = p;
	return 0;
}

void
peek_refusal(struct view answer, char words[PEEK_WORDS_MAX])
{
	AUTO_JSN struct json_t *doc = jsn_parse(answer, "answer", NULL);

	first_line(jsn_str_or(doc, "message", ""), words);
}
