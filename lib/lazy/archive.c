#include "lazy/archive.h"

#include <archive.h>
#include <stdarg.h>
#include <stdio.h>

#include "lazy/library.h"

/* What Debian 12 and 13 call the version that the header above describes. */
#define ARCHIVE_LIBRARY "libarchive.so.13"
#define WORDS_MAX	256

static void *library;

int
lazy_archive(struct err *e)
{
	return library_load(ARCHIVE_LIBRARY, &library, e);
}

/* A function of the library, with its parameters and their names. */
#define ARCHIVE(type, name, parameters, names)            \
	type name parameters                              \
	{                                                 \
		return LIBRARY_REAL(library, name) names; \
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
	LIBRARY_REAL(library, archive_set_error)(a, number, "%s", words);
}
