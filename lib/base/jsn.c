#include "base/jsn.h"

#include <jansson.h>
#include <string.h>

#define KEY_MAX_BYTES 256

void
jsn_free(struct json_t *const *v)
{
	json_decref(*v);
}

/* jansson recurses to a depth of its own (2048); ours is checked before */
static bool
too_deep(struct view t)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSN_DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

struct json_t *
jsn_parse(struct view text, const char *what, struct err *e)
{
	json_error_t je;
	json_t *v;

	if (too_deep(text)) {
		err_set(e, ERR_DATA, "%s: JSON is deeper than %d", what, JSN_DEPTH_MAX);
		return NULL;
	}
	v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (v == NULL)
		err_set(e, ERR_DATA, "%s: not JSON: line %d: %s", what, je.line, je.text);
	return v;
}

const struct json_t *
jsn_at_key(const struct json_t *v, const char *key)
{
	return json_object_get(v, key);
}

const struct json_t *
jsn_get(const struct json_t *v, const char *path)
{
	struct view rest = view_of(path), head;
	char key[KEY_MAX_BYTES];

	while (v != NULL && rest.n > 0) {
		if (!view_cut(&rest, '.', &head)) {
			head = rest;
			rest.n = 0;
		}
		if (head.n >= sizeof(key))
			return NULL;
		memcpy(key, head.p, head.n);
		key[head.n] = '\0';
		v = json_object_get(v, key);
	}
	return v;
}

const char *
jsn_str(const struct json_t *v, const char *path)
{
	return json_string_value(jsn_get(v, path));
}

const char *
jsn_str_or(const struct json_t *v, const char *path, const char *otherwise)
{
	const char *s = jsn_str(v, path);

	return s != NULL ? s : otherwise;
}

int64_t
jsn_int(const struct json_t *v, const char *path, int64_t otherwise)
{
	const json_t *n = jsn_get(v, path);

	return json_is_integer(n) ? json_integer_value(n) : otherwise;
}

double
jsn_num(const struct json_t *v, const char *path, double otherwise)
{
	const json_t *n = jsn_get(v, path);

	return json_is_number(n) ? json_number_value(n) : otherwise;
}

bool
jsn_bool(const struct json_t *v, const char *path, bool otherwise)
{
	const json_t *b = jsn_get(v, path);

	return json_is_boolean(b) ? json_is_true(b) : otherwise;
}

bool
jsn_is_object(const struct json_t *v)
{
	return json_is_object(v);
}

bool
jsn_is_array(const struct json_t *v)
{
	return json_is_array(v);
}

bool
jsn_is_null(const struct json_t *v)
{
	return v == NULL || json_is_null(v);
}

bool
jsn_equal(const struct json_t *a, const struct json_t *b)
{
	if (jsn_is_null(a) || jsn_is_null(b))
		return jsn_is_null(a) && jsn_is_null(b);
	return json_equal(a, b) != 0;
}

size_t
jsn_len(const struct json_t *v)
{
	return json_is_object(v) ? json_object_size(v) : json_array_size(v);
}

const struct json_t *
jsn_at(const struct json_t *v, size_t i)
{
	return json_array_get(v, i);
}

void *
jsn_first(const struct json_t *object)
{
	return json_object_iter(jsn_mutable(object));
}

void *
jsn_next(const struct json_t *object, void *it)
{
	return json_object_iter_next(jsn_mutable(object), it);
}

const char *
jsn_key(void *it)
{
	return json_object_iter_key(it);
}

const struct json_t *
jsn_value(void *it)
{
	return json_object_iter_value(it);
}

int
jsn_need_str(const struct json_t *v, const char *path, const char *what, const char **ret,
	     struct err *e)
{
	const char *s = jsn_str(v, path);

	if (s == NULL)
		return err_set(e, ERR_DATA, "%s: no string '%s'", what, path);
	*ret = s;
	return 0;
}

int
jsn_need_int(const struct json_t *v, const char *path, const char *what, int64_t min, int64_t max,
	     int64_t *ret, struct err *e)
{
	const json_t *n = jsn_get(v, path);
	int64_t got;

	if (!json_is_integer(n))
		return err_set(e, ERR_DATA, "%s: no number '%s'", what, path);
	got = json_integer_value(n);
	if (got < min || got > max)
		return err_set(e, ERR_DATA, "%s: '%s' is %lld", what, path, (long long)got);
	*ret = got;
	return 0;
}

struct json_t *
jsn_object(void)
{
	return json_object();
}

struct json_t *
jsn_array(void)
{
	return json_array();
}

struct json_t *
jsn_string(const char *s)
{
	AUTO_BUF
	struct buf quoted = BUF_INIT(64U << 20);
	json_t *v;

	if (s == NULL)
		return json_null();
	v = json_string(s);
	if (v != NULL)
		return v;
	/* not UTF-8: keep what can be kept */
	jsn_quote(&quoted, s);
	return json_loadb(buf_cstr(&quoted), quoted.len, JSON_DECODE_ANY, NULL);
}

struct json_t *
jsn_integer(int64_t n)
{
	return json_integer(n);
}

struct json_t *
jsn_real(double x)
{
	return json_real(x);
}

struct json_t *
jsn_boolean(bool b)
{
	return json_boolean(b);
}

struct json_t *
jsn_copy(const struct json_t *v)
{
	return json_deep_copy(v);
}

void
jsn_set(struct json_t *object, const char *key, struct json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

void
jsn_set_str(struct json_t *object, const char *key, const char *s)
{
	jsn_set(object, key, jsn_string(s));
}

void
jsn_set_int(struct json_t *object, const char *key, int64_t n)
{
	jsn_set(object, key, json_integer(n));
}

void
jsn_set_bool(struct json_t *object, const char *key, bool b)
{
	jsn_set(object, key, json_boolean(b));
}

void
jsn_remove(struct json_t *object, const char *key)
{
	(void)json_object_del(object, key);
}

void
jsn_push(struct json_t *array, struct json_t *value)
{
	(void)json_array_append_new(array, value);
}

void
jsn_replace(struct json_t *array, size_t i, struct json_t *value)
{
	(void)json_array_set_new(array, i, value);
}

struct json_t *
jsn_child(struct json_t *object, const char *key)
{
	json_t *child = json_object_get(object, key);

	if (json_is_object(child))
		return child;
	if (json_object_set_new(object, key, json_object()) < 0)
		return NULL;
	return json_object_get(object, key);
}

struct json_t *
jsn_mutable(const struct json_t *v)
{
	/* jansson's iterators and setters take what its getters call const */
	union {
		const struct json_t *in;
		struct json_t *out;
	} u = { .in = v };

	return u.out;
}

char *
jsn_dump(const struct json_t *v)
{
	return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
}

char *
jsn_dump_sorted(const struct json_t *v)
{
	return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
}

/* The length of the UTF-8 character at s (RFC 3629), 0 if there is none. */
static size_t
utf8_len(const unsigned char *s)
{
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Bytes that stand for themselves, from s on. */
static size_t
plain_len(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~' && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

void
jsn_quote(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	for (;;) {
		size_t n = plain_len(s);
		unsigned char c;

		buf_add(b, s, n);
		s += n;
		c = (unsigned char)*s;
		if (c == '\0')
			break;
		n = utf8_len((const unsigned char *)s);
		if (n == 0) {
			buf_adds(b, "\xef\xbf\xbd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_addc(b, '\\');
			buf_addc(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_addf(b, "\\u%04x", c);
		} else {
			buf_add(b, s, n);
		}
		s += n;
	}
	buf_addc(b, '"');
}
