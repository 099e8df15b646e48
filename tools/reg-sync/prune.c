#include "prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fleet/journal.h"
#include "oci/erase.h"
#include "records.h"

struct pruning {
	const struct run *o;
	const struct ref *at;
	bool failed;
};

static struct retain_rules
rules_of(const struct run *o, const struct prune_source *source)
{
	struct retain_rules r = { .tags = { o->tags, o->ntags },
				  .exclude = { o->exclude, o->nexclude },
				  .keep_tags = { o->keep_tags, o->nkeep_tags },
				  .keep = o->keep,
				  .delete_extra = o->delete_extra };

	if (source != NULL) {
		r.source = source->tags;
		r.nsource = source->n;
		/* after a real run they are there, if they could be copied */
		r.coming = source->chosen;
		r.ncoming = o->dry_run ? source->nchosen : 0;
	}
	return r;
}

bool
prune_is_asked(const struct run *o)
{
	return o->keep > 0 || o->delete_extra;
}

/* Tags of the source that would not stay at the destination. */
static int
find_vain(const struct run *o, struct store *dst, const struct prune_source *all,
	  enum retain_why *ret, struct err *e)
{
	struct retain_rules rules = rules_of(o, all);
	struct err bad = { 0 };
	char **there = NULL;
	size_t n = 0;
	int status;

	if (store_tags(dst, &there, &n, &bad) < 0 && bad.code != ERR_NOTFOUND)
		return err_set(e, bad.code, "%s", bad.msg);
	/* what is there already, and newer, leaves less room */
	rules.coming = there;
	rules.ncoming = n;
	status = retain_choose(&rules, all->tags, all->n, ret, e);
	registry_tags_free(there, n);
	return status;
}

int
prune_choose(const struct run *o, struct store *dst, struct prune_source *source, struct err *e)
{
	const struct retain_rules rules = rules_of(o, NULL);
	AUTO_FREE enum retain_why *why = calloc(source->n + 1, sizeof(*why));

	source->chosen = calloc(source->n + 1, sizeof(*source->chosen));
	if (why == NULL || source->chosen == NULL)
		return err_nomem(e);
	if (dst != NULL && prune_is_asked(o) && find_vain(o, dst, source, why, e) < 0)
		return -1;
	for (size_t i = 0; i < source->n; i++)
		if (why[i] == RETAIN_STAYS && retain_selects(&rules, source->tags[i]))
			source->chosen[source->nchosen++] = source->tags[i];
	tags_sort(source->chosen, source->nchosen);
	if (o->newest > 0 && source->nchosen > (size_t)o->newest)
		source->nchosen = (size_t)o->newest;
	return 0;
}

/* Read again each time: a deployment may begin meanwhile. */
static int
needed(void *arg, struct digest **ret, size_t *n, struct err *e)
{
	const struct pruning *p = arg;
	AUTO_JOURNAL struct journal *j = NULL;

	if (journal_open(p->o->state_dir, &j, e) < 0)
		return err_wrap(e, "what runs is not known, so nothing is deleted");
	return journal_needed(j, ret, n, e);
}

static void
say(void *arg, enum erase_result result, const char *tag, const struct digest *d,
    const char *reason)
{
	struct pruning *p = arg;
	struct ref r = *p->at;
	char name[REF_STR_MAX];

	(void)snprintf(r.tag, sizeof(r.tag), "%s", tag);
	r.digest = *d;
	ref_print(&r, name);
	switch (result) {
	case ERASE_DELETED:
		if (reason != NULL)
			log_debug("'%s' goes: %s", name, reason);
		records_result(p->o, TALLY_DELETED, name, NULL);
		break;
	case ERASE_WITH:
		log_debug("'%s' goes with it", name);
		break;
	case ERASE_STAYS:
		log_debug("'%s' stays: %s", name, reason);
		break;
	case ERASE_FAILED:
		records_result(p->o, TALLY_FAILED, name, reason);
		p->failed = true;
		break;
	}
}

int
prune_run(const struct run *o, struct store *dst, const struct ref *at,
	  const struct prune_source *source)
{
	struct retain_rules rules = rules_of(o, source);
	struct pruning p = { .o = o, .at = at };
	struct erase x = { .at = dst,
			   .rules = &rules,
			   .dry_run = o->dry_run,
			   .needed = needed,
			   .say = say,
			   .arg = &p,
			   .stop = &cli_stopped };
	struct err e = { 0 };

	/* a registry that was set up anew says so too */
	if (o->delete_extra && rules.nsource == 0) {
		log_error("the source has no tags at all: nothing is deleted");
		return 1;
	}
	if (erase_run(&x, &e) == 0)
		return p.failed;
	/* a repository that is made by the first image */
	if (source != NULL && e.code == ERR_NOTFOUND)
		return 0;
	return p.failed ? err_exit(&e) : cli_fail(&e);
}
