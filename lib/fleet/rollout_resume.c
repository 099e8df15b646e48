#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "fleet/images.h"
#include "fleet/rollout_txn.h"
#include "fleet/settle.h"
#include "fleet/step.h"
#include "fleet/wake.h"

static int
load_txn(const struct rollout *r, const struct json_t *begin, struct rollout_txn *t, struct err *e)
{
	const char *digest = jsn_str_or(begin, "digest", "");

	*t = (struct rollout_txn){ .r = r };
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

/* What is unfinished at a host that is away cannot be called finished without it. */
static int
check_away(const struct fleet *all, const struct json_t *names, struct err *e)
{
	for (size_t i = 0; i < jsn_len(names); i++) {
		const struct service *s = service_away(all, jsn_str_or(jsn_at(names, i), "", ""));

		if (s != NULL)
			return err_set(e, s->lost->why.code,
				       "a deployment is unfinished at '%s': %s", s->name,
				       s->lost->why.msg);
	}
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
settle_one(const struct rollout_txn *t, const struct service *service, size_t i, void *arg,
	   struct err *e)
{
	const struct settle s = { .journal = t->r->journal,
				  .txn = t->id,
				  .service = service,
				  .timeout_ms = t->r->move.timeout_ms,
				  .interval_ms = t->r->move.interval_ms };

	(void)i;
	(void)arg;
	if (journal_first(s.journal, t->id, "service", service->name) == NULL)
		return 0;
	return settle_service(&s, e);
}

/* All that were under way, also when one of them cannot be. */
static int
settle_all(const struct rollout_txn *t, struct err *e)
{
	static const struct rollout_round settle = { .one = settle_one, .go_on = true };

	return rollout_each(t, &settle, 0, t->r->fleet->n, t->r->batch, NULL, e);
}

static bool
can_go_on(const struct rollout_txn *t)
{
	for (size_t i = 0; i < t->r->fleet->n; i++)
		if (!images_at(&t->r->fleet->services[i], &t->goal))
			return false;
	return journal_count(t->r->journal, t->id, "resume") <= ROLLOUT_RESUMES_MAX;
}

static int
resume(const struct rollout_txn *t, struct err *e)
{
	bool back = journal_last(t->r->journal, t->id, "back", NULL) != NULL;
	const struct json_t *q = journal_last(t->r->journal, t->id, "quarantine", NULL);

	rollout_say(t, "", "goes on with what was left unfinished");
	if (journal_write(t->r->journal, "resume", t->id, NULL, e) < 0)
		return -1;
	step_crash(STEP_RESUME);
	if (settle_all(t, e) < 0)
		return -1;
	if (back)
		return rollout_go_back(t, e);
	if (journal_count(t->r->journal, t->id, "failed") == 0 && q != NULL &&
	    strcmp(jsn_str_or(q, "digest", ""), t->goal.digest.str) == 0)
		return rollout_turn_back(t, "", jsn_str_or(q, "reason", ""), e);
	return can_go_on(t) ? rollout_forward(t, e)
			    : rollout_turn_back(t, "", "it was interrupted again and again", e);
}

/* A service that cannot be started does not keep the others from their update. */
static void
wake_all(const struct rollout *r)
{
	for (size_t i = 0; i < r->fleet->n; i++) {
		const struct settle s = { .journal = r->journal,
					  .service = &r->fleet->services[i],
					  .timeout_ms = r->move.timeout_ms,
					  .interval_ms = r->move.interval_ms };
		struct err why = { 0 };
		const char *done = wake_service(&s, &why);

		if ((done != NULL || why.code != ERR_NONE) && r->move.say != NULL)
			r->move.say(r->move.arg, s.service->name, done != NULL ? done : why.msg);
	}
}

int
rollout_recover(const struct rollout *r, struct err *e)
{
	const struct json_t *begin = journal_unfinished(r->journal);
	struct fleet mine = { 0 };
	struct rollout narrow = *r;
	struct rollout_txn t;
	int status;

	wake_all(r);
	if (begin == NULL)
		return 0;
	if (check_away(r->fleet, jsn_get(begin, "services"), e) < 0 ||
	    load_txn(&narrow, begin, &t, e) < 0 ||
	    narrow_fleet(r->fleet, jsn_get(begin, "services"), &mine, e) < 0)
		return -1;
	narrow.fleet = &mine;
	status = resume(&t, e);
	free(mine.services);
	return status;
}
