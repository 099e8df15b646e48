#include "oci/erase.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "oci/erase_plan.h"

#define QUICK_MS 200

/* What goes with an image: a tool's tag (or ERASE_NONE) and its manifest. */
struct part {
	size_t tag, node;
};

struct erasing {
	const struct erase *x;
	struct erase_plan plan;
	int64_t loaded_ms, took_ms; /* when and how long things were found out */
	bool is_old;		    /* something was done since */
	bool no_names;		    /* the store removes by digest only */
	struct part *parts;
	size_t nparts;
};

static void
erasing_clear(struct erasing *w)
{
	erase_plan_free(&w->plan);
	free(w->parts);
}

static int
load(struct erasing *w, struct err *e)
{
	int64_t start = clock_mono_ms();

	if (erase_plan_load(&w->plan, e) < 0)
		return -1;
	w->loaded_ms = clock_mono_ms();
	w->took_ms = w->loaded_ms - start;
	w->is_old = false;
	return 0;
}

/* Asked again before each image where that is quick; where it is not, a third
 * of the time goes into it. */
static bool
must_load(const struct erasing *w)
{
	return w->is_old && !w->x->dry_run &&
	       (w->took_ms < QUICK_MS || clock_mono_ms() - w->loaded_ms >= 2 * w->took_ms);
}

static const struct digest *
digest_at(const struct erasing *w, size_t node)
{
	return &w->plan.nodes[node].digest;
}

static void
say(const struct erasing *w, enum erase_result result, size_t tag, size_t node, const char *reason)
{
	w->x->say(w->x->arg, result, tag != ERASE_NONE ? w->plan.tags[tag].name : "",
		  digest_at(w, node), reason);
}

static void
say_deleted(const struct erasing *w, size_t tag, size_t node)
{
	static const char *const reasons[] = {
		[RETAIN_OLD] = "newer ones are kept", [RETAIN_EXTRA] = "the source does not have it"
	};

	say(w, ERASE_DELETED, tag, node, reasons[w->plan.tags[tag].why]);
}

/* --- what goes with an image ------------------------------------------ */

static int
add_part(struct erasing *w, size_t tag, size_t node, struct err *e)
{
	struct part *more = reallocarray(w->parts, w->nparts + 1, sizeof(*more));

	if (more == NULL)
		return err_nomem(e);
	w->parts = more;
	w->parts[w->nparts++] = (struct part){ tag, node };
	return 0;
}

static bool
is_part(const struct erasing *w, size_t node)
{
	for (size_t i = 0; i < w->nparts; i++)
		if (w->parts[i].node == node)
			return true;
	return false;
}

static int collect(struct erasing *w, size_t node, int depth, struct err *e);

static int
collect_one(struct erasing *w, size_t node, int depth, struct err *e)
{
	if (w->plan.nodes[node].is_used || is_part(w, node))
		return 0;
	return add_part(w, ERASE_NONE, node, e) < 0 ? -1 : collect(w, node, depth + 1, e);
}

static int
collect_tags(struct erasing *w, size_t node, int depth, struct err *e)
{
	for (size_t i = 0; i < w->plan.ntags; i++) {
		const struct erase_tag *t = &w->plan.tags[i];
		bool known;

		if (t->subject != node || t->node == ERASE_NONE)
			continue;
		known = w->plan.nodes[t->node].is_used || is_part(w, t->node);
		if (add_part(w, i, t->node, e) < 0 ||
		    (!known && collect(w, t->node, depth + 1, e) < 0))
			return -1;
	}
	return 0;
}

static int
collect(struct erasing *w, size_t node, int depth, struct err *e)
{
	AUTO_FREE struct descriptor *all = NULL;
	struct digest d = *digest_at(w, node);
	size_t n = 0;

	if (depth > ERASE_DEPTH_MAX)
		return err_set(e, ERR_DATA, "'%s' has referrers of referrers deeper than %d", d.str,
			       ERASE_DEPTH_MAX);
	for (size_t i = 0; i < w->plan.nodes[node].nchildren; i++)
		if (collect_one(w, w->plan.nodes[node].children[i], depth, e) < 0)
			return -1;
	if (collect_tags(w, node, depth, e) < 0 || store_referrers(w->x->at, &d, &all, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t referrer = erase_plan_node(&w->plan, &all[i].digest, e);

		if (referrer == ERASE_NONE || collect_one(w, referrer, depth, e) < 0)
			return -1;
	}
	return 0;
}

/* --- removing --------------------------------------------------------- */

/* 1 the tag still names the node, 0 it does not. */
static int
is_still(struct erasing *w, size_t tag, size_t node, struct err *e)
{
	struct descriptor d = { 0 };
	struct err why = { 0 };

	if (store_resolve(w->x->at, w->plan.tags[tag].name, &d, &why) == 0)
		return digest_equal(&d.digest, digest_at(w, node));
	return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
}

/* 1 the tag is gone, 0 this store removes no tags. */
static int
remove_name(struct erasing *w, size_t tag, size_t node, struct err *e)
{
	struct err why = { 0 };
	int still;

	if (w->no_names)
		return 0;
	if (store_remove(w->x->at, w->plan.tags[tag].name, &why) < 0) {
		if (why.code != ERR_NO)
			return err_set(e, why.code, "%s", why.msg);
		w->no_names = true;
		return 0;
	}
	/* "not found" may mean that it looked for a digest of that name */
	still = is_still(w, tag, node, e);
	if (still > 0)
		w->no_names = true;
	return still < 0 ? -1 : !still;
}

/* A manifest, and with it all tags that it still has. */
static int
remove_node(struct erasing *w, size_t node, struct err *e)
{
	struct err why = { 0 };

	if (store_remove(w->x->at, digest_at(w, node)->str, &why) == 0)
		return 0;
	/* without tags it is the registry's own business */
	if (why.code == ERR_NO && !w->no_names)
		return 0;
	return err_set(e, why.code, "%s", why.msg);
}

static int
remove_part(struct erasing *w, const struct part *p, struct err *e)
{
	if (w->x->dry_run)
		return 0;
	if (p->tag != ERASE_NONE && remove_name(w, p->tag, p->node, e) < 0)
		return -1;
	return w->plan.nodes[p->node].is_used ? 0 : remove_node(w, p->node, e);
}

static void
remove_parts(struct erasing *w)
{
	/* the first is the image itself */
	for (size_t i = 1; i < w->nparts; i++) {
		const struct part *p = &w->parts[i];
		struct err e = { 0 };

		if (remove_part(w, p, &e) < 0)
			say(w, ERASE_FAILED, p->tag, p->node, e.msg);
		else
			say(w, ERASE_WITH, p->tag, p->node, NULL);
	}
}

/* Every tag that named the node still does. */
static int
check_tags(struct erasing *w, size_t node, struct err *e)
{
	for (size_t i = 0; i < w->plan.ntags; i++) {
		int still = w->plan.tags[i].node == node ? is_still(w, i, node, e) : 1;

		if (still <= 0)
			return still;
	}
	return 1;
}

static int
remove_tags_and_node(struct erasing *w, size_t node, struct err *e)
{
	if (w->x->dry_run)
		return 0;
	for (size_t i = 0; i < w->plan.ntags; i++)
		if (w->plan.tags[i].node == node && remove_name(w, i, node, e) < 0)
			return -1;
	return remove_node(w, node, e);
}

static int
erase_image(struct erasing *w, size_t tag, struct err *e)
{
	size_t node = w->plan.tags[tag].node;
	int same = w->x->dry_run ? 1 : check_tags(w, node, e);

	if (same < 0)
		return -1;
	if (same == 0) {
		say(w, ERASE_STAYS, tag, node, "tags have changed meanwhile");
		return 0;
	}
	/* what belongs to it is found by it, so it is looked for before */
	w->nparts = 0;
	if (add_part(w, ERASE_NONE, node, e) < 0 || collect(w, node, 0, e) < 0 ||
	    remove_tags_and_node(w, node, e) < 0)
		return -1;
	for (size_t i = w->plan.ntags; i-- > 0;) {
		if (w->plan.tags[i].node != node)
			continue;
		w->plan.tags[i].goes = false;
		say_deleted(w, i, node);
	}
	remove_parts(w);
	return 0;
}

static int
erase_name(struct erasing *w, size_t tag, struct err *e)
{
	size_t node = w->plan.tags[tag].node;
	int gone = w->x->dry_run ? 1 : is_still(w, tag, node, e);

	if (gone == 0) {
		say(w, ERASE_STAYS, tag, node, "it has changed meanwhile");
		return 0;
	}
	if (gone > 0 && !w->x->dry_run)
		gone = remove_name(w, tag, node, e);
	if (gone > 0)
		say_deleted(w, tag, node);
	else if (gone == 0)
		say(w, ERASE_STAYS, tag, node,
		    "its image is in use, and the registry removes no tag alone");
	return gone < 0 ? -1 : 0;
}

/* Some failures are about one tag, some about all that would come. */
static bool
is_final(const struct erasing *w, const struct err *e)
{
	return e->code == ERR_TEMP || e->code == ERR_SYS || e->code == ERR_AUTH ||
	       (e->code == ERR_NO && w->no_names);
}

static int
erase_tag(struct erasing *w, size_t tag, struct err *e)
{
	size_t node = w->plan.tags[tag].node;
	struct err why = { 0 };

	if (node == ERASE_NONE)
		return 0;
	if ((w->plan.nodes[node].goes ? erase_image(w, tag, &why) : erase_name(w, tag, &why)) == 0)
		return 0;
	say(w, ERASE_FAILED, tag, node, why.msg);
	return is_final(w, &why) ? err_set(e, why.code, "%s", why.msg) : 0;
}

int
erase_run(const struct erase *x, struct err *e)
{
	AUTO(erasing_clear) struct erasing w = { .x = x, .plan = { .x = x } };
	char last[REF_TAG_MAX] = "";
	size_t at;

	if (load(&w, e) < 0)
		return -1;
	for (at = w.plan.ntags; at > 0; at--) {
		const struct erase_tag *t = &w.plan.tags[at - 1];

		if (!t->goes || (last[0] != '\0' && tags_compare(t->name, last) <= 0))
			continue;
		if (x->stop != NULL && *x->stop)
			return err_set(e, ERR_TEMP, "stopped by a signal");
		if (must_load(&w)) {
			if (load(&w, e) < 0)
				return -1;
			at = w.plan.ntags + 1;
			continue;
		}
		(void)snprintf(last, sizeof(last), "%s", t->name);
		w.is_old = true;
		if (erase_tag(&w, at - 1, e) < 0)
			return -1;
	}
	return 0;
}
