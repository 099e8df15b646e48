#include "fleet/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

#define HEX_DIGITS 12
#define PREFIX	   "gantry-"
#define CONTAINER  "gantry-keep-"
#define WORDS_MAX  (REF_STR_MAX + ERR_MSG_MAX + 100)
#define MB	   1000000

/* The names under which one image is kept. */
struct names {
	char repo[REF_STR_MAX]; /* "": it has none */
	char tag[sizeof(PREFIX) + HEX_DIGITS];
	char tagged[REF_STR_MAX + sizeof(PREFIX) + HEX_DIGITS + 1];
	char container[sizeof(CONTAINER) + HEX_DIGITS];
};

static int
name_it(const char *ref, struct names *ret, struct err *e)
{
	struct view repo = view_of(ref), digest;
	struct digest d;
	bool known = view_cut_last(&repo, '@', &digest);

	*ret = (struct names){ 0 };
	if (digest_parse(known ? digest : view_of(ref), &d, e) < 0)
		return -1;
	if (known)
		(void)snprintf(ret->repo, sizeof(ret->repo), VIEW_FMT, VIEW_ARG(repo));
	(void)snprintf(ret->tag, sizeof(ret->tag), PREFIX "%.*s", HEX_DIGITS, digest_hex(&d));
	(void)snprintf(ret->tagged, sizeof(ret->tagged), "%s:%s", ret->repo, ret->tag);
	(void)snprintf(ret->container, sizeof(ret->container), CONTAINER "%.*s", HEX_DIGITS,
		       digest_hex(&d));
	return 0;
}

/* Nothing of it ever runs.  The image's volumes would be made along with it, and
 * stay behind: a tmpfs takes their place. */
static struct json_t *
make_spec(const char *ref, const struct json_t *image)
{
	struct json_t *spec = jsn_object(), *command = jsn_array(), *host = jsn_object();
	const struct json_t *volumes = jsn_get(image, "Config.Volumes");

	jsn_push(command, jsn_string("keep"));
	jsn_set_str(spec, "Image", ref);
	jsn_set(spec, "Cmd", command);
	jsn_set_str(jsn_child(spec, "Labels"), KEEP_LABEL, ref);
	jsn_set_str(host, "NetworkMode", "none");
	for (void *it = jsn_first(volumes); it != NULL; it = jsn_next(volumes, it))
		jsn_set_str(jsn_child(host, "Tmpfs"), jsn_key(it), "");
	jsn_set(spec, "HostConfig", host);
	return spec;
}

int
keep_image(struct engine *eng, const char *ref, struct err *e)
{
	AUTO_JSN struct json_t *container = NULL;
	AUTO_JSN struct json_t *image = NULL;
	AUTO_JSN struct json_t *spec = NULL;
	char id[ENGINE_ID_MAX];
	struct err why = { 0 };
	struct names n;

	if (name_it(ref, &n, e) < 0)
		return -1;
	if (n.repo[0] != '\0' && engine_tag(eng, ref, n.repo, n.tag, e) < 0)
		return err_wrap(e, "tag '%s'", n.tagged);
	if (engine_container(eng, n.container, &container, &why) == 0)
		return 0;
	if (why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	if (engine_image(eng, ref, &image, e) < 0)
		return -1;
	spec = make_spec(ref, image);
	if (engine_create(eng, n.container, spec, id, e) < 0)
		return err_wrap(e, "container '%s'", n.container);
	return 0;
}

/* --- what is needed -------------------------------------------------------- */

static bool
has(const struct json_t *strings, const char *s)
{
	for (size_t i = 0; i < jsn_len(strings); i++)
		if (strcmp(jsn_str_or(jsn_at(strings, i), "", ""), s) == 0)
			return true;
	return false;
}

static void
add(struct json_t *strings, const char *s)
{
	if (s[0] != '\0' && !has(strings, s))
		jsn_push(strings, jsn_string(s));
}

static int
find_needed(const struct fleet *f, const struct journal *j, size_t n, struct json_t *ret,
	    struct err *e)
{
	const struct json_t *r;

	for (size_t i = 0; i < f->n; i++) {
		struct service_image runs;

		if (service_runs(&f->services[i], &runs, e) < 0)
			return -1;
		add(ret, digest_is_set(&runs.digest) ? runs.digest.str : runs.ref);
	}
	add(ret, jsn_str_or(journal_last(j, NULL, "staged", NULL), "digest", ""));
	for (size_t i = 0; n > 0 && (r = journal_proven(j, i)) != NULL; i++) {
		const char *digest = jsn_str_or(r, "digest", "");

		add(ret, digest);
		/* rollback --to may want it, but it is none of the n */
		if (journal_quarantined(j, digest) == NULL)
			n--;
	}
	return 0;
}

/* REPO@DIGEST, or the id, of what a record speaks of; "" if of none. */
static void
ref_of(const struct json_t *r, char out[REF_STR_MAX])
{
	const char *image = jsn_str_or(r, "image", ""), *digest = jsn_str_or(r, "digest", "");

	if (digest[0] != '\0' && image[0] != '\0')
		(void)snprintf(out, REF_STR_MAX, "%.*s@%s", REF_STR_MAX - DIGEST_STR_MAX - 1, image,
			       digest);
	else
		(void)snprintf(out, REF_STR_MAX, "%s", jsn_str_or(r, "ref", ""));
}

static const char *
digest_in(const char *ref)
{
	const char *at = strrchr(ref, '@');

	return at != NULL ? at + 1 : ref;
}

/* --- letting go ------------------------------------------------------------ */

static int
drop_container(struct engine *eng, const struct names *n, bool *ret_ours, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	struct err why = { 0 };

	*ret_ours = false;
	if (engine_container(eng, n->container, &c, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (jsn_at_key(jsn_get(c, "Config.Labels"), KEEP_LABEL) == NULL)
		return 0;
	*ret_ours = true;
	return engine_remove(eng, jsn_str_or(c, "Id", ""), e);
}

/* 1 the image is gone, 0 something else needs it, or it was not kept. */
static int
drop(struct engine *eng, const char *ref, int64_t *ret_bytes, struct err *e)
{
	AUTO_JSN struct json_t *image = NULL;
	AUTO_JSN struct json_t *after = NULL;
	struct err why = { 0 };
	struct names n;
	const char *id;
	bool ours;

	if (name_it(ref, &n, e) < 0 || drop_container(eng, &n, &ours, e) < 0)
		return -1;
	if (!ours && n.repo[0] == '\0')
		return 0;
	if (engine_image(eng, n.repo[0] != '\0' ? n.tagged : ref, &image, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	*ret_bytes = jsn_int(image, "Size", 0);
	id = jsn_str_or(image, "Id", "");
	/* an image without a name that is ours is removed by its id */
	if (n.repo[0] == '\0' && jsn_len(jsn_get(image, "RepoTags")) > 0)
		return 0;
	if (engine_image_remove(eng, n.repo[0] != '\0' ? n.tagged : id, &why) < 0)
		return why.code == ERR_NO ? 0 : err_set(e, why.code, "%s", why.msg);
	if (engine_image(eng, id, &after, &why) < 0)
		return why.code == ERR_NOTFOUND;
	/* Podman takes the name alone, also of what is used; the next run has to find it */
	if (jsn_len(jsn_get(after, "RepoTags")) > 0)
		return 0;
	if (engine_image_remove(eng, id, NULL) == 0)
		return 1;
	return n.repo[0] != '\0' ? engine_tag(eng, id, n.repo, n.tag, e) : 0;
}

/* What an image of the journal is called at a service's host. */
static void
ref_there(const struct service *s, const char *ref, char out[REF_STR_MAX])
{
	struct view name = view_of(ref), digest;
	char here[REF_STR_MAX], there[REF_STR_MAX];

	(void)snprintf(out, REF_STR_MAX, "%s", ref);
	if (!view_cut_last(&name, '@', &digest))
		return;
	(void)snprintf(here, sizeof(here), VIEW_FMT, VIEW_ARG(name));
	service_repo_there(s, here, there);
	(void)snprintf(out, REF_STR_MAX, "%.*s@" VIEW_FMT, REF_STR_MAX - DIGEST_STR_MAX - 1, there,
		       VIEW_ARG(digest));
}

static void
drop_everywhere(const struct fleet *f, const char *ref, void (*say)(bool failed, const char *words))
{
	char words[WORDS_MAX], there[REF_STR_MAX];

	for (size_t i = 0; i < f->n; i++) {
		struct engine *eng = f->services[i].engine;
		struct err why = { 0 };
		int64_t bytes = 0;
		int gone;

		ref_there(&f->services[i], ref, there);
		gone = drop(eng, there, &bytes, &why);
		if (gone == 0)
			continue;
		if (gone > 0)
			(void)snprintf(words, sizeof(words),
				       "'%s' is removed from %s: up to %" PRId64
				       " MB are free again",
				       there, engine_host(eng), (bytes + MB - 1) / MB);
		else
			(void)snprintf(words, sizeof(words), "'%s' is not removed: %s", there,
				       why.msg);
		say(gone < 0, words);
	}
}

int
keep_newest(const struct fleet *f, const struct journal *j, size_t n,
	    void (*say)(bool failed, const char *words), struct err *e)
{
	AUTO_JSN struct json_t *needed = jsn_array();
	AUTO_JSN struct json_t *seen = jsn_array();
	char ref[REF_STR_MAX];

	/* what a host that is away needs cannot be asked */
	if (journal_unfinished(j) != NULL || f->naway > 0)
		return 0;
	if (find_needed(f, j, n, needed, e) < 0)
		return -1;
	for (size_t i = 0; i < journal_len(j); i++) {
		ref_of(journal_at(j, i), ref);
		if (ref[0] == '\0' || has(seen, ref) || has(needed, digest_in(ref)))
			continue;
		add(seen, ref);
		drop_everywhere(f, ref, say);
	}
	return 0;
}
