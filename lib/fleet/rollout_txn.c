#include "fleet/rollout_txn.h"

#include <pthread.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/images.h"
#include "fleet/step.h"

void
rollout_record(const struct rollout_txn *t, enum rollout_result result, const char *service,
	       const struct move_goal *image, const char *reason)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	if (t->r->record == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	t->r->record(t->r->arg, result, service, image, reason);
	(void)pthread_mutex_unlock(&lock);
}

void
rollout_say(const struct rollout_txn *t, const char *service, const char *words)
{
	if (t->r->move.say != NULL)
		t->r->move.say(t->r->move.arg, service, words);
}

const char *
rollout_evidence(const struct rollout_txn *t)
{
	return jsn_str(journal_last(t->r->journal, t->id, "evidence", NULL), "path");
}

int
rollout_add_evidence(const struct rollout_txn *t, struct err *e)
{
	const char *path = rollout_evidence(t);
	struct err why = e != NULL ? *e : (struct err){ 0 };

	if (path == NULL)
		return -1;
	return err_set(e, why.code, "%s (evidence in %s)", why.msg, path);
}

int
rollout_hook(const struct rollout_txn *t, const char *name, const char *service, const char *reason,
	     struct err *e)
{
	const struct hooks_facts f = { .deployment = t->id,
				       .service = service,
				       .image = t->goal.repo,
				       .tag = t->goal.tag,
				       .new_digest = t->goal.digest.str,
				       .reason = reason,
				       .evidence = rollout_evidence(t) };

	return strcmp(t->kind, "deploy") == 0 ? hooks_run(t->r->move.hooks, name, &f, e) : 0;
}

void
rollout_tell_hook(const struct rollout_txn *t, const char *name, const char *service,
		  const char *reason)
{
	struct err why = { 0 };

	if (rollout_hook(t, name, service, reason, &why) < 0)
		rollout_say(t, "", why.msg);
}

int
rollout_end(const struct rollout_txn *t, const char *result, const char *reason, struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "result", result);
	if (reason != NULL)
		jsn_set_str(f, "reason", reason);
	if (journal_write(t->r->journal, "end", t->id, f, e) < 0)
		return -1;
	step_crash(STEP_END);
	return 0;
}

int
rollout_reach(const struct rollout_txn *t, const struct service *s, const struct move_goal *given,
	      const struct move_opts *o, enum move_left *ret_left, struct err *e)
{
	struct move_goal mine, *goal = &mine;
	int there = move_is_there(s, given, e);

	images_goal(s, given, goal);
	*ret_left = MOVE_BACK;
	if (there < 0)
		return -1;
	if (there == 0)
		return move_service(s, goal, t->r->journal, t->id, o, ret_left, e);
	if (journal_first(t->r->journal, t->id, "service", s->name) == NULL) {
		rollout_record(t, ROLLOUT_CURRENT, s->name, goal, NULL);
		return 0;
	}
	return move_record(s, goal, t->r->journal, t->id, o, e);
}
