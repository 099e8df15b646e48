#include "fleet/rollout.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/images.h"
#include "fleet/rollout_txn.h"
#include "fleet/step.h"

static const char *const on_failure_names[] = { [ROLLOUT_ALL_BACK] = "rollback-all",
						[ROLLOUT_GO_ON] = "rollback-failed",
						[ROLLOUT_STOP] = "stop" };

int
rollout_parse_on_failure(const char *name, enum rollout_on_failure *ret, struct err *e)
{
	for (size_t i = 0; i < COUNT_OF(on_failure_names); i++) {
		if (strcmp(name, on_failure_names[i]) == 0) {
			*ret = (enum rollout_on_failure)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "must be rollback-all, rollback-failed or stop, not '%s'",
		       name);
}

void
rollout_record(const struct rollout_txn *t, enum rollout_result result, const char *service,
	       const struct move_goal *image, const char *reason)
{
	if (t->r->record != NULL)
		t->r->record(t->r->arg, result, service, image, reason);
}

void
rollout_say(const struct rollout_txn *t, const char *service, const char *words)
{
	if (t->r->move.say != NULL)
		t->r->move.say(t->r->move.arg, service, words);
}

/* The site's word on the whole; nothing stops a rollback. */
int
rollout_hook(const struct rollout_txn *t, const char *name, const char *service, const char *reason,
	     struct err *e)
{
	const struct hooks_facts f = { .deployment = t->id,
				       .service = service,
				       .image = t->goal.repo,
				       .tag = t->goal.tag,
				       .new_digest = t->goal.digest.str,
				       .reason = reason };

	return strcmp(t->kind, "deploy") == 0 ? hooks_run(t->r->move.hooks, name, &f, e) : 0;
}

/* The same where nothing depends on its answer. */
void
rollout_tell_hook(const struct rollout_txn *t, const char *name, const char *service,
		  const char *reason)
{
	struct err why = { 0 };

	if (rollout_hook(t, name, service, reason, &why) < 0)
		rollout_say(t, "", why.msg);
}

static int
write_begin(struct rollout_txn *t, struct err *e)
{
	struct json_t *f = images_fields(&t->goal), *names = jsn_array();

	jsn_set_str(f, "kind", t->kind);
	for (size_t i = 0; i < t->r->fleet->n; i++)
		jsn_push(names, jsn_string(t->r->fleet->services[i].name));
	jsn_set(f, "services", names);
	jsn_set_str(f, "on_failure", on_failure_names[t->on_failure]);
	jsn_set_int(f, "canary", (int64_t)t->canary);
	if (journal_write(t->r->journal, "begin", t->id, f, e) < 0)
		return -1;
	step_crash(STEP_BEGIN);
	return 0;
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
rollout_reach(const struct rollout_txn *t, const struct service *s, const struct move_goal *goal,
	      const struct move_opts *o, bool *ret_settled, struct err *e)
{
	int there = move_is_there(s, goal, e);

	*ret_settled = true;
	if (there < 0)
		return -1;
	if (there == 0)
		return move_service(s, goal, t->r->journal, t->id, o, ret_settled, e);
	if (journal_first(t->r->journal, t->id, "service", s->name) == NULL) {
		rollout_record(t, ROLLOUT_CURRENT, s->name, goal, NULL);
		return 0;
	}
	return move_record(s, goal, t->r->journal, t->id, o, e);
}

static int
finish(const struct rollout_txn *t, struct err *e)
{
	struct err why = { 0 };

	if (rollout_hook(t, "post-deploy", NULL, NULL, &why) < 0) {
		if (why.code == ERR_AUTH)
			return rollout_bad_release(t, "", why.msg, e);
		rollout_say(t, "", why.msg);
	}
	if (digest_is_set(&t->goal.digest) &&
	    journal_write(t->r->journal, "proven", t->id, images_fields(&t->goal), e) < 0)
		return -1;
	step_crash(STEP_PROVEN);
	images_keep(t->r->fleet, &t->goal);
	if (strcmp(t->kind, "rollback") == 0 && rollout_quarantine_left(t, e) < 0)
		return -1;
	return rollout_end(t, "done", NULL, e);
}

/* 0 go on with the next one, 1 no further, -1 with *e. */
static int
forward_one(const struct rollout_txn *t, size_t i, struct err *e)
{
	const struct service *s = &t->r->fleet->services[i];
	struct err why = { 0 };
	bool settled;

	if (journal_first(t->r->journal, t->id, "failed", s->name) != NULL)
		return t->on_failure == ROLLOUT_STOP;
	if (rollout_reach(t, s, &t->goal, &t->r->move, &settled, &why) == 0) {
		if (journal_first(t->r->journal, t->id, "service", s->name) != NULL)
			rollout_record(t, ROLLOUT_MOVED, s->name, &t->goal, NULL);
		return 0;
	}
	if (why.code == ERR_NO) {
		if (t->on_failure == ROLLOUT_ALL_BACK || i < t->canary)
			return rollout_bad_release(t, s->name, why.msg, e);
		if (rollout_leave_failed(t, s->name, why.msg, e) < 0)
			return -1;
		return t->on_failure == ROLLOUT_STOP;
	}
	rollout_record(t, ROLLOUT_FAILED, s->name, &t->goal, why.msg);
	/* what could not be seen to stays unfinished: the next run does */
	if (settled && why.code != ERR_STUCK)
		(void)rollout_end(t, "stopped", why.msg, &why);
	return err_set(e, why.code, "%s", why.msg);
}

int
rollout_forward(const struct rollout_txn *t, struct err *e)
{
	int status = 0;

	for (size_t i = 0; i < t->r->fleet->n && status == 0; i++)
		status = forward_one(t, i, e);
	if (status < 0)
		return -1;
	return journal_count(t->r->journal, t->id, "failed") > 0 ? rollout_finish_failed(t, e)
								 : finish(t, e);
}

int
rollout_run(const struct rollout *r, const struct move_goal *goal, struct err *e)
{
	struct rollout_txn t = {
		.r = r, .goal = *goal, .on_failure = r->on_failure, .canary = r->canary
	};

	journal_new_txn(t.id);
	(void)snprintf(t.kind, sizeof(t.kind), "%s", r->kind);
	if (rollout_hook(&t, "pre-deploy", NULL, NULL, e) < 0 || write_begin(&t, e) < 0)
		return -1;
	return rollout_forward(&t, e);
}
