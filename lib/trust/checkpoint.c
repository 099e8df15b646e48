#include "trust/checkpoint.h"

#include <string.h>

#include "base/base64.h"

#define DASH	      "\xe2\x80\x94 " /* U+2014 and a space */
#define HINT_LEN      4
#define SIGNATURE_MAX 2048

static int
bad(const char *what, struct err *e)
{
	return err_set(e, ERR_DATA, "the checkpoint's %s cannot be read", what);
}

static bool
parse_size(struct view v, int64_t *ret)
{
	int64_t n = 0;

	if (v.n == 0 || v.n > 19 || (v.p[0] == '0' && v.n > 1))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, v.p[i] - '0', &n))
			return false;
	*ret = n;
	return true;
}

static int
parse_body(struct checkpoint *c, struct err *e)
{
	AUTO_BUF
	struct buf raw = BUF_INIT(HASH_MAX);
	struct view rest = c->text, size, root;

	if (!view_cut(&rest, '\n', &c->origin) || c->origin.n == 0)
		return bad("origin", e);
	if (!view_cut(&rest, '\n', &size) || !parse_size(size, &c->size))
		return bad("size", e);
	if (!view_cut(&rest, '\n', &root) || base64_decode(root, "root", &raw, NULL) < 0 ||
	    !hash_from_raw(HASH_SHA256, view_buf(&raw), &c->root))
		return bad("root hash", e);
	return 0;
}

int
checkpoint_parse(struct view note, struct checkpoint *ret, struct err *e)
{
	size_t split = 0;

	if (note.n > CHECKPOINT_MAX)
		return err_set(e, ERR_DATA, "a checkpoint of %zu bytes", note.n);
	if (note.n == 0 || memchr(note.p, '\0', note.n) != NULL || note.p[note.n - 1] != '\n')
		return bad("end", e);
	for (size_t i = 0; i + 1 < note.n; i++)
		if (note.p[i] == '\n' && note.p[i + 1] == '\n')
			split = i + 1;
	if (split == 0 || split + 1 == note.n)
		return err_set(e, ERR_DATA, "the checkpoint has no signatures");
	*ret = (struct checkpoint){
		.text = { note.p, split },
		.signatures = { note.p + split + 1, note.n - split - 1 },
	};
	return parse_body(ret, e);
}

struct line {
	struct view name;
	struct buf bytes; /* hint and signature */
};

static int
parse_line(struct view v, struct line *ret, struct err *e)
{
	struct view text;

	if (!view_starts(v, DASH))
		return bad("signature line", e);
	v.p += strlen(DASH);
	v.n -= strlen(DASH);
	if (!view_cut(&v, ' ', &ret->name) || ret->name.n == 0)
		return bad("signature line", e);
	text = v;
	if (base64_decode(text, "signature", &ret->bytes, NULL) < 0 || ret->bytes.len <= HINT_LEN)
		return bad("signature line", e);
	return 0;
}

static bool
same(struct view a, struct view b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* C2SP signed-note: an Ed25519 key's id binds it to a name; an ECDSA key's is
 * the hash of the key. */
static int
key_id(struct view name, const struct spki *key, enum checkpoint_style style, struct hash *ret,
       struct err *e)
{
	AUTO_BUF
	struct buf b = BUF_INIT(CHECKPOINT_MAX);
	struct view der = spki_der(key);

	if (style == CHECKPOINT_REKOR_V1 || spki_kind_of(key) != SPKI_ED25519)
		return hash_of(HASH_SHA256, der, ret, e);
	buf_add(&b, name.p, name.n);
	buf_add(&b, "\n\x01", 2);
	buf_add(&b, der.p + der.n - 32, 32);
	if (buf_ok(&b, "key id", e) < 0)
		return -1;
	return hash_of(HASH_SHA256, view_buf(&b), ret, e);
}

static bool
origin_fits(struct view name, const struct checkpoint *c, const struct root_log *log,
	    enum checkpoint_style style)
{
	if (style == CHECKPOINT_REKOR_V2)
		return same(c->origin, name) && view_eq(name, log->host);
	if (same(c->origin, name))
		return true;
	return c->origin.n > name.n + 3 && memcmp(c->origin.p, name.p, name.n) == 0 &&
	       memcmp(c->origin.p + name.n, " - ", 3) == 0;
}

/* 1 a good signature of the log, 0 not the log's, -1 bad. */
static int
check_line(struct view v, const struct checkpoint *c, struct root_log *log,
	   enum checkpoint_style style, struct err *e)
{
	struct line line = { .bytes = BUF_INIT(SIGNATURE_MAX) };
	const struct spki *key;
	struct hash id;
	int status = 0;

	if (parse_line(v, &line, e) < 0 || root_log_key(log, &key, e) < 0 ||
	    key_id(line.name, key, style, &id, e) < 0)
		status = -1;
	else if (memcmp(line.bytes.data, id.raw, HINT_LEN) == 0 &&
		 memcmp(line.bytes.data, log->id, HINT_LEN) == 0 &&
		 origin_fits(line.name, c, log, style)) {
		struct view signature = { line.bytes.data + HINT_LEN, line.bytes.len - HINT_LEN };

		status = spki_verify(key, c->text, signature, e) == 0 ? 1 : -1;
	}
	buf_clear(&line.bytes);
	return status;
}

int
checkpoint_check(const struct checkpoint *c, struct root_log *log, enum checkpoint_style style,
		 struct err *e)
{
	struct view rest = c->signatures, line;
	bool found = false;
	size_t n = 0;

	for (; view_cut(&rest, '\n', &line); n++) {
		int status;

		if (n == CHECKPOINT_SIGNATURES_MAX)
			return err_set(e, ERR_DATA, "the checkpoint has more than %d signatures",
				       CHECKPOINT_SIGNATURES_MAX);
		status = check_line(line, c, log, style, e);
		if (status < 0)
			return err_wrap(e, "checkpoint");
		found = found || status > 0;
	}
	if (!found)
		return err_set(e, ERR_NO, "the checkpoint is not signed by the log '%s'",
			       log->host);
	return 0;
}
