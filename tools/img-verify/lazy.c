#include "lazy.h"

/* they make macros of two functions */
#define CURL_DISABLE_TYPECHECK
#include <archive.h>
#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

/* What Debian 12 and 13 call the versions that the headers above describe. */
#define CURL_LIBRARY	"libcurl.so.4"
#define ARCHIVE_LIBRARY "libarchive.so.13"
#define WORDS_MAX	256

static void *curl, *archive;

static int
load(const char *name, void **ret, struct err *e)
{
	*ret = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	return *ret != NULL ? 0 : err_set(e, ERR_SYS, "%s", dlerror());
}

int
lazy_open(bool unpack, struct err *e)
{
	if (load(CURL_LIBRARY, &curl, e) < 0)
		return -1;
	return unpack ? load(ARCHIVE_LIBRARY, &archive, e) : 0;
}

static void *
find(void *library, const char *name)
{
	void *f;

	assert(library != NULL);
	f = dlsym(library, name);
	assert(f != NULL);
	return f;
}

#define REAL(library, name) ((__typeof__(&(name)))find(library, #name))
/* A function of either library, with its parameters and their names. */
#define CURL(type, name, parameters, names)    \
	type name parameters                   \
	{                                      \
		return REAL(curl, name) names; \
	}
#define ARCHIVE(type, name, parameters, names)    \
	type name parameters                      \
	{                                         \
		return REAL(archive, name) names; \
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
	return REAL(curl, curl_url_get)(u, what, part, flags);
}

/* The option says what its value is. */
CURLcode
curl_easy_setopt(CURL *h, CURLoption option, ...)
{
	__typeof__(&curl_easy_setopt) real = REAL(curl, curl_easy_setopt);
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
	code = REAL(curl, curl_easy_getinfo)(h, info, va_arg(ap, void *));
	va_end(ap);
	return code;
}

ARCHIVE(struct archive *, archive_read_new, (void), ())
ARCHIVE(int, archive_read_free, (struct archive * a), (a))
ARCHIVE(int, archive_read_append_filter, (struct archive * a, int filter), (a, filter))
ARCHIVE(int, archive_read_support_format_raw, (struct archive * a), (a))
ARCHIVE(int, archive_read_open,
	(struct archive * a, void *arg, archive_open_callback *opens, archive_read_callback *reads,
	 archive_close_callback *closes),
	(a, arg, opens, reads, closes))
ARCHIVE(int, archive_read_next_header, (struct archive * a, struct archive_entry **ret), (a, ret))
ARCHIVE(la_ssize_t, archive_read_data, (struct archive * a, void *p, size_t n), (a, p, n))
ARCHIVE(const char *, archive_error_string, (struct archive * a), (a))

void
archive_set_error(struct archive *a, int number, const char *fmt, ...)
{
	char words[WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	REAL(archive, archive_set_error)(a, number, "%s", words);
}
