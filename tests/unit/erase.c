/* Retention on a repository in memory. */
#include "oci/erase.h"

#include <stdlib.h>

#include "oci/registry.h"
#include "unit.h"

#define MAX	 64
#define TEXT_MAX 2048

struct shelf {
	struct store store;
	struct {
		char text[TEXT_MAX];
		struct digest digest, subject;
		bool there;
	} m[MAX];
	size_t n;
	struct {
		char name[128];
		size_t m;
		bool there;
	} tags[MAX];
	size_t ntags;
	bool by_name; /* removes single tags */
	bool refuses; /* removes nothing */
	bool api;     /* lists referrers by itself */
	void (*before_remove)(struct shelf *s);
	size_t asked; /* tag lists */
	bool list_fails;
};

static struct shelf *
shelf_of(struct store *s)
{
	return (struct shelf *)s;
}

static size_t
find(struct shelf *s, const char *what)
{
	for (size_t i = 0; i < s->ntags; i++)
		if (s->tags[i].there && strcmp(s->tags[i].name, what) == 0)
			return s->tags[i].m;
	for (size_t i = 0; i < s->n; i++)
		if (s->m[i].there && strcmp(s->m[i].digest.str, what) == 0)
			return i;
	return MAX;
}

static int
op_tags(struct store *st, char ***ret, size_t *n, struct err *e)
{
	struct shelf *s = shelf_of(st);

	s->asked++;
	if (s->list_fails)
		return err_set(e, ERR_TEMP, "no answer");
	*ret = calloc(MAX, sizeof(**ret));
	*n = 0;
	for (size_t i = 0; i < s->ntags; i++)
		if (s->tags[i].there)
			(*ret)[(*n)++] = strdup(s->tags[i].name);
	return 0;
}

static int
op_manifest(struct store *st, const char *what, struct manifest *ret, struct err *e)
{
	size_t i = find(shelf_of(st), what);

	if (i == MAX)
		return err_set(e, ERR_NOTFOUND, "no '%s'", what);
	return manifest_parse(view_of(shelf_of(st)->m[i].text), NULL, NULL, what, ret, e);
}

static int
op_resolve(struct store *st, const char *what, struct descriptor *ret, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };

	if (op_manifest(st, what, &m, e) < 0)
		return -1;
	*ret = (struct descriptor){ .digest = m.digest };
	(void)snprintf(ret->media_type, sizeof(ret->media_type), "%s", m.media_type);
	return 0;
}

static int
op_has(struct store *st, const struct digest *d, struct err *e)
{
	(void)e;
	return find(shelf_of(st), d->str) != MAX;
}

static int
op_referrers(struct store *st, const struct digest *subject, struct descriptor **ret, size_t *n,
	     struct err *e)
{
	struct shelf *s = shelf_of(st);

	(void)e;
	*ret = calloc(MAX, sizeof(**ret));
	*n = 0;
	for (size_t i = 0; s->api && i < s->n; i++)
		if (s->m[i].there && digest_equal(&s->m[i].subject, subject))
			(*ret)[(*n)++].digest = s->m[i].digest;
	return 0;
}

static int
op_remove(struct store *st, const char *what, struct err *e)
{
	struct shelf *s = shelf_of(st);
	bool is_name = strchr(what, ':') == NULL;
	size_t m;

	if (s->before_remove != NULL)
		s->before_remove(s);
	m = find(s, what);
	if (s->refuses || (is_name && !s->by_name))
		return err_set(e, ERR_NO, "refused");
	if (m == MAX)
		return 0;
	for (size_t i = 0; i < s->ntags; i++)
		if (is_name ? strcmp(s->tags[i].name, what) == 0 : s->tags[i].m == m)
			s->tags[i].there = false;
	if (!is_name)
		s->m[m].there = false;
	return 0;
}

static void
op_close(struct store *s)
{
	(void)s;
}

static const struct store_ops ops = { .close = op_close,
				      .tags = op_tags,
				      .resolve = op_resolve,
				      .manifest = op_manifest,
				      .referrers = op_referrers,
				      .has_manifest = op_has,
				      .remove = op_remove };

/* --- filling it ------------------------------------------------------- */

static size_t
put(struct shelf *s)
{
	digest_of(s->m[s->n].text, strlen(s->m[s->n].text), &s->m[s->n].digest);
	s->m[s->n].there = true;
	for (size_t i = 0; i < s->n; i++)
		if (digest_equal(&s->m[i].digest, &s->m[s->n].digest))
			return i;
	return s->n++;
}

static size_t
image(struct shelf *s, int number, size_t subject)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXT_MAX - 1);
	struct digest config;

	digest_of(&number, sizeof(number), &config);
	buf_addf(&b, "{\"schemaVersion\":2,\"mediaType\":\"%s\",", MEDIA_OCI_MANIFEST);
	buf_addf(&b, "\"config\":{\"mediaType\":\"c\",\"digest\":\"%s\",\"size\":4},\"layers\":[]",
		 config.str);
	s->m[s->n].subject = (struct digest){ "" };
	if (subject != MAX) {
		buf_addf(&b, ",\"subject\":{\"mediaType\":\"m\",\"digest\":\"%s\",\"size\":9}",
			 s->m[subject].digest.str);
		s->m[s->n].subject = s->m[subject].digest;
	}
	(void)snprintf(s->m[s->n].text, TEXT_MAX, "%s}", buf_cstr(&b));
	return put(s);
}

static size_t
list_of(struct shelf *s, const size_t *children, size_t n)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXT_MAX - 1);

	buf_addf(&b, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[", MEDIA_OCI_INDEX);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":9}",
			 i > 0 ? "," : "",
			 strstr(s->m[children[i]].text, "\"manifests\"") != NULL
				 ? MEDIA_OCI_INDEX
				 : MEDIA_OCI_MANIFEST,
			 s->m[children[i]].digest.str);
	(void)snprintf(s->m[s->n].text, TEXT_MAX, "%s]}", buf_cstr(&b));
	s->m[s->n].subject = (struct digest){ "" };
	return put(s);
}

static void
tag(struct shelf *s, const char *name, size_t m)
{
	for (size_t i = 0; i < s->ntags; i++)
		if (strcmp(s->tags[i].name, name) == 0) {
			s->tags[i].m = m;
			s->tags[i].there = true;
			return;
		}
	(void)snprintf(s->tags[s->ntags].name, sizeof(s->tags[0].name), "%s", name);
	s->tags[s->ntags].m = m;
	s->tags[s->ntags++].there = true;
}

static void
tool_tag(struct shelf *s, size_t subject, const char *end, size_t m)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "sha256-%s%s", digest_hex(&s->m[subject].digest), end);
	tag(s, name, m);
}

static bool
has_tool_tag(struct shelf *s, size_t subject, const char *end)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "sha256-%s%s", digest_hex(&s->m[subject].digest), end);
	return find(s, name) != MAX;
}

/* --- running it ------------------------------------------------------- */

struct said {
	char words[4096]; /* "deleted NAME\n" and the like */
	struct digest needed;
	bool needed_fails;
};

static void
on_say(void *arg, enum erase_result result, const char *name, const struct digest *d,
       const char *reason)
{
	static const char *const words[] = { "deleted", "with", "stays", "failed" };
	struct said *said = arg;
	size_t n = strlen(said->words);

	(void)d;
	(void)reason;
	if (result != ERASE_WITH)
		(void)snprintf(said->words + n, sizeof(said->words) - n, "%s %s\n", words[result],
			       name);
}

static int
on_needed(void *arg, struct digest **ret, size_t *n, struct err *e)
{
	struct said *said = arg;

	if (said->needed_fails)
		return err_set(e, ERR_SYS, "no journal");
	*ret = calloc(1, sizeof(**ret));
	**ret = said->needed;
	*n = digest_is_set(&said->needed);
	return 0;
}

static struct err last;

static int
prune(struct shelf *s, int64_t keep, struct said *said, bool dry_run)
{
	struct retain_rules rules = { .keep = keep };
	struct erase x = { .at = &s->store,
			   .rules = &rules,
			   .dry_run = dry_run,
			   .needed = on_needed,
			   .say = on_say,
			   .arg = said };

	s->store.ops = &ops;
	said->words[0] = '\0';
	last = (struct err){ 0 };
	return erase_run(&x, &last);
}

static bool
is_there(const struct shelf *s, size_t m)
{
	return s->m[m].there;
}

TEST(what_is_extra_does_not_count_and_what_comes_does)
{
	char v[][8] = { "latest", "1.0.0", "2.0.0", "3.0.0", "4.0.0", "9.9.9" };
	char *source[] = { v[4], v[1], v[3], v[2] };
	char *tags[] = { v[1], v[5], v[2], v[0], v[3] };
	char *coming[] = { v[4], v[3] };
	struct retain_rules r = { .keep = 2, .delete_extra = true, .source = source, .nsource = 4 };
	enum retain_why why[5];

	CHECK(retain_choose(&r, tags, 5, why, NULL) == 0);
	CHECK(why[0] == RETAIN_OLD && why[1] == RETAIN_EXTRA && why[2] == RETAIN_STAYS);
	CHECK(why[3] == RETAIN_EXTRA && why[4] == RETAIN_STAYS);
	r.coming = coming;
	r.ncoming = 2;
	CHECK(retain_choose(&r, tags, 5, why, NULL) == 0);
	CHECK(why[0] == RETAIN_OLD && why[2] == RETAIN_OLD && why[4] == RETAIN_STAYS);
	r.keep = 0;
	CHECK(retain_choose(&r, tags, 5, why, NULL) == 0);
	CHECK(why[0] == RETAIN_STAYS && why[1] == RETAIN_EXTRA);
}

TEST(the_newest_stay_and_the_oldest_go_first)
{
	for (int by_name = 0; by_name < 2; by_name++) {
		struct shelf s = { .by_name = by_name };
		struct said said = { .needed_fails = false };

		tag(&s, "1.10", image(&s, 1, MAX));
		tag(&s, "1.0.9", image(&s, 2, MAX));
		tag(&s, "1.0.10", image(&s, 3, MAX));
		tag(&s, "1.0.1", image(&s, 4, MAX));
		CHECK(prune(&s, 2, &said, true) == 0);
		CHECK_STR(said.words, "deleted 1.0.1\n");
		CHECK(find(&s, "1.0.1") != MAX);
		CHECK(prune(&s, 2, &said, false) == 0);
		CHECK_STR(said.words, "deleted 1.0.1\n");
		CHECK(find(&s, "1.0.1") == MAX && !is_there(&s, 3));
		/* no version is neither old nor new */
		CHECK(find(&s, "1.10") == 0);
		CHECK(find(&s, "1.0.9") == 1 && find(&s, "1.0.10") == 2);
		/* nothing to do is one question */
		s.asked = 0;
		CHECK(prune(&s, 2, &said, false) == 0 && s.asked == 1);
		CHECK_STR(said.words, "");
	}
}

TEST(a_digest_with_a_tag_that_stays_keeps_its_others_where_tags_have_no_removal)
{
	struct shelf s = { 0 };
	struct said said = { .needed_fails = false };

	tag(&s, "1.0.0", image(&s, 1, MAX));
	tag(&s, "2.0.0", 0);
	tag(&s, "0.1.0", image(&s, 2, MAX));
	CHECK(prune(&s, 1, &said, false) == 0);
	CHECK_STR(said.words, "deleted 0.1.0\nstays 1.0.0\n");
	CHECK(find(&s, "1.0.0") == 0 && find(&s, "2.0.0") == 0);
	s.by_name = true;
	CHECK(prune(&s, 1, &said, false) == 0);
	CHECK_STR(said.words, "deleted 1.0.0\n");
	CHECK(find(&s, "2.0.0") == 0 && is_there(&s, 0));
}

TEST(what_runs_stays_with_all_that_names_it)
{
	struct shelf s = { .by_name = true };
	struct said said = { .needed_fails = false };
	size_t arm = image(&s, 1, MAX), both;

	both = list_of(&s, &arm, 1);
	tag(&s, "1.0.0", both);
	tag(&s, "1.0.1", image(&s, 2, MAX));
	tag(&s, "1.0.2", image(&s, 3, MAX));
	tool_tag(&s, both, ".sig", image(&s, 4, MAX));
	said.needed = s.m[arm].digest;
	CHECK(prune(&s, 1, &said, false) == 0);
	CHECK_STR(said.words, "stays 1.0.0\ndeleted 1.0.1\n");
	CHECK(is_there(&s, both) && is_there(&s, arm) && has_tool_tag(&s, both, ".sig"));
}

TEST(who_cannot_say_what_runs_deletes_nothing)
{
	struct shelf s = { .by_name = true };
	struct said said = { .needed_fails = true };

	tag(&s, "1.0.0", image(&s, 1, MAX));
	tag(&s, "1.0.1", image(&s, 2, MAX));
	CHECK(prune(&s, 1, &said, false) == -1 && last.code == ERR_SYS);
	s.list_fails = true;
	said.needed_fails = false;
	CHECK(prune(&s, 1, &said, false) == -1 && last.code == ERR_TEMP);
	CHECK(find(&s, "1.0.0") != MAX);
}

TEST(children_signatures_and_referrers_go_with_their_image)
{
	for (int kind = 0; kind < 4; kind++) {
		struct shelf s = { .by_name = kind % 2 == 1, .api = kind / 2 == 1 };
		struct said said = { .needed_fails = false };
		size_t child[3], old, new, sig, newsig, sbom, att, of_att;

		child[0] = image(&s, 1, MAX);
		child[1] = image(&s, 2, MAX);
		child[2] = image(&s, 3, MAX);
		old = list_of(&s, child, 2);
		new = list_of(&s, child + 1, 2);
		tag(&s, "1.0.0", old);
		tag(&s, "1.0.1", new);
		sig = image(&s, 10, MAX);
		newsig = image(&s, 11, MAX);
		/* one SBOM, two images */
		sbom = image(&s, 12, MAX);
		tool_tag(&s, old, ".sig", sig);
		tool_tag(&s, new, ".sig", newsig);
		tool_tag(&s, old, ".sbom", sbom);
		tool_tag(&s, child[1], ".sbom", sbom);
		att = image(&s, 13, old);
		of_att = image(&s, 14, att);
		if (!s.api) {
			tool_tag(&s, old, "", list_of(&s, &att, 1));
			tool_tag(&s, att, "", list_of(&s, &of_att, 1));
		}
		CHECK(prune(&s, 1, &said, false) == 0);
		CHECK_STR(said.words, "deleted 1.0.0\n");
		CHECK(!is_there(&s, old) && !is_there(&s, child[0]) && !is_there(&s, sig));
		CHECK(!has_tool_tag(&s, old, ".sig") && !has_tool_tag(&s, old, ""));
		CHECK(is_there(&s, new) && is_there(&s, child[1]) && is_there(&s, child[2]));
		CHECK(is_there(&s, newsig) && has_tool_tag(&s, new, ".sig"));
		CHECK(is_there(&s, sbom) && has_tool_tag(&s, child[1], ".sbom"));
		CHECK(has_tool_tag(&s, old, ".sbom") == !s.by_name);
		CHECK(!is_there(&s, att) || !s.api);
	}
}

TEST(a_tagged_referrer_of_what_stays_stays)
{
	struct shelf s = { .api = true };
	struct said said = { .needed_fails = false };
	size_t new = image(&s, 1, MAX), sbom = image(&s, 2, new);

	tag(&s, "2.0.0", new);
	tag(&s, "1.0.0-sbom", sbom);
	CHECK(prune(&s, 1, &said, false) == 0);
	CHECK_STR(said.words, "stays 1.0.0-sbom\n");
	CHECK(is_there(&s, sbom));
}

static void
tag_the_old_one(struct shelf *s)
{
	tag(s, "stable", 1);
}

TEST(a_tag_that_came_meanwhile_is_seen)
{
	struct shelf s = { .before_remove = tag_the_old_one };
	struct said said = { .needed_fails = false };

	tag(&s, "1.0.0", image(&s, 1, MAX));
	tag(&s, "1.0.1", image(&s, 2, MAX));
	tag(&s, "1.0.2", image(&s, 3, MAX));
	tag(&s, "stable", 2);
	/* it is moved while 1.0.0 goes */
	CHECK(prune(&s, 1, &said, false) == 0);
	CHECK_STR(said.words, "deleted 1.0.0\nstays 1.0.1\n");
	CHECK(find(&s, "stable") == 1 && is_there(&s, 1));
}

TEST(a_registry_that_refuses_is_asked_once)
{
	struct shelf s = { .refuses = true };
	struct said said = { .needed_fails = false };

	tag(&s, "1.0.0", image(&s, 1, MAX));
	tag(&s, "1.0.1", image(&s, 2, MAX));
	tag(&s, "1.0.2", image(&s, 3, MAX));
	tool_tag(&s, 0, ".sig", image(&s, 4, MAX));
	CHECK(prune(&s, 1, &said, false) == -1 && last.code == ERR_NO);
	CHECK_STR(said.words, "failed 1.0.0\n");
	CHECK(has_tool_tag(&s, 0, ".sig") && is_there(&s, 3));
}

/* --- any repository --------------------------------------------------- */

static unsigned int seed;

static size_t
any(size_t n)
{
	seed = seed * 1103515245U + 12345U;
	return (seed >> 16) % n;
}

static void
fill(struct shelf *s)
{
	size_t images = 3 + any(8);
	char name[32];

	for (size_t i = 0; i < images; i++)
		(void)image(s, (int)i, any(6) == 0 && s->n > 0 ? any(s->n) : MAX);
	for (size_t i = any(4); i > 0; i--) {
		size_t children[3] = { any(s->n), any(s->n), any(s->n) };

		(void)list_of(s, children, 1 + any(3));
	}
	for (size_t i = 2 + any(8); i > 0; i--) {
		(void)snprintf(name, sizeof(name), "1.0.%zu", any(12));
		tag(s, name, any(s->n));
	}
	for (size_t i = any(6); i > 0; i--)
		tool_tag(s, any(s->n), any(2) == 0 ? ".sig" : ".sbom",
			 image(s, 100 + (int)any(4), MAX));
	for (size_t i = any(4); i > 0; i--)
		(void)image(s, 200 + (int)any(9), any(s->n));
}

/* All that a manifest is made of is there. */
static bool
is_whole(struct shelf *s, size_t m)
{
	AUTO_MANIFEST struct manifest parsed = { 0 };

	if (!s->m[m].there || op_manifest(&s->store, s->m[m].digest.str, &parsed, NULL) < 0)
		return false;
	for (size_t i = 0; i < parsed.nchildren; i++) {
		size_t child = find(s, parsed.children[i].digest.str);

		if (child == MAX || !is_whole(s, child))
			return false;
	}
	return true;
}

static void
check_after(struct shelf *was, struct shelf *s, const struct said *said, int64_t keep)
{
	AUTO_FREE enum retain_why *why = calloc(MAX, sizeof(*why));
	struct retain_rules rules = { .keep = keep };
	char *names[MAX];

	for (size_t i = 0; i < was->ntags; i++)
		names[i] = was->tags[i].name;
	CHECK(retain_choose(&rules, names, was->ntags, why, NULL) == 0);
	for (size_t i = 0; i < was->ntags; i++) {
		if (why[i] == RETAIN_STAYS && !tags_is_referrer(names[i]))
			CHECK(s->tags[i].there && is_whole(s, s->tags[i].m));
		if (why[i] != RETAIN_STAYS && s->by_name && digest_is_set(&said->needed) == 0)
			CHECK(!s->tags[i].there);
		/* a signature whose image is there */
		for (size_t m = 0; tags_is_referrer(names[i]) && m < s->n; m++)
			if (s->m[m].there &&
			    strncmp(names[i] + 7, digest_hex(&s->m[m].digest), 64) == 0)
				CHECK(s->tags[i].there && is_whole(s, s->tags[i].m));
	}
	for (size_t m = 0; m < s->n; m++) {
		size_t subject = find(s, s->m[m].subject.str);

		if (s->api && was->m[m].there && subject != MAX && digest_is_set(&s->m[m].subject))
			CHECK(s->m[m].there);
		if (digest_equal(&s->m[m].digest, &said->needed))
			CHECK(is_whole(s, m));
	}
}

TEST(in_any_repository_what_is_used_stays)
{
	size_t deleted = 0;

	for (seed = 1; seed < 3000000; seed += 2003) {
		unsigned int again = seed;
		struct shelf s = { .by_name = any(2) == 0, .api = any(2) == 0 };
		struct said said = { .needed_fails = false };
		struct shelf was;
		int64_t keep = 1 + (int64_t)any(3);

		fill(&s);
		if (any(3) == 0)
			said.needed = s.m[any(s.n)].digest;
		s.store.ops = &ops;
		was = s;
		CHECK(prune(&s, keep, &said, false) == 0);
		deleted += strstr(said.words, "deleted") != NULL;
		check_after(&was, &s, &said, keep);
		if (unit_failed) {
			printf("# seed %u: %s\n", again, last.msg);
			break;
		}
		seed = again;
	}
	CHECK(unit_failed || deleted > 500);
}

UNIT_MAIN
