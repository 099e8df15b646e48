#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/jsn.h"
#include "confine.h"
#include "record.h"
#include "trust/bundle.h"
#include "trust/predicate.h"

int
blob_check(const struct blob *b, struct err *e)
{
	const struct verify_flags *f = &b->trust;

	if (b->what == NULL)
		return err_set(e, ERR_USAGE, "--bundle goes with --blob");
	if (b->bundle == NULL)
		return err_set(e, ERR_USAGE, "--blob needs --bundle");
	if (f->n_types > 1)
		return err_set(e, ERR_USAGE, "a bundle is of one --type");
	if (f->root == NULL && (!f->ignore_tlog || (f->n_keys == 0 && verify_flags_name(f))))
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

static int
print(const struct blob *b, struct artifact *a, const struct verify_proof *p, struct err *e)
{
	AUTO_BUF struct buf digest = BUF_INIT(2 * HASH_MAX + 16);
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *line = NULL;

	digest_text(a, &digest);
	if (b->json) {
		v = jsn_object();
		jsn_set_str(v, "blob", b->what);
		jsn_set_str(v, "digest", buf_cstr(&digest));
		record_proof(v, p);
		line = jsn_dump(v);
		if (line == NULL)
			return err_nomem(e);
	}
	(void)puts(line != NULL ? line : buf_cstr(&digest));
	return 0;
}

/* --- all of it -------------------------------------------------------------- */

static int
judge(const struct blob *b, const struct verify_policy *p, struct view bundle, struct artifact *a,
      struct verify_proof *ret, struct err *e)
{
	struct judge_rules rules;

	verify_policy_rules(p, &rules);
	if (b->trust.n_types > 0)
		rules.predicate_type = predicate_uri(b->trust.types[0]);
	if (judge_bundle(bundle, a, &rules, &ret->found, e) < 0)
		return err_wrap(e, "'%s'", b->what);
	if (ret->found.by_key)
		ret->key = b->trust.keys[ret->found.by];
	return 0;
}

int
blob_verify(struct blob *b, const char *otherwise, struct err *e)
{
	AUTO_BUF struct buf bundle = BUF_INIT(BUNDLE_TEXT_MAX);
	AUTO_POLICY struct verify_policy *p = NULL;
	AUTO(unmap) struct mapping m = { 0 };
	struct verify_proof proof = { 0 };
	struct artifact a;
	int status;

	if (!verify_flags_name(&b->trust)) {
		if (otherwise == NULL || otherwise[0] == '\0')
			return err_set(e, ERR_CONFIG,
				       "nobody to trust: give --key or --certificate-identity, or "
				       "set VERIFY_KEY");
		b->trust.keys[b->trust.n_keys++] = otherwise;
	}
	if (verify_flags_open(&b->trust, &p, e) < 0 ||
	    file_read(AT_FDCWD, b->bundle, &bundle, e) < 0 || artifact_of(b->what, &m, &a, e) < 0 ||
	    confine_to_memory(e) < 0 || judge(b, p, view_buf(&bundle), &a, &proof, e) < 0)
		return -1;
	status = print(b, &a, &proof, e);
	judge_found_clear(&proof.found);
	return status;
}
