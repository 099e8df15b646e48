#include "oci/erase_plan.h"

#include <stdio.h>
#include <string.h>

#include "oci/registry.h"

#define SLOTS_FIRST 1024

/* --- nodes ------------------------------------------------------------ */

static size_t
slot_of(const struct erase_plan *p, const struct digest *d)
{
	uint64_t hash = 14695981039346656037U;
	size_t at;

	for (const char *c = d->str; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211U;
	at = (size_t)hash & (p->nslots - 1);
	while (p->slots[at] != 0 && !digest_equal(&p->nodes[p->slots[at] - 1].digest, d))
		at = (at + 1) & (p->nslots - 1);
	return at;
}

static int
grow(struct erase_plan *p, struct err *e)
{
	size_t cap = p->cap == 0 ? SLOTS_FIRST / 2 : p->cap * 2;
	struct erase_node *more = reallocarray(p->nodes, cap, sizeof(*more));
	size_t *slots;

	if (more == NULL)
		return err_nomem(e);
	p->nodes = more;
	/* half of the slots stay free */
	slots = calloc(cap * 2, sizeof(*slots));
	if (slots == NULL)
		return err_nomem(e);
	free(p->slots);
	p->slots = slots;
	p->nslots = cap * 2;
	p->cap = cap;
	for (size_t i = 0; i < p->n; i++)
		p->slots[slot_of(p, &p->nodes[i].digest)] = i + 1;
	return 0;
}

size_t
erase_plan_node(struct erase_plan *p, const struct digest *d, struct err *e)
{
	size_t at;

	if (p->n == p->cap && grow(p, e) < 0)
		return ERASE_NONE;
	at = slot_of(p, d);
	if (p->slots[at] != 0)
		return p->slots[at] - 1;
	if (p->n == ERASE_MANIFESTS_MAX) {
		err_set(e, ERR_DATA, "'%s' has more than %d manifests", p->x->at->name,
			ERASE_MANIFESTS_MAX);
		return ERASE_NONE;
	}
	p->nodes[p->n] = (struct erase_node){ .digest = *d, .subject = ERASE_NONE };
	p->slots[at] = ++p->n;
	return p->n - 1;
}

static bool
is_plain(const char *media_type)
{
	return strcmp(media_type, MEDIA_OCI_MANIFEST) == 0 ||
	       strcmp(media_type, MEDIA_DOCKER_MANIFEST) == 0;
}

static int
take_children(struct erase_plan *p, size_t i, const struct manifest *m, struct err *e)
{
	AUTO_FREE size_t *children = calloc(m->nchildren + 1, sizeof(*children));

	if (children == NULL)
		return err_nomem(e);
	for (size_t c = 0; c < m->nchildren; c++) {
		size_t child = erase_plan_node(p, &m->children[c].digest, e);

		if (child == ERASE_NONE)
			return -1;
		p->nodes[child].is_plain |= is_plain(m->children[c].media_type);
		children[c] = child;
	}
	p->nodes[i].children = TAKE_PTR(children);
	p->nodes[i].nchildren = m->nchildren;
	return 0;
}

static int
read_node(struct erase_plan *p, size_t i, struct err *e)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	struct digest d = p->nodes[i].digest;
	struct err why = { 0 };

	if (p->nodes[i].is_read)
		return 0;
	/* what is named but not there has no children now, and may come */
	if (store_manifest(p->x->at, d.str, &m, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	if (digest_is_set(&m.subject.digest)) {
		size_t subject = erase_plan_node(p, &m.subject.digest, e);

		if (subject == ERASE_NONE)
			return -1;
		p->nodes[i].subject = subject;
	}
	if (take_children(p, i, &m, e) < 0)
		return -1;
	p->nodes[i].is_read = true;
	return 0;
}

/* --- tags ------------------------------------------------------------- */

/* sha256-HEX, with or without an ending, belongs to sha256:HEX. */
static size_t
subject_of(struct erase_plan *p, const char *tag, struct err *e)
{
	struct digest d = { "" };

	(void)snprintf(d.str, sizeof(d.str), "sha256:%.64s", tag + strlen("sha256-"));
	return erase_plan_node(p, &d, e);
}

static int
resolve_tag(struct erase_plan *p, struct erase_tag *t, struct err *e)
{
	struct descriptor d = { 0 };
	struct err why = { 0 };

	t->node = t->subject = ERASE_NONE;
	if (store_resolve(p->x->at, t->name, &d, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	t->node = erase_plan_node(p, &d.digest, e);
	if (t->node == ERASE_NONE)
		return -1;
	p->nodes[t->node].is_plain |= is_plain(d.media_type);
	if (!tags_is_referrer(t->name))
		return 0;
	t->subject = subject_of(p, t->name, e);
	return t->subject == ERASE_NONE ? -1 : 0;
}

static void
forget_tags(struct erase_plan *p)
{
	registry_tags_free(p->names, p->ntags);
	free(p->tags);
	p->names = NULL;
	p->tags = NULL;
	p->ntags = 0;
}

/* How many of them have to go, by their names. */
static int
list_tags(struct erase_plan *p, size_t *ret, struct err *e)
{
	AUTO_FREE enum retain_why *why = NULL;

	forget_tags(p);
	*ret = 0;
	if (store_tags(p->x->at, &p->names, &p->ntags, e) < 0)
		return -1;
	p->tags = calloc(p->ntags + 1, sizeof(*p->tags));
	why = calloc(p->ntags + 1, sizeof(*why));
	if (p->tags == NULL || why == NULL)
		return err_nomem(e);
	/* the oldest go first: who interrupts keeps the newest */
	tags_sort(p->names, p->ntags);
	if (retain_choose(p->x->rules, p->names, p->ntags, why, e) < 0)
		return -1;
	for (size_t i = 0; i < p->ntags; i++) {
		p->tags[i] = (struct erase_tag){ .name = p->names[i],
						 .node = ERASE_NONE,
						 .subject = ERASE_NONE,
						 .why = why[i],
						 .goes = why[i] != RETAIN_STAYS };
		*ret += p->tags[i].goes;
	}
	return 0;
}

/* --- what is in use --------------------------------------------------- */

static int
use(struct erase_plan *p, size_t i, int depth, struct err *e)
{
	if (p->nodes[i].is_used)
		return 0;
	if (depth > ERASE_DEPTH_MAX)
		return err_set(e, ERR_DATA, "'%s' is nested deeper than %d", p->nodes[i].digest.str,
			       ERASE_DEPTH_MAX);
	p->nodes[i].is_used = true;
	p->nodes[i].goes = false;
	if (p->nodes[i].is_plain)
		return 0;
	if (read_node(p, i, e) < 0)
		return -1;
	for (size_t c = 0; c < p->nodes[i].nchildren; c++)
		if (use(p, p->nodes[i].children[c], depth + 1, e) < 0)
			return -1;
	return 0;
}

static int
let_go(struct erase_plan *p, size_t i, int depth, struct err *e)
{
	if (p->nodes[i].is_used || p->nodes[i].goes)
		return 0;
	if (depth > ERASE_DEPTH_MAX)
		return err_set(e, ERR_DATA, "'%s' is nested deeper than %d", p->nodes[i].digest.str,
			       ERASE_DEPTH_MAX);
	p->nodes[i].goes = true;
	/* read in any case: it may be about something that stays */
	if (read_node(p, i, e) < 0)
		return -1;
	for (size_t c = 0; c < p->nodes[i].nchildren; c++)
		if (let_go(p, p->nodes[i].children[c], depth + 1, e) < 0)
			return -1;
	return 0;
}

/* What tools have put at tags for an image that goes. */
static int
let_tools_go(struct erase_plan *p, struct err *e)
{
	bool changed;

	do {
		changed = false;
		for (size_t i = 0; i < p->ntags; i++) {
			const struct erase_tag *t = &p->tags[i];

			if (t->subject == ERASE_NONE || !p->nodes[t->subject].goes ||
			    p->nodes[t->node].goes || p->nodes[t->node].is_used)
				continue;
			if (let_go(p, t->node, 0, e) < 0)
				return -1;
			changed = true;
		}
	} while (changed);
	return 0;
}

/* 1 if i or something that it is made of is needed. */
static int
has_needed(struct erase_plan *p, size_t i, int depth, struct err *e)
{
	if (p->nodes[i].is_needed)
		return 1;
	if (p->nodes[i].is_plain || depth > ERASE_DEPTH_MAX)
		return 0;
	if (read_node(p, i, e) < 0)
		return -1;
	for (size_t c = 0; c < p->nodes[i].nchildren; c++) {
		int has = has_needed(p, p->nodes[i].children[c], depth + 1, e);

		if (has != 0)
			return has;
	}
	return 0;
}

static int
mark_needed(struct erase_plan *p, struct err *e)
{
	AUTO_FREE struct digest *needed = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		p->nodes[i].is_needed = p->nodes[i].is_used = p->nodes[i].goes = false;
	if (p->x->needed != NULL && p->x->needed(p->x->arg, &needed, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t node = erase_plan_node(p, &needed[i], e);

		if (node == ERASE_NONE)
			return -1;
		p->nodes[node].is_needed = true;
	}
	return 0;
}

static int
spare_needed(struct erase_plan *p, struct err *e)
{
	for (size_t i = 0; i < p->ntags; i++) {
		struct erase_tag *t = &p->tags[i];
		int has = t->goes && t->node != ERASE_NONE ? has_needed(p, t->node, 0, e) : 0;

		if (has < 0)
			return -1;
		if (has == 0)
			continue;
		t->goes = false;
		if (!p->has_said)
			p->x->say(p->x->arg, ERASE_STAYS, t->name, &p->nodes[t->node].digest,
				  "it runs, or may be gone back to");
	}
	p->has_said = true;
	/* what is needed stays, tagged or not */
	for (size_t i = 0; i < p->n; i++)
		if (p->nodes[i].is_needed && use(p, i, 0, e) < 0)
			return -1;
	return 0;
}

/* 1 if the node is there, and what it refers to stays. */
static int
serves(struct erase_plan *p, size_t i, struct err *e)
{
	size_t subject = p->nodes[i].subject;

	if (!p->nodes[i].goes || subject == ERASE_NONE || p->nodes[subject].goes)
		return 0;
	return store_has_manifest(p->x->at, &p->nodes[subject].digest, e);
}

/* What is found to be in use takes others with it: until nothing changes. */
static int
settle(struct erase_plan *p, struct err *e)
{
	bool changed;

	do {
		changed = false;
		for (size_t i = 0; i < p->ntags; i++) {
			struct erase_tag *t = &p->tags[i];
			bool stays = t->subject != ERASE_NONE && !p->nodes[t->subject].goes;

			if (!stays || t->node == ERASE_NONE || p->nodes[t->node].is_used)
				continue;
			if (use(p, t->node, 0, e) < 0)
				return -1;
			changed = true;
		}
		for (size_t i = 0; i < p->n; i++) {
			int stays = serves(p, i, e);

			if (stays < 0 || (stays > 0 && use(p, i, 0, e) < 0))
				return -1;
			changed = changed || stays > 0;
		}
	} while (changed);
	return 0;
}

int
erase_plan_load(struct erase_plan *p, struct err *e)
{
	size_t going;

	if (list_tags(p, &going, e) < 0)
		return -1;
	if (going == 0)
		return 0;
	if (mark_needed(p, e) < 0)
		return -1;
	for (size_t i = 0; i < p->ntags; i++)
		if (resolve_tag(p, &p->tags[i], e) < 0)
			return -1;
	if (spare_needed(p, e) < 0)
		return -1;
	for (size_t i = 0; i < p->ntags; i++) {
		const struct erase_tag *t = &p->tags[i];

		if (!t->goes && t->node != ERASE_NONE && t->subject == ERASE_NONE &&
		    use(p, t->node, 0, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < p->ntags; i++)
		if (p->tags[i].goes && p->tags[i].node != ERASE_NONE &&
		    let_go(p, p->tags[i].node, 0, e) < 0)
			return -1;
	return let_tools_go(p, e) < 0 ? -1 : settle(p, e);
}

void
erase_plan_free(struct erase_plan *p)
{
	forget_tags(p);
	for (size_t i = 0; i < p->n; i++)
		free(p->nodes[i].children);
	free(p->nodes);
	free(p->slots);
	*p = (struct erase_plan){ 0 };
}
