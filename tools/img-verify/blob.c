#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/jsn.h"
#include "base/log.h"
#include "confine.h"
#include "trust/bundle.h"
#include "trust/judge.h"
#include "trust/key.h"

/* In the order of main's table. */
static const enum cert_fact facts[] = { CERT_GITHUB_REPOSITORY, CERT_GITHUB_REF, CERT_GITHUB_SHA,
					CERT_GITHUB_NAME, CERT_GITHUB_TRIGGER };

static bool
has_facts(const struct identity_rule *r)
{
	for (size_t i = 0; i < COUNT_OF(facts); i++)
		if (r->fact[facts[i]] != NULL)
			return true;
	return false;
}

void
blob_option(struct blob *b, int option, const char *arg)
{
	const char **text[] = {
		[BLOB_OPT_WHAT - BLOB_OPT] = &b->what,
		[BLOB_OPT_BUNDLE - BLOB_OPT] = &b->bundle,
		[BLOB_OPT_ROOT - BLOB_OPT] = &b->root,
		[BLOB_OPT_IDENTITY - BLOB_OPT] = &b->rule.subject,
		[BLOB_OPT_IDENTITY_RE - BLOB_OPT] = &b->rule.subject_re,
		[BLOB_OPT_ISSUER - BLOB_OPT] = &b->rule.issuer,
		[BLOB_OPT_ISSUER_RE - BLOB_OPT] = &b->rule.issuer_re,
		[BLOB_OPT_TYPE - BLOB_OPT] = &b->type,
	};

	if (option >= BLOB_OPT_GITHUB)
		b->rule.fact[facts[option - BLOB_OPT_GITHUB]] = arg;
	else if (option == BLOB_OPT_NO_TLOG)
		b->ignore_tlog = true;
	else if (option == BLOB_OPT_NO_SCT)
		b->ignore_sct = true;
	else
		*text[option - BLOB_OPT] = arg;
}

bool
blob_wanted(const struct blob *b)
{
	const struct identity_rule *r = &b->rule;

	return b->what != NULL || b->bundle != NULL || b->root != NULL || b->type != NULL ||
	       r->subject != NULL || r->subject_re != NULL || r->issuer != NULL ||
	       r->issuer_re != NULL || has_facts(r) || b->ignore_tlog || b->ignore_sct;
}

int
blob_check(const struct blob *b, struct err *e)
{
	const struct identity_rule *r = &b->rule;
	bool subject = r->subject != NULL || r->subject_re != NULL;
	bool issuer = r->issuer != NULL || r->issuer_re != NULL;

	if (b->what == NULL)
		return err_set(e, ERR_USAGE, "certificates, bundles and logs go with --blob");
	if (b->bundle == NULL)
		return err_set(e, ERR_USAGE, "--blob needs --bundle");
	if (subject != issuer)
		return err_set(e, ERR_USAGE,
			       "--certificate-identity and --certificate-oidc-issuer (or their "
			       "-regexp) go together");
	if (has_facts(r) && !subject)
		return err_set(e, ERR_USAGE,
			       "--certificate-github-workflow-* goes with "
			       "--certificate-identity");
	if ((r->subject != NULL && r->subject_re != NULL) ||
	    (r->issuer != NULL && r->issuer_re != NULL))
		return err_set(e, ERR_USAGE, "an identity is exact or a pattern, not both");
	if (subject && b->n_keys > 0)
		return err_set(e, ERR_USAGE, "--key and --certificate-identity exclude each other");
	if (b->root == NULL && (subject || !b->ignore_tlog))
		return err_set(e, ERR_USAGE,
			       "--trusted-root is needed (a key alone does with "
			       "--insecure-ignore-tlog)");
	return 0;
}

/* --- what was signed ------------------------------------------------------ */

struct mapping {
	void *p;
	size_t n;
};

static void
unmap(struct mapping *m)
{
	if (m->p != NULL)
		(void)munmap(m->p, m->n);
}

/* Mapped, so that a large file costs no memory. */
static int
map(const char *path, struct mapping *ret, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOTFOUND, "open '%s': %s", path, strerror(errno));
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DATA, "'%s' is not a file", path);
	if (st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "read '%s'", path);
	*ret = (struct mapping){ p, (size_t)st.st_size };
	return 0;
}

static int
artifact_of(const char *what, struct mapping *m, struct artifact *ret, struct err *e)
{
	if (access(what, F_OK) < 0 && artifact_from_digest(what, ret))
		return 0;
	if (map(what, m, e) < 0)
		return -1;
	artifact_from_bytes((struct view){ m->p, m->n }, ret);
	return 0;
}

/* --- what came out ---------------------------------------------------------- */

/* Its SHA-256, or what was given instead. */
static void
digest_text(struct artifact *a, struct buf *ret)
{
	struct hash h = { 0 };

	for (size_t i = COUNT_OF(a->known); i-- > 0;)
		if (a->known[i].alg != HASH_NONE)
			h = a->known[i];
	(void)artifact_hash(a, HASH_SHA256, &h, NULL);
	buf_addf(ret, "%s:", hash_alg_name(h.alg));
	for (size_t i = 0; i < h.n; i++)
		buf_addf(ret, "%02x", h.raw[i]);
}

static struct json_t *
record(const struct blob *b, const char *digest, const struct judge_found *f)
{
	struct json_t *v = jsn_object();
	char when[PERIOD_TEXT_MAX];

	jsn_set_str(v, "blob", b->what);
	jsn_set_str(v, "digest", digest);
	jsn_set_str(v, "key", b->n_keys > 0 ? b->keys[f->by] : NULL);
	jsn_set_str(v, "subject", f->subject);
	jsn_set_str(v, "issuer", f->issuer);
	jsn_set_str(v, "signed_at",
		    f->signed_ms == INT64_MIN ? NULL : period_text(f->signed_ms, when));
	if (f->log_index >= 0)
		jsn_set_int(v, "log_index", f->log_index);
	if (f->statement != NULL) {
		jsn_set_str(v, "type", jsn_str(f->statement, "predicateType"));
		jsn_set(v, "predicate", jsn_copy(jsn_get(f->statement, "predicate")));
	}
	return v;
}

static int
print(const struct blob *b, struct artifact *a, const struct judge_found *f, struct err *e)
{
	AUTO_BUF struct buf digest = BUF_INIT(2 * HASH_MAX + 16);
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *line = NULL;

	digest_text(a, &digest);
	if (b->json) {
		v = record(b, buf_cstr(&digest), f);
		line = jsn_dump(v);
		if (line == NULL)
			return err_nomem(e);
	}
	(void)puts(line != NULL ? line : buf_cstr(&digest));
	return 0;
}

/* --- whom we trust ---------------------------------------------------------- */

struct trusted {
	struct key *keys[BLOB_KEYS_MAX];
	const struct spki *spkis[BLOB_KEYS_MAX];
	size_t n_keys;
	struct identity *identity;
	struct root *root;
};

static void
trusted_clear(struct trusted *t)
{
	for (size_t i = 0; i < t->n_keys; i++)
		key_free(&t->keys[i]);
	identity_free(&t->identity);
	root_free(&t->root);
}

static int
read_root(const char *path, struct root **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(ROOT_TEXT_MAX);
	struct err why = { 0 };

	if (file_read(AT_FDCWD, path, &text, &why) < 0)
		return err_set(e, ERR_CONFIG, "trusted root: %s", why.msg);
	return root_parse(view_buf(&text), path, ret, e);
}

static int
trust(const struct blob *b, struct trusted *t, struct err *e)
{
	for (; t->n_keys < b->n_keys; t->n_keys++) {
		if (key_load(b->keys[t->n_keys], &t->keys[t->n_keys], e) < 0)
			return -1;
		t->spkis[t->n_keys] = key_spki(t->keys[t->n_keys]);
	}
	if (b->root != NULL && read_root(b->root, &t->root, e) < 0)
		return -1;
	return b->n_keys > 0 ? 0 : identity_new(&b->rule, &t->identity, e);
}

int
blob_verify(struct blob *b, const char *otherwise, struct err *e)
{
	AUTO_BUF struct buf bundle = BUF_INIT(BUNDLE_TEXT_MAX);
	AUTO_FOUND struct judge_found found = { 0 };
	AUTO(trusted_clear) struct trusted t = { 0 };
	AUTO(unmap) struct mapping m = { 0 };
	struct judge_rules rules = { .predicate_type = b->type,
				     .ignore_tlog = b->ignore_tlog,
				     .ignore_sct = b->ignore_sct };
	struct artifact a;

	if (b->n_keys == 0 && b->rule.subject == NULL && b->rule.subject_re == NULL) {
		if (otherwise == NULL || otherwise[0] == '\0')
			return err_set(e, ERR_CONFIG,
				       "nobody to trust: give --key or --certificate-identity, or "
				       "set VERIFY_KEY");
		b->keys[b->n_keys++] = otherwise;
	}
	if (trust(b, &t, e) < 0 || file_read(AT_FDCWD, b->bundle, &bundle, e) < 0 ||
	    artifact_of(b->what, &m, &a, e) < 0)
		return -1;
	rules.root = t.root;
	rules.keys = t.spkis;
	rules.key_names = b->keys;
	rules.n_keys = t.n_keys;
	rules.identities = &t.identity;
	rules.n_identities = t.identity != NULL;
	if (b->ignore_tlog)
		log_warn("the transparency log is ignored");
	if (b->ignore_sct)
		log_warn("the certificate log is ignored");
	if (confine_to_memory(e) < 0)
		return -1;
	if (judge_bundle(view_buf(&bundle), &a, &rules, &found, e) < 0)
		return err_wrap(e, "'%s'", b->what);
	return print(b, &a, &found, e);
}
