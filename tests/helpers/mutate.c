/*
 * mutate: change a good bundle one byte at a time, and see that it never passes.
 *
 *     mutate BUNDLE ROOT ARTIFACT IDENTITY ISSUER
 *
 * BUNDLE may also be a layer in cosign's classic form, {"payload": TEXT,
 * "annotations": {...}}, whose texts are changed character by character.
 *
 * Every text in the bundle that decodes as base64 is changed in its bytes, one
 * after the other; every other text and number in its characters.  Not signed,
 * and so left out: "keyid", "hint", the checkpoint's lines of witnesses, the
 * chain beside a certificate, the ends of its PEM's lines, and the last letter
 * of that, of which not all bits count.
 * In a timestamp a few bytes say nothing; a change there may pass only if it
 * proves the same.  Prints "N mutations, M of them say the same"; exit 1 if one
 * passed that should not.
 */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/jsn.h"
#include "trust/bundle.h"
#include "trust/classic.h"
#include "trust/judge.h"
#include "trust/simplesigning.h"

struct run {
	struct json_t *bundle;
	struct root *root;
	struct identity *identity;
	struct view artifact;
	struct digest digest; /* of the artifact */
	int64_t signed_ms;
	unsigned long tried, same;
	bool failed;
};

static int
judge_classic(struct run *r, const struct judge_rules *rules, struct judge_found *f, struct err *e)
{
	const struct json_t *annotations = jsn_get(r->bundle, "annotations");
	struct view payload = view_of(jsn_str_or(r->bundle, "payload", ""));
	AUTO_BUNDLE struct bundle *b = NULL;
	struct artifact a;

	if (jsn_str_or(jsn_at_key(annotations, "dev.cosignproject.cosign/signature"), "", "")[0] ==
	    '\0') {
		artifact_from_bytes(r->artifact, &a);
		return classic_attestation(payload, annotations, &b, e) < 0
			       ? -1
			       : judge_parsed(b, &a, rules, f, e);
	}
	artifact_from_bytes(payload, &a);
	if (classic_signature(annotations, &b, e) < 0 || judge_parsed(b, &a, rules, f, e) < 0)
		return -1;
	return simplesigning_covers(payload, &r->digest, e);
}

static int
judge(struct run *r, struct judge_found *f, struct err *e)
{
	struct judge_rules rules = { .root = r->root,
				     .identities = &r->identity,
				     .n_identities = 1 };
	AUTO_FREE char *text = NULL;
	struct artifact a;

	if (jsn_is_object(jsn_get(r->bundle, "annotations")))
		return judge_classic(r, &rules, f, e);
	text = jsn_dump(r->bundle);
	artifact_from_bytes(r->artifact, &a);
	return text == NULL ? -1 : judge_bundle(view_of(text), &a, &rules, f, e);
}

/* One mutation that is in the bundle now. */
static void
try(struct run *r, const char *path, size_t at)
{
	AUTO_FOUND struct judge_found f = { 0 };

	r->tried++;
	if (judge(r, &f, NULL) < 0)
		return;
	if ((strcmp(path, "signedTimestamp") == 0 || strstr(path, "rfc3161") != NULL) &&
	    f.signed_ms == r->signed_ms) {
		r->same++;
		return;
	}
	printf("# %s passes with byte %zu changed\n", path, at);
	r->failed = true;
}

/* Set text at key or index of its parent. */
struct place {
	struct json_t *parent;
	const char *key;
	size_t index;
};

static void
put(const struct place *p, struct json_t *v)
{
	if (p->key != NULL)
		jsn_set(p->parent, p->key, v);
	else
		jsn_replace(p->parent, p->index, v);
}

static void
mutate_bytes(struct run *r, const struct place *p, const char *path, struct buf *bytes)
{
	for (size_t i = 0; i < bytes->len; i++) {
		AUTO_BUF struct buf text = BUF_INIT(BUNDLE_TEXT_MAX);
		char was = bytes->data[i];

		bytes->data[i] = (char)(was ^ (1 << i % 8));
		base64_encode(view_buf(bytes), &text);
		put(p, jsn_string(buf_cstr(&text)));
		try(r, path, i);
		bytes->data[i] = was;
	}
}

/* The lines of a checkpoint that are the log's. */
static size_t
own_part(const char *note, size_t at)
{
	const char *mine = strstr(note, "\n\n");

	if (mine == NULL || note + at < mine + 2)
		return true;
	mine = strstr(note, "witness");
	return mine == NULL || note + at < mine - 4 || note + at > strchr(mine, '\n');
}

static void
mutate_text(struct run *r, const struct place *p, const char *path, const char *was)
{
	AUTO_FREE char *text = strdup(was);

	for (size_t i = 0; text[i] != '\0'; i++) {
		char c = text[i];

		if ((unsigned char)c >= 0x80 ||
		    (strcmp(path, "envelope") == 0 && !own_part(was, i)) ||
		    (strstr(path, "/certificate") != NULL && (c == '\n' || text[i + 1] == '=')))
			continue;
		text[i] = (char)(c == '\n'	       ? ' '
				 : c >= '0' && c < '9' ? c + 1
				 : c == 'x'	       ? 'y'
						       : 'x');
		put(p, jsn_string(text));
		try(r, path, i);
		text[i] = c;
	}
}

static bool
is_bytes(const char *path)
{
	static const char *const names[] = { "rawBytes",  "keyId",	     "signedEntryTimestamp",
					     "rootHash",  "hashes",	     "canonicalizedBody",
					     "signature", "signedTimestamp", "digest",
					     "sig" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(path, names[i]) == 0)
			return true;
	return false;
}

static void
mutate_string(struct run *r, const struct place *p, const char *path, const char *text)
{
	AUTO_BUF struct buf bytes = BUF_INIT(BUNDLE_TEXT_MAX);
	AUTO_FREE char *was = strdup(text);

	if (strcmp(path, "keyid") == 0 || strcmp(path, "hint") == 0 ||
	    strstr(path, "/chain") != NULL)
		return;
	if ((is_bytes(path) || (strcmp(path, "payload") == 0 && text[0] != '{')) &&
	    base64_decode(view_of(text), path, &bytes, NULL) == 0)
		mutate_bytes(r, p, path, &bytes);
	else
		mutate_text(r, p, path, was);
	put(p, jsn_string(was));
}

static void
walk(struct run *r, struct json_t *v, const char *path)
{
	if (jsn_is_array(v)) {
		for (size_t i = 0; i < jsn_len(v); i++) {
			const struct json_t *one = jsn_at(v, i);
			struct place p = { v, NULL, i };

			if (jsn_str(one, "") != NULL)
				mutate_string(r, &p, path, jsn_str(one, ""));
			else
				walk(r, jsn_mutable(one), path);
		}
		return;
	}
	for (void *it = jsn_first(v); it != NULL; it = jsn_next(v, it)) {
		const struct json_t *one = jsn_value(it);
		struct place p = { v, jsn_key(it), 0 };

		if (jsn_str(one, "") != NULL)
			mutate_string(r, &p, p.key, jsn_str(one, ""));
		else
			walk(r, jsn_mutable(one), p.key);
	}
}

static int
run(char **argv, struct run *r, struct err *e)
{
	const struct identity_rule rule = { .subject = argv[3], .issuer = argv[4] };
	AUTO_BUF struct buf bundle = BUF_INIT(BUNDLE_TEXT_MAX);
	AUTO_BUF struct buf root = BUF_INIT(ROOT_TEXT_MAX);
	AUTO_BUF struct buf artifact = BUF_INIT(1U << 20);
	AUTO_FOUND struct judge_found f = { 0 };

	if (file_read(AT_FDCWD, argv[0], &bundle, e) < 0 ||
	    file_read(AT_FDCWD, argv[1], &root, e) < 0 ||
	    file_read(AT_FDCWD, argv[2], &artifact, e) < 0 ||
	    root_parse(view_buf(&root), argv[1], &r->root, e) < 0 ||
	    identity_new(&rule, &r->identity, e) < 0)
		return -1;
	r->bundle = jsn_parse(view_buf(&bundle), "bundle", e);
	r->artifact = view_buf(&artifact);
	digest_of(artifact.data, artifact.len, &r->digest);
	if (r->bundle == NULL || judge(r, &f, e) < 0)
		return -1;
	r->signed_ms = f.signed_ms;
	walk(r, r->bundle, "");
	/* and back to what it was, it passes again */
	return judge(r, NULL, e);
}

int
main(int argc, char **argv)
{
	struct run r = { 0 };
	struct err e = { 0 };
	int status = 1;

	if (argc != 6)
		fprintf(stderr, "usage: mutate BUNDLE ROOT ARTIFACT IDENTITY ISSUER\n");
	else if (run(argv + 1, &r, &e) < 0)
		fprintf(stderr, "mutate: %s\n", e.msg);
	else
		status = r.failed;
	printf("%lu mutations, %lu of them say the same\n", r.tried, r.same);
	jsn_free(&r.bundle);
	root_free(&r.root);
	identity_free(&r.identity);
	return status;
}
