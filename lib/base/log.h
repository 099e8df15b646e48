/*
 * log: words for people, on standard error.
 *
 * Only a program's own files speak; the library returns errors.  A line is
 * "program: message"; with LOG_JSON it is {"time","level","program","msg"}.
 * Control bytes are shown as \xNN, so that nothing from outside can move the
 * cursor.  Colour only where standard error is a terminal and NO_COLOR is
 * unset.
 */
#ifndef GANTRY_BASE_LOG_H
#define GANTRY_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT = 0, LOG_JSON };

/* program: argv[0], its folder is cut off; must outlive the process. */
void log_init(const char *program);
void log_set_level(enum log_level level); /* what is shown; default LOG_INFO */
/* The same, but a level that was set stays: flags win over settings. */
void log_set_default(enum log_level level);
void log_set_format(enum log_format format);
/* The same lines at the end of a file, too, each with its time before it; it is made if it is not
 * there.  Who may not write it goes without. */
int log_to_file(const char *path, struct err *e);
/* "error", "warn", "info", "debug"; false if it is none of them. */
bool log_parse_level(const char *name, enum log_level *ret);
const char *log_program(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
