#include "base/conf.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define FILE_MAX_BYTES (256U << 10)
#define LINE_MAX_BYTES (8U << 10)
#define KEY_MAX_BYTES  128
#define FROM_MAX_BYTES 256

struct setting {
	char *key, *value, *from;
};

struct conf {
	const struct conf_key *keys;
	struct setting *set;
	size_t n;
};

int
conf_new(const struct conf_key *keys, struct conf **ret, struct err *e)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->keys = keys;
	*ret = c;
	return 0;
}

static void
setting_free(struct setting *s)
{
	free(s->key);
	free(s->value);
	free(s->from);
}

void
conf_free(struct conf **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < (*c)->n; i++)
		setting_free(&(*c)->set[i]);
	free((*c)->set);
	free(*c);
	*c = NULL;
}

static bool
key_matches(const char *pattern, const char *key)
{
	const char *star = strchr(pattern, '*');
	size_t before, after, n = strlen(key);

	if (star == NULL)
		return strcmp(pattern, key) == 0;
	before = (size_t)(star - pattern);
	after = strlen(star + 1);
	return n > before + after && strncmp(pattern, key, before) == 0 &&
	       strcmp(key + n - after, star + 1) == 0;
}

static const struct conf_key *
known(const struct conf *c, const char *key)
{
	for (const struct conf_key *k = c->keys; k->key != NULL; k++)
		if (key_matches(k->key, key))
			return k;
	return NULL;
}

static struct setting *
find(const struct conf *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->set[i].key, key) == 0)
			return &c->set[i];
	return NULL;
}

int
conf_set(struct conf *c, const char *key, const char *value, const char *from, struct err *e)
{
	struct setting *s, *more;
	struct setting made = { .key = strdup(key), .value = strdup(value), .from = strdup(from) };

	if (made.key == NULL || made.value == NULL || made.from == NULL)
		goto nomem;
	if (known(c, key) == NULL) {
		setting_free(&made);
		return err_set(e, ERR_CONFIG, "%s: unknown key '%s'", from, key);
	}
	s = find(c, key);
	if (s != NULL) {
		setting_free(s);
		*s = made;
		return 0;
	}
	more = reallocarray(c->set, c->n + 1, sizeof(*more));
	if (more == NULL)
		goto nomem;
	c->set = more;
	c->set[c->n++] = made;
	return 0;
nomem:
	setting_free(&made);
	return err_nomem(e);
}

static bool
key_char(char c, bool first)
{
	return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (!first && c >= '0' && c <= '9');
}

/* Take the quotes off one value; what the shell would expand is refused. */
static int
unquote(struct view v, const char *from, struct buf *ret, struct err *e)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (quote == '\0' && (c == '\'' || c == '"')) {
			quote = c;
		} else if (quote != '\0' && c == quote) {
			quote = '\0';
		} else if (quote != '\'' && (c == '$' || c == '`')) {
			return err_set(e, ERR_CONFIG, "%s: '%c' must stand in single quotes", from,
				       c);
		} else if (quote != '\'' && c == '\\') {
			if (++i == v.n)
				return err_set(e, ERR_CONFIG, "%s: a '\\' at the end", from);
			buf_addc(ret, v.p[i]);
		} else if (quote == '\0' && (c == ' ' || c == '\t')) {
			break;
		} else if (quote == '\0' && strchr(";&|<>()*?", c) != NULL) {
			return err_set(e, ERR_CONFIG, "%s: '%c' must stand in quotes", from, c);
		} else {
			buf_addc(ret, c);
		}
	}
	if (quote != '\0')
		return err_set(e, ERR_CONFIG, "%s: a quote is not closed", from);
	v = view_trim((struct view){ v.p + i, v.n - i });
	if (v.n > 0 && v.p[0] != '#')
		return err_set(e, ERR_CONFIG, "%s: a value with spaces must stand in quotes", from);
	return buf_ok(ret, from, e);
}

static int
parse_line(struct conf *c, struct view line, const char *from, struct err *e)
{
	AUTO_BUF
	struct buf value = BUF_INIT(LINE_MAX_BYTES);
	char key[KEY_MAX_BYTES];
	const struct setting *before;
	struct view head;

	line = view_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return 0;
	if (view_starts(line, "export "))
		line = view_trim((struct view){ line.p + 7, line.n - 7 });
	if (!view_cut(&line, '=', &head) || head.n == 0 || head.n >= sizeof(key))
		return err_set(e, ERR_CONFIG, "%s: not a KEY=value line", from);
	for (size_t i = 0; i < head.n; i++)
		if (!key_char(head.p[i], i == 0))
			return err_set(e, ERR_CONFIG, "%s: not a KEY=value line", from);
	memcpy(key, head.p, head.n);
	key[head.n] = '\0';
	if (unquote(line, from, &value, e) < 0)
		return -1;
	before = find(c, key);
	if (before != NULL) {
		const char *colon = strrchr(before->from, ':');

		if (colon != NULL &&
		    strncmp(before->from, from, (size_t)(colon - before->from) + 1) == 0)
			return err_set(e, ERR_CONFIG, "%s: '%s' is set twice, first in line %s",
				       from, key, colon + 1);
	}
	return conf_set(c, key, buf_cstr(&value), from, e);
}

int
conf_parse(struct conf *c, const char *text, const char *name, struct err *e)
{
	struct view rest = view_of(text), line;
	char from[FROM_MAX_BYTES];

	for (int n = 1; rest.n > 0; n++) {
		if (!view_cut(&rest, '\n', &line)) {
			line = rest;
			rest.n = 0;
		}
		(void)snprintf(from, sizeof(from), "%s:%d", name, n);
		if (line.n > LINE_MAX_BYTES)
			return err_set(e, ERR_CONFIG, "%s: longer than %u bytes", from,
				       LINE_MAX_BYTES);
		if (parse_line(c, line, from, e) < 0)
			return -1;
	}
	return 0;
}

int
conf_load(struct conf *c, const char *path, struct err *e)
{
	AUTO_BUF
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	struct err why = { 0 };

	if (file_read(AT_FDCWD, path, &text, &why) < 0)
		return err_set(e, why.code == ERR_NOTFOUND ? ERR_NOTFOUND : ERR_CONFIG, "%s",
			       why.msg);
	if (memchr(buf_cstr(&text), '\0', text.len) != NULL)
		return err_set(e, ERR_CONFIG, "%s: not a text file", path);
	return conf_parse(c, buf_cstr(&text), path, e);
}

int
conf_env(struct conf *c, char *const *environment, struct err *e)
{
	for (; *environment != NULL; environment++) {
		struct view rest = view_of(*environment), head;
		char key[KEY_MAX_BYTES];

		if (!view_cut(&rest, '=', &head) || head.n >= sizeof(key) || rest.n == 0)
			continue;
		memcpy(key, head.p, head.n);
		key[head.n] = '\0';
		if (known(c, key) == NULL)
			continue;
		if (conf_set(c, key, rest.p, "environment", e) < 0)
			return -1;
	}
	return 0;
}

const char *
conf_get(const struct conf *c, const char *key)
{
	const struct setting *s = find(c, key);
	const struct conf_key *k;

	if (s != NULL)
		return s->value;
	k = known(c, key);
	return k != NULL ? k->otherwise : NULL;
}

const char *
conf_get_for(const struct conf *c, const char *pattern, const char *name)
{
	AUTO_BUF
	struct buf key = BUF_INIT(KEY_MAX_BYTES);

	for (const char *p = pattern; *p != '\0'; p++) {
		if (*p != '*') {
			buf_addc(&key, *p);
			continue;
		}
		for (const char *s = name; *s != '\0'; s++)
			buf_addc(&key, isalnum((unsigned char)*s) ? *s : '_');
	}
	return conf_get(c, buf_cstr(&key));
}

static const char *
origin(const struct conf *c, const char *key)
{
	const struct setting *s = find(c, key);

	return s != NULL ? s->from : "default";
}

int
conf_bad(const struct conf *c, const char *key, struct err *e, const char *fmt, ...)
{
	char words[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_CONFIG, "%s: %s: %s", origin(c, key), key, words);
}

int
conf_number(const struct conf *c, const char *key, int64_t min, int64_t max, int64_t *ret,
	    struct err *e)
{
	const char *v = conf_get(c, key);
	char *end;
	long long n;

	if (v == NULL)
		return conf_bad(c, key, e, "is not set");
	n = strtoll(v, &end, 10);
	if (end == v || *end != '\0' || n < min || n > max)
		return conf_bad(c, key, e,
				"must be a number from %" PRId64 " to %" PRId64 ", not '%s'", min,
				max, v);
	*ret = n;
	return 0;
}

int
conf_bool(const struct conf *c, const char *key, bool *ret, struct err *e)
{
	static const char *const yes[] = { "true", "yes", "1", "on" };
	static const char *const no[] = { "false", "no", "0", "off" };
	const char *v = conf_get(c, key);

	for (size_t i = 0; v != NULL && i < COUNT_OF(yes); i++) {
		if (strcasecmp(v, yes[i]) == 0 || strcasecmp(v, no[i]) == 0) {
			*ret = strcasecmp(v, yes[i]) == 0;
			return 0;
		}
	}
	return conf_bad(c, key, e, "must be true or false, not '%s'", v != NULL ? v : "");
}

int
conf_need(const struct conf *c, const char *key, const char **ret, struct err *e)
{
	const char *v = conf_get(c, key);

	if (v == NULL || v[0] == '\0')
		return err_set(e, ERR_CONFIG, "%s is not set (see gantry.conf(5))", key);
	*ret = v;
	return 0;
}

int
conf_find(const char *given, const char **ret, struct err *e)
{
	static const char *const places[] = { "/etc/gantry/gantry.conf", "gantry.conf" };

	if (given != NULL) {
		if (access(given, R_OK) < 0) {
			err_sys(e, "open '%s'", given);
			if (e != NULL)
				e->code = ERR_CONFIG;
			return -1;
		}
		*ret = given;
		return 0;
	}
	*ret = NULL;
	for (size_t i = 0; i < COUNT_OF(places) && *ret == NULL; i++)
		if (access(places[i], F_OK) == 0)
			*ret = places[i];
	return 0;
}
