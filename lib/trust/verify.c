#include "trust/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"
#include "trust/key.h"
#include "trust/simplesigning.h"

#define TAG_MAX	      (DIGEST_STR_MAX + 8)
#define NAME_MAX_LEN  (REF_STR_MAX + DIGEST_STR_MAX + 2)
#define SIGNATURE_KEY "dev.cosignproject.cosign/signature"

struct verify_policy {
	struct key *keys[VERIFY_KEYS_MAX];
	size_t nkeys;
	size_t threshold; /* 0: 1 */
};

/* One layer of a .sig manifest, with what it takes to judge it. */
struct candidate {
	const struct descriptor *layer;
	struct buf payload;
	struct err missing; /* set: why there is no payload */
};

int
verify_policy_new(struct verify_policy **ret, struct err *e)
{
	struct verify_policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	*ret = p;
	return 0;
}

void
verify_policy_free(struct verify_policy **p)
{
	if (*p == NULL)
		return;
	for (size_t i = 0; i < (*p)->nkeys; i++)
		key_free(&(*p)->keys[i]);
	free(*p);
	*p = NULL;
}

int
verify_policy_add_key(struct verify_policy *p, const char *path, struct err *e)
{
	if (p->nkeys == VERIFY_KEYS_MAX)
		return err_set(e, ERR_CONFIG, "more than %d keys", VERIFY_KEYS_MAX);
	if (key_load(path, &p->keys[p->nkeys], e) < 0)
		return -1;
	p->nkeys++;
	return 0;
}

int
verify_policy_set_threshold(struct verify_policy *p, size_t n, struct err *e)
{
	size_t different = 0;

	for (size_t i = 0; i < p->nkeys; i++) {
		size_t j = 0;

		while (!spki_equal(key_spki(p->keys[j]), key_spki(p->keys[i])))
			j++;
		different += j == i;
	}
	if (n > different)
		return err_set(e, ERR_CONFIG, "%zu signers are needed, but there are only %zu", n,
			       different);
	p->threshold = n;
	return 0;
}

bool
verify_policy_empty(const struct verify_policy *p)
{
	return p->nkeys == 0;
}

/* --- fetch -------------------------------------------------------------- */

static void
candidates_free(struct candidate **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < VERIFY_SIGNATURES_MAX; i++)
		buf_clear(&(*c)[i].payload);
	free(*c);
}

/* The registry did not answer, as against: it did, and the thing is bad. */
static bool
is_unknown(enum err_code code)
{
	return code != ERR_DATA && code != ERR_NOTFOUND;
}

static void
fetch_one(struct store *s, struct candidate *c)
{
	if (strcmp(c->layer->media_type, SIMPLESIGNING_MEDIA_TYPE) != 0)
		(void)err_set(&c->missing, ERR_DATA, "of type '%s', which is not looked at",
			      c->layer->media_type);
	else if (c->layer->size > VERIFY_PAYLOAD_MAX)
		(void)err_set(&c->missing, ERR_DATA, "its payload has %" PRId64 " bytes",
			      c->layer->size);
	else
		(void)store_blob(s, c->layer, VERIFY_PAYLOAD_MAX, &c->payload, &c->missing);
}

/* All payloads; after the first that the registry does not give, no other is
 * asked for. */
static void
fetch(struct store *s, struct candidate *c, size_t n, struct err *unknown)
{
	for (size_t i = 0; i < n; i++) {
		if (unknown->code != ERR_NONE)
			c[i].missing = *unknown;
		else
			fetch_one(s, &c[i]);
		if (unknown->code == ERR_NONE && c[i].missing.code != ERR_NONE &&
		    is_unknown(c[i].missing.code))
			*unknown = c[i].missing;
	}
}

/* --- judge -------------------------------------------------------------- */

static int
by_no_key(const struct verify_policy *p, struct err *e)
{
	if (p->nkeys == 1)
		return err_set(e, ERR_NO, "not made by '%s'", key_name(p->keys[0]));
	return err_set(e, ERR_NO, "made by none of the %zu keys", p->nkeys);
}

/* *by: the first key that made it. */
static int
judge(const struct candidate *c, const struct verify_policy *p, const struct digest *image,
      size_t *by, struct err *e)
{
	AUTO_BUF struct buf sig = BUF_INIT(KEY_SIGNATURE_MAX);
	AUTO_BUF struct buf again = BUF_INIT(2 * KEY_SIGNATURE_MAX);
	const char *text = NULL;
	size_t i = 0;

	if (c->missing.code != ERR_NONE)
		return err_set(e, ERR_NO, "%s", c->missing.msg);
	if (c->layer->annotations != NULL)
		text = jsn_str(jsn_at_key(c->layer->annotations, SIGNATURE_KEY), "");
	if (text == NULL)
		return err_set(e, ERR_NO, "no annotation '%s'", SIGNATURE_KEY);
	if (base64_decode(view_of(text), "annotation '" SIGNATURE_KEY "'", &sig, e) < 0)
		return -1;
	/* cosign writes the standard alphabet: another spelling is another text */
	base64_encode(view_buf(&sig), &again);
	if (!view_eq(view_of(text), buf_cstr(&again)))
		return err_set(e, ERR_NO, "annotation '%s': not base64", SIGNATURE_KEY);
	while (i < p->nkeys && !key_made(p->keys[i], view_buf(&c->payload), view_buf(&sig)))
		i++;
	if (i == p->nkeys)
		return by_no_key(p, e);
	*by = i;
	return simplesigning_covers(view_buf(&c->payload), image, e);
}

/* 0 as soon as enough different signers are found. */
static int
judge_all(const struct candidate *c, size_t n, const struct verify_policy *p,
	  const struct digest *image, struct buf *reasons)
{
	size_t found = 0, need = p->threshold > 0 ? p->threshold : 1;
	bool signers[VERIFY_KEYS_MAX] = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct err why = { 0 };
		size_t by = 0;

		if (judge(&c[i], p, image, &by, &why) < 0) {
			buf_addf(reasons, "%ssignature %zu: %s", reasons->len > 0 ? "; " : "",
				 i + 1, why.msg);
			continue;
		}
		found += !signers[by];
		signers[by] = true;
		if (found == need)
			return 0;
	}
	if (found > 0)
		buf_addf(reasons, "%s%zu of %zu signers have signed", reasons->len > 0 ? "; " : "",
			 found, need);
	return -1;
}

static int
judge_manifest(struct store *s, const struct manifest *m, const char *name,
	       const struct verify_policy *p, const struct digest *image, struct err *e)
{
	AUTO(candidates_free) struct candidate *c = calloc(VERIFY_SIGNATURES_MAX, sizeof(*c));
	AUTO_BUF struct buf reasons = BUF_INIT(ERR_MSG_MAX);
	size_t n = m->nlayers < VERIFY_SIGNATURES_MAX ? m->nlayers : VERIFY_SIGNATURES_MAX;
	struct err unknown = { 0 };

	if (c == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		c[i] = (struct candidate){ .layer = &m->layers[i],
					   .payload = BUF_INIT(VERIFY_PAYLOAD_MAX) };
	fetch(s, c, n, &unknown);
	if (judge_all(c, n, p, image, &reasons) == 0)
		return 0;
	/* one of those that could not be read might have been good */
	if (unknown.code != ERR_NONE)
		return err_set(e, unknown.code, "signatures of '%s': %s", name, unknown.msg);
	if (n == 0)
		buf_adds(&reasons, "its list of signatures is empty");
	return err_set(
		e, ERR_NO, "'%s' has no signature that counts: %s%s", name, buf_cstr(&reasons),
		m->nlayers > n ? "; more than 64 signatures, the rest was not looked at" : "");
}

int
verify_image(struct store *s, const struct digest *digest, const struct verify_policy *p,
	     struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	char tag[TAG_MAX], name[NAME_MAX_LEN];
	struct err why = { 0 };

	(void)snprintf(name, sizeof(name), "%s@%s", s->name, digest->str);
	(void)snprintf(tag, sizeof(tag), "%.*s-%s.sig", (int)strcspn(digest->str, ":"), digest->str,
		       digest_hex(digest));
	if (verify_policy_empty(p))
		return err_set(e, ERR_CONFIG, "'%s': no key to verify with", name);
	if (store_manifest(s, tag, &m, &why) < 0) {
		if (why.code == ERR_NOTFOUND)
			return err_set(e, ERR_NO, "'%s' is not signed: it has no .sig tag", name);
		return err_set(e, why.code, "signatures of '%s': %s", name, why.msg);
	}
	if (m.is_index)
		return err_set(e, ERR_NO, "'%s': what its tag '%s' names is an index", name, tag);
	return judge_manifest(s, &m, name, p, digest, e);
}
