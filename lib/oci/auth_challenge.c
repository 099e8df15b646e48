#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "oci/auth.h"

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
