/*
 * jsn: JSON (RFC 8259) read with suspicion and written without surprises.
 *
 * Reading: one whole document, at most JSN_DEPTH_MAX deep, no duplicate keys,
 * nothing after it, valid UTF-8, no NUL in strings.  Getters never fail: what
 * is missing or of another type reads as NULL, 0, false or the default given,
 * and every getter takes a NULL value.  jsn_need_* are for what must be there
 * and name it in the error.
 *
 * Values are reference counted by jansson.  A getter lends; jsn_parse and the
 * constructors give, to be released with jsn_free (or AUTO_JSN).  jsn_set,
 * jsn_push and jsn_replace take the value they are given, even on failure, so that
 * constructors nest; out of memory shows as a NULL from jsn_dump.
 */
#ifndef GANTRY_BASE_JSN_H
#define GANTRY_BASE_JSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JSN_DEPTH_MAX 64 /* Docker's deepest inspect answer has 9 */

struct json_t;

void jsn_free(struct json_t *const *v);
#define AUTO_JSN AUTO(jsn_free)

/* what: names the document in errors ("manifest of 'x'"), ERR_DATA. */
struct json_t *jsn_parse(struct view text, const char *what, struct err *e);

/* key may be a path of keys, "State.Health.Status"; "" is the value itself.
 * A key that has a dot itself is asked for with jsn_at_key. */
const struct json_t *jsn_get(const struct json_t *v, const char *path);
const struct json_t *jsn_at_key(const struct json_t *v, const char *key);
const char *jsn_str(const struct json_t *v, const char *path); /* NULL if none */
const char *jsn_str_or(const struct json_t *v, const char *path, const char *otherwise);
int64_t jsn_int(const struct json_t *v, const char *path, int64_t otherwise);
double jsn_num(const struct json_t *v, const char *path, double otherwise);
bool jsn_bool(const struct json_t *v, const char *path, bool otherwise);
bool jsn_is_object(const struct json_t *v);
bool jsn_is_array(const struct json_t *v);
bool jsn_is_null(const struct json_t *v); /* JSON null, or not there */
bool jsn_equal(const struct json_t *a, const struct json_t *b);

/* Arrays and objects: length (0 for anything else) and the i-th of an array. */
size_t jsn_len(const struct json_t *v);
const struct json_t *jsn_at(const struct json_t *v, size_t i);
/* Walk an object: for (it = jsn_first(o); it; it = jsn_next(o, it)). */
void *jsn_first(const struct json_t *object);
void *jsn_next(const struct json_t *object, void *it);
const char *jsn_key(void *it);
const struct json_t *jsn_value(void *it);

int jsn_need_str(const struct json_t *v, const char *path, const char *what, const char **ret,
		 struct err *e);
int jsn_need_int(const struct json_t *v, const char *path, const char *what, int64_t min,
		 int64_t max, int64_t *ret, struct err *e);

/* Make. */
struct json_t *jsn_object(void);
struct json_t *jsn_array(void);
struct json_t *jsn_string(const char *s); /* NULL makes null */
struct json_t *jsn_integer(int64_t n);
struct json_t *jsn_real(double x);
struct json_t *jsn_boolean(bool b);
struct json_t *jsn_copy(const struct json_t *v); /* deep */
void jsn_set(struct json_t *object, const char *key, struct json_t *value);
void jsn_set_str(struct json_t *object, const char *key, const char *s);
void jsn_set_int(struct json_t *object, const char *key, int64_t n);
void jsn_set_bool(struct json_t *object, const char *key, bool b);
void jsn_remove(struct json_t *object, const char *key);
void jsn_push(struct json_t *array, struct json_t *value);
void jsn_replace(struct json_t *array, size_t i, struct json_t *value);
/* The object at key, made if it is not there; lent. */
struct json_t *jsn_child(struct json_t *object, const char *key);
/* The same value for changing; only for values that this process owns whole. */
struct json_t *jsn_mutable(const struct json_t *v);

/* One line, keys in the order they were set, no spaces; the caller's to free,
 * NULL if out of memory. */
char *jsn_dump(const struct json_t *v);
/* The same with keys sorted (RFC 8785 for the data that Gantry meets: strings
 * and integers). */
char *jsn_dump_sorted(const struct json_t *v);
/* Append s as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void jsn_quote(struct buf *b, const char *s);

#endif
