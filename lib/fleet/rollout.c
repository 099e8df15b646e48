#include "fleet/rollout.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/settle.h"
#include "fleet/step.h"
#include "fleet/wake.h"

#define KEEP_REPO  "gantry/"
#define KEEP_HEX   12
#define BY_HAND	   "rolled back by hand"
#define REASON_MAX 400

/* One deployment that is on its way. */
struct txn {
	const struct rollout *r;
	char id[JOURNAL_TXN_MAX];
	char kind[16];
	struct move_goal goal;
	enum rollout_on_failure on_failure;
	size_t canary;
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

static void
record(const struct txn *t, enum rollout_result result, const char *service,
       const struct move_goal *image, const char *reason)
{
	if (t->r->record != NULL)
		t->r->record(t->r->arg, result, service, image, reason);
}

static void
say(const struct txn *t, const char *service, const char *words)
{
	if (t->r->move.say != NULL)
		t->r->move.say(t->r->move.arg, service, words);
}

/* The site's word on the whole; nothing stops a rollback. */
static int
run_hook(const struct txn *t, const char *name, const char *service, const char *reason,
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
static void
tell_hook(const struct txn *t, const char *name, const char *service, const char *reason)
{
	struct err why = { 0 };

	if (run_hook(t, name, service, reason, &why) < 0)
		say(t, "", why.msg);
}

static struct json_t *
image_fields(const struct move_goal *goal)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "image", goal->repo);
	jsn_set_str(f, "tag", goal->tag);
	jsn_set_str(f, "digest", goal->digest.str);
	return f;
}

/* --- images --------------------------------------------------------------- */

/* Only what there are credentials for is told; the engine may have its own. */
static int
pull_auth(const struct rollout *r, const char *repo, struct buf *ret, struct err *e)
{
	AUTO(auth_free) struct auth *a = NULL;
	struct ref ref;

	if (r->auth == NULL || ref_parse(view_of(repo), &ref, NULL) < 0)
		return 0;
	if (auth_new(ref_host(&ref), r->auth, r->move.stop, &a, e) < 0)
		return -1;
	return auth_for_engine(a, ref.repo, ret, e);
}

int
rollout_pull(const struct rollout *r, const struct move_goal *goal, struct err *e)
{
	for (size_t i = 0; i < r->fleet->nengines; i++) {
		struct engine *eng = r->fleet->engines[i];
		AUTO_BUF struct buf auth = BUF_INIT(AUTH_VALUE_MAX);
		AUTO_JSN struct json_t *image = NULL;
		struct err why = { 0 };

		if (engine_image(eng, goal->ref, &image, &why) == 0)
			continue;
		if (why.code != ERR_NOTFOUND)
			return err_set(e, why.code, "%s", why.msg);
		if (pull_auth(r, goal->repo, &auth, e) < 0)
			return -1;
		if (engine_pull(eng, goal->repo, &goal->digest, buf_cstr(&auth), r->move.stop, e) <
		    0)
			return err_wrap(e, "pull '%s'", goal->ref);
	}
	return 0;
}

int
rollout_has(const struct rollout *r, const struct move_goal *goal, struct err *e)
{
	for (size_t i = 0; i < r->fleet->nengines; i++) {
		AUTO_JSN struct json_t *image = NULL;

		if (engine_image(r->fleet->engines[i], goal->ref, &image, e) < 0)
			return err_wrap(e, "what was staged is gone");
	}
	return 0;
}

int
rollout_stage(struct journal *j, const struct move_goal *goal, struct err *e)
{
	return journal_write(j, "staged", NULL, image_fields(goal), e);
}

/* A name of our own keeps an image on disk, where rollback finds it without a
 * registry. */
static void
keep_image(const struct txn *t)
{
	const char *name = strrchr(t->goal.repo, '/');
	char repo[REF_STR_MAX + sizeof(KEEP_REPO)], tag[KEEP_HEX + 1];

	if (!digest_is_set(&t->goal.digest))
		return;
	(void)snprintf(repo, sizeof(repo), KEEP_REPO "%s", name != NULL ? name + 1 : t->goal.repo);
	(void)snprintf(tag, sizeof(tag), "%.*s", KEEP_HEX, digest_hex(&t->goal.digest));
	/* without it rollback has to pull, no more */
	for (size_t i = 0; i < t->r->fleet->nengines; i++)
		(void)engine_tag(t->r->fleet->engines[i], t->goal.ref, repo, tag, NULL);
}

static bool
image_is_there(const struct txn *t, const struct service *s)
{
	AUTO_JSN struct json_t *image = NULL;

	return engine_image(s->engine, t->goal.ref, &image, NULL) == 0;
}

/* --- the journal's lines ---------------------------------------------------- */

static int
write_begin(struct txn *t, struct err *e)
{
	struct json_t *f = image_fields(&t->goal), *names = jsn_array();

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
write_end(const struct txn *t, const char *result, const char *reason, struct err *e)
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
rollout_quarantine(struct journal *j, const char *txn, const char *tag, const char *digest,
		   const char *reason, struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "tag", tag);
	jsn_set_str(f, "digest", digest);
	jsn_set_str(f, "reason", reason);
	return journal_write(j, "quarantine", txn, f, e);
}

int
rollout_lift(struct journal *j, const struct move_goal *goal, struct err *e)
{
	if (journal_quarantined(j, goal->digest.str) == NULL)
		return 0;
	return journal_write(j, "lift", NULL, image_fields(goal), e);
}

/* What ran before is quarantined when a person left it, or cron would go
 * straight back to it. */
static int
quarantine_left(const struct txn *t, struct err *e)
{
	struct journal *j = t->r->journal;

	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *s = journal_at(j, i);
		const char *digest = jsn_str_or(s, "digest", "");

		if (strcmp(jsn_str_or(s, "event", ""), "service") != 0 ||
		    strcmp(jsn_str_or(s, "txn", ""), t->id) != 0 || digest[0] == '\0' ||
		    journal_quarantined(j, digest) != NULL)
			continue;
		if (rollout_quarantine(j, t->id, jsn_str_or(s, "tag", ""), digest, BY_HAND, e) < 0)
			return -1;
	}
	return 0;
}

/* --- forward ---------------------------------------------------------------- */

static int
reach(const struct txn *t, const struct service *s, const struct move_goal *goal,
      const struct move_opts *o, bool *ret_settled, struct err *e)
{
	int there = move_is_there(s, goal, e);

	*ret_settled = true;
	if (there < 0)
		return -1;
	if (there == 0)
		return move_service(s, goal, t->r->journal, t->id, o, ret_settled, e);
	if (journal_first(t->r->journal, t->id, "service", s->name) == NULL) {
		record(t, ROLLOUT_CURRENT, s->name, goal, NULL);
		return 0;
	}
	return move_record(s, goal, t->r->journal, t->id, o, e);
}

static int bad_release(const struct txn *t, const char *service, const char *reason, struct err *e);

static int
finish(const struct txn *t, struct err *e)
{
	struct err why = { 0 };

	if (run_hook(t, "post-deploy", NULL, NULL, &why) < 0) {
		if (why.code == ERR_AUTH)
			return bad_release(t, "", why.msg, e);
		say(t, "", why.msg);
	}
	if (digest_is_set(&t->goal.digest) &&
	    journal_write(t->r->journal, "proven", t->id, image_fields(&t->goal), e) < 0)
		return -1;
	step_crash(STEP_PROVEN);
	keep_image(t);
	if (strcmp(t->kind, "rollback") == 0 && quarantine_left(t, e) < 0)
		return -1;
	return write_end(t, "done", NULL, e);
}

/* --- back ------------------------------------------------------------------- */

static int
back_goal(const struct txn *t, const struct service *s, struct move_goal *ret, struct err *e)
{
	const struct json_t *b = journal_first(t->r->journal, t->id, "service", s->name);
	const char *digest = jsn_str_or(b, "digest", "");

	*ret = (struct move_goal){ 0 };
	(void)snprintf(ret->ref, sizeof(ret->ref), "%s", jsn_str_or(b, "ref", ""));
	(void)snprintf(ret->repo, sizeof(ret->repo), "%s", jsn_str_or(b, "image", ""));
	(void)snprintf(ret->tag, sizeof(ret->tag), "%s", jsn_str_or(b, "tag", ""));
	return digest[0] == '\0' ? 0 : digest_parse(view_of(digest), &ret->digest, e);
}

static int
back_one(const struct txn *t, const struct service *s, struct err *e)
{
	struct move_opts o = t->r->move;
	struct move_goal goal;
	struct err why = { 0 };
	bool settled = true;

	/* on the way back there is no stopping, and any way will do */
	o.stop = NULL;
	o.strategy = MOVE_AUTO;
	o.hooks = NULL;
	if (back_goal(t, s, &goal, e) < 0)
		return -1;
	if (reach(t, s, &goal, &o, &settled, &why) < 0) {
		record(t, ROLLOUT_FAILED, s->name, &goal, why.msg);
		return err_set(e, why.code == ERR_NO ? ERR_STUCK : why.code, "going back: %s",
			       why.msg);
	}
	record(t, ROLLOUT_BACK, s->name, &goal, NULL);
	return 0;
}

static int
run_back(const struct txn *t, struct err *e)
{
	const struct json_t *b = journal_last(t->r->journal, t->id, "back", NULL);
	char reason[REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "%s", jsn_str_or(b, "reason", "given up"));
	for (size_t i = t->r->fleet->n; i > 0; i--) {
		const struct service *s = &t->r->fleet->services[i - 1];

		if (journal_first(t->r->journal, t->id, "service", s->name) != NULL &&
		    back_one(t, s, e) < 0)
			return -1;
	}
	if (write_end(t, "rolled-back", reason, e) < 0)
		return -1;
	tell_hook(t, "rolled-back", NULL, reason);
	return err_set(e, ERR_ROLLED_BACK, "%s failed and was rolled back: %s",
		       t->goal.tag[0] != '\0' ? t->goal.tag : t->goal.ref, reason);
}

static int
turn_back(const struct txn *t, const char *service, const char *reason, struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "service", service);
	jsn_set_str(f, "reason", reason);
	if (journal_write(t->r->journal, "back", t->id, f, e) < 0)
		return -1;
	step_crash(STEP_BACK);
	return run_back(t, e);
}

/* It is not tried again. */
static int
condemn(const struct txn *t, const char *service, const char *reason, struct err *e)
{
	if (service[0] != '\0')
		record(t, ROLLOUT_FAILED, service, &t->goal, reason);
	if (digest_is_set(&t->goal.digest) && rollout_quarantine(t->r->journal, t->id, t->goal.tag,
								 t->goal.digest.str, reason, e) < 0)
		return -1;
	step_crash(STEP_QUARANTINE);
	tell_hook(t, "failed", service, reason);
	return 0;
}

static int
bad_release(const struct txn *t, const char *service, const char *reason, struct err *e)
{
	if (condemn(t, service, reason, e) < 0)
		return -1;
	return turn_back(t, service, reason, e);
}

/* A bad release at a service, where the others do not go back for it. */
static int
leave_failed(const struct txn *t, const char *service, const char *reason, struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "service", service);
	jsn_set_str(f, "reason", reason);
	if (journal_write(t->r->journal, "failed", t->id, f, e) < 0)
		return -1;
	step_crash(STEP_FAILED);
	return condemn(t, service, reason, e);
}

/* The end of a deployment of which something failed and was left. */
static int
finish_failed(const struct txn *t, struct err *e)
{
	const struct json_t *first = journal_first(t->r->journal, t->id, "failed", NULL);
	const char *service = jsn_str_or(first, "service", "");
	char reason[REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "%s", jsn_str_or(first, "reason", ""));
	/* the crash may have come in between */
	if (digest_is_set(&t->goal.digest) &&
	    journal_quarantined(t->r->journal, t->goal.digest.str) == NULL &&
	    condemn(t, service, reason, e) < 0)
		return -1;
	if (write_end(t, "stopped", reason, e) < 0)
		return -1;
	return err_set(e, ERR_NO, "%s", reason);
}

/* --- the whole --------------------------------------------------------------- */

/* 0 go on with the next one, 1 no further, -1 with *e. */
static int
forward_one(const struct txn *t, size_t i, struct err *e)
{
	const struct service *s = &t->r->fleet->services[i];
	struct err why = { 0 };
	bool settled;

	if (journal_first(t->r->journal, t->id, "failed", s->name) != NULL)
		return t->on_failure == ROLLOUT_STOP;
	if (reach(t, s, &t->goal, &t->r->move, &settled, &why) == 0) {
		if (journal_first(t->r->journal, t->id, "service", s->name) != NULL)
			record(t, ROLLOUT_MOVED, s->name, &t->goal, NULL);
		return 0;
	}
	if (why.code == ERR_NO) {
		if (t->on_failure == ROLLOUT_ALL_BACK || i < t->canary)
			return bad_release(t, s->name, why.msg, e);
		if (leave_failed(t, s->name, why.msg, e) < 0)
			return -1;
		return t->on_failure == ROLLOUT_STOP;
	}
	record(t, ROLLOUT_FAILED, s->name, &t->goal, why.msg);
	/* what could not be seen to stays unfinished: the next run does */
	if (settled && why.code != ERR_STUCK)
		(void)write_end(t, "stopped", why.msg, &why);
	return err_set(e, why.code, "%s", why.msg);
}

static int
run_forward(const struct txn *t, struct err *e)
{
	int status = 0;

	for (size_t i = 0; i < t->r->fleet->n && status == 0; i++)
		status = forward_one(t, i, e);
	if (status < 0)
		return -1;
	return journal_count(t->r->journal, t->id, "failed") > 0 ? finish_failed(t, e)
								 : finish(t, e);
}

int
rollout_run(const struct rollout *r, const struct move_goal *goal, struct err *e)
{
	struct txn t = { .r = r, .goal = *goal, .on_failure = r->on_failure, .canary = r->canary };

	journal_new_txn(t.id);
	(void)snprintf(t.kind, sizeof(t.kind), "%s", r->kind);
	if (run_hook(&t, "pre-deploy", NULL, NULL, e) < 0 || write_begin(&t, e) < 0)
		return -1;
	return run_forward(&t, e);
}

static int
load_txn(const struct rollout *r, const struct json_t *begin, struct txn *t, struct err *e)
{
	const char *digest = jsn_str_or(begin, "digest", "");

	*t = (struct txn){ .r = r };
	(void)snprintf(t->id, sizeof(t->id), "%s", jsn_str_or(begin, "txn", ""));
	(void)snprintf(t->kind, sizeof(t->kind), "%s", jsn_str_or(begin, "kind", "deploy"));
	(void)snprintf(t->goal.repo, sizeof(t->goal.repo), "%s", jsn_str_or(begin, "image", ""));
	(void)snprintf(t->goal.tag, sizeof(t->goal.tag), "%s", jsn_str_or(begin, "tag", ""));
	t->canary = (size_t)jsn_int(begin, "canary", 0);
	/* what an older version wrote took all back */
	(void)rollout_parse_on_failure(jsn_str_or(begin, "on_failure", ""), &t->on_failure, NULL);
	if (digest_parse(view_of(digest), &t->goal.digest, e) < 0)
		return err_wrap(e, "journal");
	(void)snprintf(t->goal.ref, sizeof(t->goal.ref), "%.*s@%s",
		       REF_STR_MAX - DIGEST_STR_MAX - 1, t->goal.repo, t->goal.digest.str);
	return 0;
}

/* Of the services that are configured, those that the deployment was about. */
static int
narrow_fleet(const struct fleet *all, const struct json_t *names, struct fleet *ret, struct err *e)
{
	ret->services = calloc(all->n > 0 ? all->n : 1, sizeof(*ret->services));
	if (ret->services == NULL)
		return err_nomem(e);
	ret->engines = all->engines;
	ret->nengines = all->nengines;
	for (size_t i = 0; i < jsn_len(names); i++) {
		const struct service *s =
			service_by_name(all, jsn_str_or(jsn_at(names, i), "", ""));

		if (s != NULL && ret->n < all->n)
			ret->services[ret->n++] = *s;
	}
	return 0;
}

static int
settle_all(const struct txn *t, struct err *e)
{
	for (size_t i = 0; i < t->r->fleet->n; i++) {
		struct settle s = { .journal = t->r->journal,
				    .txn = t->id,
				    .service = &t->r->fleet->services[i],
				    .timeout_ms = t->r->move.timeout_ms,
				    .interval_ms = t->r->move.interval_ms };

		if (journal_first(t->r->journal, t->id, "service", s.service->name) != NULL &&
		    settle_service(&s, e) < 0)
			return -1;
	}
	return 0;
}

static bool
can_go_on(const struct txn *t)
{
	for (size_t i = 0; i < t->r->fleet->n; i++)
		if (!image_is_there(t, &t->r->fleet->services[i]))
			return false;
	return journal_count(t->r->journal, t->id, "resume") <= ROLLOUT_RESUMES_MAX;
}

static int
resume(const struct txn *t, struct err *e)
{
	bool back = journal_last(t->r->journal, t->id, "back", NULL) != NULL;
	const struct json_t *q = journal_last(t->r->journal, t->id, "quarantine", NULL);

	say(t, "", "goes on with what was left unfinished");
	if (journal_write(t->r->journal, "resume", t->id, NULL, e) < 0)
		return -1;
	step_crash(STEP_RESUME);
	if (settle_all(t, e) < 0)
		return -1;
	if (back)
		return run_back(t, e);
	if (journal_count(t->r->journal, t->id, "failed") == 0 && q != NULL &&
	    strcmp(jsn_str_or(q, "digest", ""), t->goal.digest.str) == 0)
		return turn_back(t, "", jsn_str_or(q, "reason", ""), e);
	return can_go_on(t) ? run_forward(t, e)
			    : turn_back(t, "", "it was interrupted again and again", e);
}

/* A service that cannot be started does not keep the others from their update. */
static void
wake_all(const struct rollout *r)
{
	for (size_t i = 0; i < r->fleet->n; i++) {
		const struct service *s = &r->fleet->services[i];
		struct err why = { 0 };
		int woken = wake_service(s, &why);

		if (woken != 0 && r->move.say != NULL)
			r->move.say(r->move.arg, s->name,
				    woken > 0 ? "was left down by the engine, is started"
					      : why.msg);
	}
}

int
rollout_recover(const struct rollout *r, struct err *e)
{
	const struct json_t *begin = journal_unfinished(r->journal);
	struct fleet mine = { 0 };
	struct rollout narrow = *r;
	struct txn t;
	int status;

	wake_all(r);
	if (begin == NULL)
		return 0;
	if (load_txn(&narrow, begin, &t, e) < 0 ||
	    narrow_fleet(r->fleet, jsn_get(begin, "services"), &mine, e) < 0)
		return -1;
	narrow.fleet = &mine;
	status = resume(&t, e);
	free(mine.services);
	return status;
}
