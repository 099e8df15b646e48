#include "lazy/curl.h"

/* it makes macros of two functions */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdarg.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#include "lazy/library.h"

/* What Debian 12 and 13 call the version that the header above describes. */
#define CURL_LIBRARY "libcurl.so.4"

static void *library;

int
lazy_curl(struct err *e)
{
	return library_load(CURL_LIBRARY, &library, e);
}

/* A function of the library, with its parameters and their names. */
#define CURL(type, name, parameters, names)               \
	type name parameters                              \
	{                                                 \
		return LIBRARY_REAL(library, name) names; \
	}

CURL(CURLcode, curl_global_init, (long flags), (flags))
CURL(CURL *, curl_easy_init, (void), ())
CURL(void, curl_easy_cleanup, (CURL * h), (h))
CURL(CURLcode, curl_easy_pause, (CURL * h, int action), (h, action))
CURL(const char *, curl_easy_strerror, (CURLcode code), (code))
CURL(void, curl_free, (void *p), (p))
CURL(time_t, curl_getdate, (const char *s, const time_t *unused), (s, unused))
CURL(CURLM *, curl_multi_init, (void), ())
CURL(CURLMcode, curl_multi_cleanup, (CURLM * m), (m))
CURL(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *h), (m, h))
CURL(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL *h), (m, h))
CURL(CURLMcode, curl_multi_perform, (CURLM * m, int *running), (m, running))
CURL(CURLMcode, curl_multi_poll,
     (CURLM * m, struct curl_waitfd more[], unsigned int n, int ms, int *ret),
     (m, more, n, ms, ret))
CURL(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left), (m, left))
CURL(struct curl_slist *, curl_slist_append, (struct curl_slist * l, const char *s), (l, s))
CURL(void, curl_slist_free_all, (struct curl_slist * l), (l))
CURL(CURLU *, curl_url, (void), ())
CURL(void, curl_url_cleanup, (CURLU * u), (u))
CURL(CURLUcode, curl_url_set, (CURLU * u, CURLUPart what, const char *part, unsigned int flags),
     (u, what, part, flags))

/* Newer headers have its first parameter const: the linker's name, so that both will do. */
CURLUcode
url_get(CURLU *u, CURLUPart what, char **part, unsigned int flags) __asm__("curl_url_get");

CURLUcode
url_get(CURLU *u, CURLUPart what, char **part, unsigned int flags)
{
	return LIBRARY_REAL(library, curl_url_get)(u, what, part, flags);
}

/* The option says what its value is. */
CURLcode
curl_easy_setopt(CURL *h, CURLoption option, ...)
{
	__typeof__(&curl_easy_setopt) real = LIBRARY_REAL(library, curl_easy_setopt);
	CURLcode code;
	va_list ap;

	va_start(ap, option);
	if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		code = real(h, option, va_arg(ap, curl_off_t));
	else if (option < CURLOPTTYPE_OBJECTPOINT)
		code = real(h, option, va_arg(ap, long));
	else
		code = real(h, option, va_arg(ap, void *));
	va_end(ap);
	return code;
}

CURLcode
curl_easy_getinfo(CURL *h, CURLINFO info, ...)
{
	CURLcode code;
	va_list ap;

	va_start(ap, info);
	code = LIBRARY_REAL(library, curl_easy_getinfo)(h, info, va_arg(ap, void *));
	va_end(ap);
	return code;
}
