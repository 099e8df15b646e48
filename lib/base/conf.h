/*
 * conf: settings as KEY=value lines, the part of shell syntax that `.` reads
 * too: '#' comments, blank lines, an optional "export ", values bare, 'quoted'
 * or "quoted".  No expansion: a $ or a backquote in a value that is not in
 * single quotes is refused, because the shell would not read the same.
 *
 * Limits: a file of 256 KiB, a line of 8 KiB.  Errors are ERR_CONFIG and name
 * file and line: an unknown key, a bad line, a key set twice.
 *
 * Later settings win over earlier ones, so a program sets in the order
 * defaults, files, environment, flags.
 */
#ifndef GANTRY_BASE_CONF_H
#define GANTRY_BASE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scope.h"

/* The keys that may be set, with their defaults (NULL: none).  A '*' in a
 * key stands for any one part of letters, digits and '_'.  Ends with {0}. */
struct conf_key {
	const char *key;
	const char *otherwise;
};

struct conf;

int conf_new(const struct conf_key *keys, struct conf **ret, struct err *e);
void conf_free(struct conf **c);
#define AUTO_CONF AUTO(conf_free)

/* Read a file.  ERR_NOTFOUND if it is not there. */
int conf_load(struct conf *c, const char *path, struct err *e);
/* The same from text; name stands for the file in errors. */
int conf_parse(struct conf *c, const char *text, const char *name, struct err *e);
/* Take over from "KEY=value" strings (environ) whatever is one of the keys
 * and not empty. */
int conf_env(struct conf *c, char *const *environment, struct err *e);
int conf_set(struct conf *c, const char *key, const char *value, const char *from, struct err *e);

/* The value or its default; NULL if neither.  Lent until the next set. */
const char *conf_get(const struct conf *c, const char *key);
/* SERVICE_<name>_HOST and the like: '*' in pattern is name, with - as _. */
const char *conf_get_for(const struct conf *c, const char *pattern, const char *name);
/* With checks; ERR_CONFIG names where the value came from. */
int conf_number(const struct conf *c, const char *key, int64_t min, int64_t max, int64_t *ret,
		struct err *e);
int conf_bool(const struct conf *c, const char *key, bool *ret, struct err *e);
int conf_need(const struct conf *c, const char *key, const char **ret, struct err *e);
/* Raise "FILE:LINE: KEY: words" for a value that was found bad later. */
int conf_bad(const struct conf *c, const char *key, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The file to read: given (must exist), else /etc/gantry/gantry.conf, else
 * ./gantry.conf, else none (*ret is NULL).  ret is lent. */
int conf_find(const char *given, const char **ret, struct err *e);

#endif
