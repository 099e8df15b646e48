#include "fleet/rollout.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/images.h"
#include "fleet/passed.h"
#include "fleet/rollout_txn.h"
#include "fleet/step.h"

/* What the services on their way forward have in common. */
struct forward {
	pthread_mutex_t lock;
	char service[SERVICE_NAME_MAX]; /* for which all go back, "" for none */
	char reason[ERR_MSG_MAX];
	bool unfinished; /* something is left for the next run */
	size_t canaries; /* services that are */
};

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
	if (strcmp(t->kind, "rollback") == 0 && rollout_quarantine_left(t, e) < 0)
		return -1;
	return rollout_end(t, "done", NULL, e);
}

/* It may be said of several at once, and is done once. */
static int
all_back(const struct rollout_txn *t, struct forward *f, const char *service, const char *reason,
	 struct err *e)
{
	bool first;

	(void)pthread_mutex_lock(&f->lock);
	first = f->service[0] == '\0';
	if (first) {
		(void)snprintf(f->service, sizeof(f->service), "%s", service);
		(void)snprintf(f->reason, sizeof(f->reason), "%s", reason);
	}
	(void)pthread_mutex_unlock(&f->lock);
	return first && rollout_condemn(t, service, reason, e) < 0 ? -1 : 1;
}

static int
forward_failed(const struct rollout_txn *t, struct forward *f, size_t i, enum move_left left,
	       const struct err *why, struct err *e)
{
	const char *service = t->r->fleet->services[i].name;

	rollout_record(t, ROLLOUT_FAILED, service, &t->goal, why->msg);
	if (left == MOVE_ILL)
		return passed_mark(t->r->journal, t->id, service, &t->goal, why->msg, e);
	if (why->code != ERR_NO)
		return err_set(e, why->code, "%s", why->msg);
	if (t->on_failure == ROLLOUT_ALL_BACK || i < f->canaries)
		return all_back(t, f, service, why->msg, e);
	if (rollout_leave_failed(t, service, why->msg, e) < 0)
		return -1;
	return t->on_failure == ROLLOUT_STOP;
}

/* Ill, as this run has found, or an earlier one and it still is; who rolls back by hand means
 * every service. */
static bool
is_passed(const struct rollout_txn *t, const struct service *s)
{
	return journal_first(t->r->journal, t->id, "passed", s->name) != NULL ||
	       (strcmp(t->kind, "deploy") == 0 && passed_still(t->r->journal, s, &t->goal) != NULL);
}

static int
forward_one(const struct rollout_txn *t, const struct service *s, size_t i, void *arg,
	    struct err *e)
{
	struct forward *f = arg;
	struct err why = { 0 };
	enum move_left left;
	int status;

	if (journal_first(t->r->journal, t->id, "failed", s->name) != NULL)
		return t->on_failure == ROLLOUT_STOP;
	if (is_passed(t, s))
		return 0;
	if (rollout_reach(t, s, &t->goal, &t->r->move, &left, &why) == 0) {
		if (journal_first(t->r->journal, t->id, "service", s->name) != NULL)
			rollout_record(t, ROLLOUT_MOVED, s->name, &t->goal, NULL);
		return 0;
	}
	status = forward_failed(t, f, i, left, &why, e);
	/* what could not be seen to, or not be written down, the next run does */
	if (status < 0 && (left != MOVE_BACK || why.code == ERR_STUCK || why.code == ERR_NO)) {
		(void)pthread_mutex_lock(&f->lock);
		f->unfinished = true;
		(void)pthread_mutex_unlock(&f->lock);
	}
	return status;
}

static size_t
at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

/* Canaries first; one that is ill says nothing, and the next one takes its place. */
static int
forward_all(const struct rollout_txn *t, struct forward *f, struct err *e)
{
	static const struct rollout_round forward = { .one = forward_one };
	size_t n = t->r->fleet->n, from = 0;
	int status = 0;

	f->canaries = at_most(t->canary, n);
	while (status == 0 && from < f->canaries) {
		size_t to = f->canaries;

		status = rollout_each(t, &forward, from, to, 1, f, e);
		f->canaries = at_most(t->canary + journal_count(t->r->journal, t->id, "passed"), n);
		from = to;
	}
	return status == 0 ? rollout_each(t, &forward, from, n, t->r->batch, f, e) : status;
}

/* Where robots are ill, the release is what it is on the others. */
static int
finish_passed(const struct rollout_txn *t, const struct json_t *passed, struct err *e)
{
	char reason[ROLLOUT_REASON_MAX];
	bool proven = journal_count(t->r->journal, t->id, "moved") > 0;

	(void)snprintf(reason, sizeof(reason), "%s", jsn_str_or(passed, "reason", ""));
	if ((proven ? finish(t, e) : rollout_end(t, "stopped", reason, e)) < 0)
		return -1;
	return err_set(e, ERR_NO, "%s", reason);
}

int
rollout_forward(const struct rollout_txn *t, struct err *e)
{
	struct forward f = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct err why = { 0 };
	const struct json_t *passed;
	int status = forward_all(t, &f, &why);

	if (f.service[0] != '\0')
		return rollout_turn_back(t, f.service, f.reason, e);
	if (status < 0) {
		if (!f.unfinished)
			(void)rollout_end(t, "stopped", why.msg, NULL);
		return err_set(e, why.code, "%s", why.msg);
	}
	if (journal_count(t->r->journal, t->id, "failed") > 0)
		return rollout_finish_failed(t, e);
	passed = journal_first(t->r->journal, t->id, "passed", NULL);
	return passed != NULL ? finish_passed(t, passed, e) : finish(t, e);
}

int
rollout_run(const struct rollout *r, const struct move_goal *goal, struct err *e)
{
	struct rollout_txn t = {
		.r = r, .goal = *goal, .on_failure = r->on_failure, .canary = r->canary
	};

	journal_new_txn(t.id);
	(void)snprintf(t.kind, sizeof(t.kind), "%s", r->kind);
	if (rollout_hook(&t, "pre-deploy", NULL, NULL, e) < 0)
		return -1;
	images_keep(r->fleet, goal, r->move.say, r->move.arg);
	if (write_begin(&t, e) < 0)
		return -1;
	return rollout_forward(&t, e);
}
