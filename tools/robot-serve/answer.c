#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

void
answer_error(struct answer *a, int status, const char *field, const char *fmt, ...)
{
	char words[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	a->status = status;
	a->type = ANSWER_JSON;
	buf_reset(&a->body);
	buf_adds(&a->body, "{\"error\":");
	jsn_quote(&a->body, words);
	if (field != NULL) {
		buf_adds(&a->body, ",\"field\":");
		jsn_quote(&a->body, field);
	}
	buf_adds(&a->body, "}\n");
}

void
answer_err(struct answer *a, const char *field, const struct err *e)
{
	int status = e->code == ERR_NO	       ? 409
		     : e->code == ERR_NOTFOUND ? 404
		     : e->code == ERR_DATA     ? 400
					       : 503;

	a->retry_later = status == 503;
	answer_error(a, status, field, "%s", e->msg);
}

bool
answer_allows(struct answer *a, const struct ask *q, const char *allow, const char *one,
	      const char *two)
{
	if (strcmp(q->method, one) == 0 || (two != NULL && strcmp(q->method, two) == 0))
		return true;
	if (two != NULL)
		answer_error(a, 405, NULL, "only %s and %s are understood here", one, two);
	else
		answer_error(a, 405, NULL, "only %s is understood here", one);
	a->allow = allow;
	return false;
}
