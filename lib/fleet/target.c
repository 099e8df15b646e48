#include "fleet/target.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "oci/tags.h"

#define REGISTRY_RETRIES 2
#define DIGEST_MIN	 12 /* hex digits of a shortened digest */

void
target_clear(struct target *t)
{
	registry_close(&t->registry);
}

static int
parse_ref(const struct target_opts *o, struct ref *ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(REF_STR_MAX);
	const char *host = o->registry, *scheme = strstr(host, "://");
	size_t n;

	if (o->ref != NULL)
		return ref_parse(view_of(o->ref), ret, e);
	if (scheme != NULL)
		host = scheme + 3;
	n = strlen(host);
	while (n > 0 && host[n - 1] == '/')
		n--;
	buf_addf(&name, "%.*s/%s", (int)n, host, o->image);
	if (o->tag != NULL)
		buf_addf(&name, ":%s", o->tag);
	if (buf_ok(&name, "image name", e) < 0)
		return -1;
	return ref_parse(view_buf(&name), ret, e);
}

static void
set_goal(struct target *t, const struct ref *ref, const char *tag, const struct digest *d)
{
	t->goal = (struct move_goal){ .digest = *d };
	(void)snprintf(t->goal.repo, sizeof(t->goal.repo), "%s/%s", ref->host, ref->repo);
	(void)snprintf(t->goal.tag, sizeof(t->goal.tag), "%s", tag);
	(void)snprintf(t->goal.ref, sizeof(t->goal.ref), "%s/%s@%s", ref->host, ref->repo, d->str);
	t->found = true;
}

void
target_explain(const struct json_t *q, const char *tag, char out[TARGET_WORDS_MAX])
{
	struct digest d = { 0 };
	char part[32];

	(void)digest_parse(view_of(jsn_str_or(q, "digest", "")), &d, NULL);
	digest_short(&d, part);
	(void)snprintf(out, TARGET_WORDS_MAX, "%s%s(%s) is quarantined since %s: %s", tag,
		       tag[0] != '\0' ? " " : "", part, jsn_str_or(q, "time", "?"),
		       jsn_str_or(q, "reason", "?"));
}

/* What was asked for by name. */
static int
take_named(const struct target_opts *o, const struct journal *j, const struct ref *ref,
	   struct target *t, struct err *e)
{
	const struct json_t *q;
	struct digest d = ref->digest;
	char words[TARGET_WORDS_MAX];

	if (!digest_is_set(&d) &&
	    registry_resolve(t->registry, ref->repo, ref_what(ref), &d, e) < 0)
		return -1;
	q = journal_quarantined(j, d.str);
	if (q != NULL && !o->force) {
		target_explain(q, ref->tag, words);
		return err_set(e, ERR_NO, "%s (--force lifts it)", words);
	}
	set_goal(t, ref, ref->tag, &d);
	return 0;
}

static int
consider(const struct target_opts *o, const struct journal *j, const struct ref *ref,
	 const char *tag, struct target *t, struct err *e)
{
	const struct json_t *q;
	struct digest d;
	char words[TARGET_WORDS_MAX];

	if (registry_resolve(t->registry, ref->repo, tag, &d, e) < 0)
		return -1;
	q = journal_quarantined(j, d.str);
	if (q == NULL || o->force) {
		set_goal(t, ref, tag, &d);
		return 0;
	}
	target_explain(q, tag, words);
	if (o->say != NULL)
		o->say(o->arg, "", words);
	return 0;
}

static int
take_newest(const struct target_opts *o, const struct journal *j, const struct ref *ref,
	    struct target *t, struct err *e)
{
	AUTO_TAGS struct tags_pattern *pattern = NULL;
	char **tags = NULL;
	size_t n = 0, tried = 0;
	int status = 0;

	if (tags_compile(o->tags, &pattern, e) < 0)
		return err_wrap(e, "TAGS");
	if (registry_tags(t->registry, ref->repo, &tags, &n, e) < 0)
		return -1;
	tags_sort(tags, n);
	for (size_t i = 0; i < n && status == 0 && !t->found; i++) {
		if (tags_is_referrer(tags[i]) || !tags_match(pattern, tags[i]))
			continue;
		if (tried++ > 0 &&
		    (o->running[0] == '\0' || tags_compare(tags[i], o->running) <= 0))
			break;
		status = consider(o, j, ref, tags[i], t, e);
	}
	registry_tags_free(tags, n);
	if (status == 0 && tried == 0)
		return err_set(e, ERR_NOTFOUND, "no tag of '%s/%s' matches '%s'", ref->host,
			       ref->repo, o->tags);
	return status;
}

int
target_find(const struct target_opts *o, const struct journal *j, struct target *ret, struct err *e)
{
	struct registry_opts ro = { .http = { .retries = REGISTRY_RETRIES, .stop = o->stop },
				    .auth = o->auth };
	struct ref ref;

	*ret = (struct target){ 0 };
	if (parse_ref(o, &ref, e) < 0 || registry_open(ref_host(&ref), &ro, &ret->registry, e) < 0)
		return -1;
	ret->ref = ref;
	if (o->ref != NULL || o->tag != NULL)
		return take_named(o, j, &ref, ret, e);
	return take_newest(o, j, &ref, ret, e);
}

int
target_staged(const struct target_opts *o, const struct journal *j, struct target *ret,
	      struct err *e)
{
	const struct json_t *staged = journal_last(j, NULL, "staged", NULL);
	const char *digest = jsn_str_or(staged, "digest", ""), *tag = jsn_str_or(staged, "tag", "");
	const struct json_t *q;
	char words[TARGET_WORDS_MAX];

	*ret = (struct target){ 0 };
	if (staged == NULL)
		return err_set(e, ERR_NOTFOUND, "nothing is staged: deploy --stage comes first");
	if (ref_parse(view_of(jsn_str_or(staged, "image", "")), &ret->ref, e) < 0 ||
	    digest_parse(view_of(digest), &ret->ref.digest, e) < 0)
		return err_wrap(e, "journal");
	q = journal_quarantined(j, digest);
	if (q != NULL && !o->force) {
		target_explain(q, tag, words);
		return err_set(e, ERR_NO, "%s (--force lifts it)", words);
	}
	set_goal(ret, &ret->ref, tag, &ret->ref.digest);
	return 0;
}

int
target_verify(const struct target *t, const struct policy *p, struct err *e)
{
	const struct verify_policy *needs;
	AUTO_STORE struct store *s = NULL;

	if (policy_find(p, &t->ref, &needs, e) < 0 ||
	    registry_store(t->registry, t->ref.repo, &s, e) < 0)
		return -1;
	return verify_image(s, &t->goal.digest, needs, NULL, e);
}

/* What the journal has it moved to last. */
static bool
last_moved(const struct service *s, const struct journal *j, struct digest *ret)
{
	const struct json_t *moved = journal_last(j, NULL, "moved", s->name);

	return digest_parse(view_of(jsn_str_or(moved, "digest", "")), ret, NULL) == 0;
}

int
target_digests(const struct fleet *f, const struct journal *j, struct digest **ret, size_t *ret_n,
	       struct err *e)
{
	AUTO_FREE struct digest *all = calloc(f->n + f->naway + 1, sizeof(*all));
	size_t n = f->n;

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++) {
		const struct service *s = &f->services[i];
		struct service_image runs = { 0 };

		if (s->engine == NULL)
			(void)last_moved(s, j, &all[i]);
		else if (service_runs(s, &runs, e) < 0)
			return -1;
		else
			all[i] = runs.digest;
	}
	for (size_t i = 0; i < f->naway; i++)
		n += last_moved(&f->away[i], j, &all[n]);
	*ret = TAKE_PTR(all);
	*ret_n = n;
	return 0;
}

/* How long ago it was proven, in proofs; 0: it should not run at all. */
static size_t
age_of(const struct journal *j, const char *digest)
{
	const struct json_t *r;

	if (journal_quarantined(j, digest) != NULL)
		return 0;
	for (size_t i = 0; (r = journal_proven(j, i)) != NULL; i++)
		if (strcmp(jsn_str_or(r, "digest", ""), digest) == 0)
			return i + 1;
	return 0;
}

static const char *
to_leave(const struct journal *j, const struct digest *running, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (age_of(j, running[i].str) < age_of(j, running[best].str))
			best = i;
	return n > 0 ? running[best].str : "";
}

static bool
is_named(const struct json_t *r, const char *to)
{
	const char *digest = jsn_str_or(r, "digest", ""), *hex = strchr(digest, ':');
	const char *want = view_starts(view_of(to), "sha256:") ? to + strlen("sha256:") : to;

	if (strcmp(jsn_str_or(r, "tag", ""), to) == 0)
		return true;
	return hex != NULL && strlen(want) >= DIGEST_MIN &&
	       strncmp(hex + 1, want, strlen(want)) == 0;
}

int
target_back(const struct journal *j, const char *to, const struct digest *running, size_t n,
	    struct move_goal *ret, struct err *e)
{
	const char *left = to_leave(j, running, n);
	const struct json_t *r;

	for (size_t i = 0; (r = journal_proven(j, i)) != NULL; i++) {
		const char *digest = jsn_str_or(r, "digest", "");

		if (to != NULL
			    ? !is_named(r, to)
			    : strcmp(digest, left) == 0 || journal_quarantined(j, digest) != NULL)
			continue;
		*ret = (struct move_goal){ 0 };
		if (digest_parse(view_of(digest), &ret->digest, e) < 0)
			return err_wrap(e, "journal");
		(void)snprintf(ret->repo, sizeof(ret->repo), "%s", jsn_str_or(r, "image", ""));
		(void)snprintf(ret->tag, sizeof(ret->tag), "%s", jsn_str_or(r, "tag", ""));
		(void)snprintf(ret->ref, sizeof(ret->ref), "%.*s@%s",
			       REF_STR_MAX - DIGEST_STR_MAX - 1, ret->repo, ret->digest.str);
		return 0;
	}
	if (to != NULL)
		return err_set(e, ERR_NOTARGET, "'%s' was never proven here (see rollback --list)",
			       to);
	return err_set(e, ERR_NOTARGET, "nothing to go back to: no other image was proven here");
}
