#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void
format(char *dst, size_t size, const char *fmt, va_list ap)
{
	if (vsnprintf(dst, size, fmt, ap) < 0)
		dst[0] = '\0';
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return -1;
	e->code = code;
	va_start(ap, fmt);
	format(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int why = errno;
	size_t n;
	va_list ap;

	if (e == NULL)
		return -1;
	e->code = why == ENOSPC || why == EDQUOT ? ERR_SPACE : ERR_SYS;
	va_start(ap, fmt);
	format(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(why));
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[ERR_MSG_MAX];
	size_t n;
	va_list ap;

	if (e == NULL)
		return -1;
	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	format(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", inner);
	return -1;
}

int
err_nomem(struct err *e)
{
	return err_set(e, ERR_SYS, "out of memory");
}

int
err_exit(const struct err *e)
{
	switch (e->code) {
	case ERR_NONE:
		return 0;
	case ERR_NO:
	case ERR_DATA:
	case ERR_NOTFOUND:
	case ERR_AUTH:
		return 1;
	case ERR_ROLLED_BACK:
		return 3;
	case ERR_STUCK:
		return 5;
	case ERR_NOTARGET:
		return 6;
	case ERR_SPACE:
		return 7;
	case ERR_USAGE:
		return 64;
	case ERR_TEMP:
		return 75;
	case ERR_CONFIG:
		return 78;
	case ERR_SYS:
		break;
	}
	return 71;
}
