#include <stdio.h>

#include "base/jsn.h"
#include "fleet/rollout_txn.h"
#include "fleet/step.h"

static int
back_goal(const struct rollout_txn *t, const struct service *s, struct move_goal *ret,
	  struct err *e)
{
	const struct json_t *b = journal_first(t->r->journal, t->id, "service", s->name);
	const char *digest = jsn_str_or(b, "digest", "");

	*ret = (struct move_goal){ 0 };
	(void)snprintf(ret->ref, sizeof(ret->ref), "%s", jsn_str_or(b, "ref", ""));
	(void)snprintf(ret->repo, sizeof(ret->repo), "%s", jsn_str_or(b, "image", ""));
	(void)snprintf(ret->tag, sizeof(ret->tag), "%s", jsn_str_or(b, "tag", ""));
	return digest[0] == '\0' ? 0 : digest_parse(view_of(digest), &ret->digest, e);
}

/* Its neighbours may be to blame that it has to go, and what it goes back to was ill already. */
static const char *
was_ill_words(const struct rollout_txn *t, const struct service *s)
{
	const struct json_t *b = journal_first(t->r->journal, t->id, "service", s->name);

	return jsn_bool(b, "healthy", true) ? "" : " (nor was it before)";
}

static int
back_one(const struct rollout_txn *t, const struct service *s, size_t i, void *arg, struct err *e)
{
	struct move_opts o = t->r->move;
	struct move_goal goal;
	struct err why = { 0 };
	enum move_left left;

	(void)i;
	(void)arg;
	if (journal_first(t->r->journal, t->id, "service", s->name) == NULL)
		return 0;
	/* on the way back there is no stopping, and any way will do */
	o.stop = NULL;
	o.strategy = MOVE_AUTO;
	o.hooks = NULL;
	if (back_goal(t, s, &goal, e) < 0)
		return -1;
	if (rollout_reach(t, s, &goal, &o, &left, &why) < 0) {
		rollout_record(t, ROLLOUT_FAILED, s->name, &goal, why.msg);
		if (why.code == ERR_NO)
			return err_set(e, ERR_STUCK, "going back: %s%s", why.msg,
				       was_ill_words(t, s));
		return err_set(e, why.code, "going back: %s", why.msg);
	}
	rollout_record(t, ROLLOUT_BACK, s->name, &goal, NULL);
	return 0;
}

int
rollout_go_back(const struct rollout_txn *t, struct err *e)
{
	/* one that cannot go back does not keep the others from it */
	static const struct rollout_round way = { .one = back_one,
						  .backwards = true,
						  .go_on = true };
	const struct json_t *b = journal_last(t->r->journal, t->id, "back", NULL);
	char reason[ROLLOUT_REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "%s", jsn_str_or(b, "reason", "given up"));
	if (rollout_each(t, &way, 0, t->r->fleet->n, t->r->batch, NULL, e) < 0)
		return -1;
	if (rollout_end(t, "rolled-back", reason, e) < 0)
		return -1;
	rollout_tell_hook(t, "rolled-back", NULL, reason);
	(void)err_set(e, ERR_ROLLED_BACK, "%s failed and was rolled back: %s",
		      t->goal.tag[0] != '\0' ? t->goal.tag : t->goal.ref, reason);
	return rollout_add_evidence(t, e);
}

int
rollout_turn_back(const struct rollout_txn *t, const char *service, const char *reason,
		  struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "service", service);
	jsn_set_str(f, "reason", reason);
	if (journal_write(t->r->journal, "back", t->id, f, e) < 0)
		return -1;
	step_crash(STEP_BACK);
	return rollout_go_back(t, e);
}

int
rollout_bad_release(const struct rollout_txn *t, const char *service, const char *reason,
		    struct err *e)
{
	if (rollout_condemn(t, service, reason, e) < 0)
		return -1;
	return rollout_turn_back(t, service, reason, e);
}
