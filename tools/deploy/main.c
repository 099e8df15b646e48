#include <string.h>
#include <time.h>

#include "base/jsn.h"
#include "base/log.h"
#include "engine/engine.h"
#include "fleet/images.h"
#include "fleet/inhibit.h"
#include "fleet/report.h"
#include "fleet/site.h"
#include "options.h"
#include "plan.h"
#include "show.h"

extern char **environ;

static int
verify(struct options *o, const struct site *s, const struct target *t, struct err *e)
{
	static const struct verify_flags none;
	AUTO(policy_free) struct policy *p = NULL;

	if (o->skip_verify) {
		log_warn("signatures are not checked (--insecure-skip-verify)");
		return 0;
	}
	if (policy_choose(&none, s->conf, &p, e) < 0)
		return -1;
	if (p == NULL)
		return err_set(e, ERR_CONFIG,
			       "nobody to trust: neither VERIFY_KEY nor POLICY is set");
	if (target_verify(t, p, e) < 0)
		return err_wrap(e, "'%s' is refused", t->goal.ref);
	return 0;
}

static void
apply(const struct options *o, struct site *s)
{
	if (o->has_strategy)
		s->move.strategy = o->strategy;
	if (o->soak_ms >= 0)
		s->move.soak_ms = o->soak_ms;
	if (o->max_wait_ms >= 0)
		s->move.max_wait_ms = o->max_wait_ms;
	if (o->has_on_failure)
		s->on_failure = o->on_failure;
	if (o->canary >= 0)
		s->canary = o->canary;
	if (o->batch >= 0)
		s->batch = o->batch;
	s->move.stop = &cli_stopped;
	s->move.say = cli_say;
	s->hooks.stop = &cli_stopped;
	s->hooks.say = cli_say;
	s->move.hooks = &s->hooks;
}

/* Nobody and no hour minds.  What is under way is never cut: only what would
 * begin is asked. */
static int
may_begin(const struct options *o, const struct site *s, struct err *e)
{
	char words[INHIBIT_WORDS_MAX], now[32];
	time_t t = time(NULL);
	struct tm tm;
	int held;

	(void)localtime_r(&t, &tm);
	if (!window_is_open(&s->window, &tm)) {
		(void)strftime(now, sizeof(now), "%a %H:%M", &tm);
		return err_set(e, ERR_TEMP, "it is %s, outside UPDATE_WINDOW '%s'", now,
			       conf_get(s->conf, "UPDATE_WINDOW"));
	}
	held = inhibit_read(s->state_dir, (int64_t)t * 1000, words, e);
	if (held <= 0)
		return held;
	if (!o->force)
		return err_set(e, ERR_TEMP, "%s (--force goes on)", words);
	log_warn("%s: goes on (--force)", words);
	return 0;
}

static int
stage(struct options *o, const struct site *s, const struct move_goal *goal, struct err *e)
{
	AUTO_JSN struct json_t *r = report_image(goal);

	images_keep(s->fleet, goal, cli_say, NULL);
	if (images_stage(s->journal, goal, e) < 0)
		return -1;
	report_print(r, o->cli.json);
	return 0;
}

static int
fetch(struct options *o, struct site *s, const struct rollout *r, const struct target *t,
      struct err *e)
{
	const struct images_opts io = { .auth = &s->auth,
					.stop = &cli_stopped,
					.min_free = s->min_free };
	int status;

	timeline_begin(&s->timeline, "verify");
	status = verify(o, s, t, e);
	timeline_end(&s->timeline, status < 0 ? e : NULL);
	if (status < 0)
		return -1;
	timeline_begin(&s->timeline, "pull");
	status = images_pull(r->fleet, &t->goal, &io, e);
	timeline_end(&s->timeline, status < 0 ? e : NULL);
	return status;
}

static int
begin(struct options *o, struct site *s, const struct rollout *r, const struct target *t,
      struct err *e)
{
	if (o->mode != MODE_STAGE && may_begin(o, s, e) < 0)
		return -1;
	if (o->mode == MODE_SWITCH) {
		if (images_has(r->fleet, &t->goal, e) < 0)
			return -1;
	} else if (fetch(o, s, r, t, e) < 0) {
		return -1;
	}
	if (o->mode == MODE_STAGE)
		return stage(o, s, &t->goal, e);
	if (o->force && rollout_lift(s->journal, &t->goal, e) < 0)
		return -1;
	return rollout_run(r, &t->goal, e);
}

static int
roll_out(struct options *o, struct site *s, const struct rollout *r, struct err *e)
{
	AUTO_PLAN struct plan p = { 0 };
	const struct move_goal *goal = &p.target.goal;

	if (plan_make(o, s, &p, e) < 0)
		return -1;
	if (!p.target.found) {
		log_info("nothing to do");
		return 0;
	}
	if (p.behind == 0) {
		log_info("every %sservice runs %s already", p.passed > 0 ? "other " : "",
			 goal->tag[0] != '\0' ? goal->tag : goal->ref);
		return 0;
	}
	return begin(o, s, r, &p.target, e);
}

static int
change(struct options *o, struct site *s, struct err *e)
{
	struct rollout r = { .kind = "deploy",
			     .record = plan_print,
			     .arg = o,
			     .journal = s->journal,
			     .move = s->move,
			     .on_failure = s->on_failure,
			     .canary = (size_t)s->canary,
			     .batch = (size_t)s->batch,
			     .auth = &s->auth,
			     .fleet = s->all };

	if (o->mode != MODE_STAGE && rollout_recover(&r, e) < 0)
		return -1;
	r.fleet = s->fleet;
	return roll_out(o, s, &r, e);
}

static int
deploy(struct options *o, struct site_opts *so, struct err *e)
{
	AUTO_SITE struct site s = { .lock = -1 };
	AUTO_PLAN struct plan p = { 0 };
	size_t before;
	int status;

	so->change = o->mode != MODE_CHECK && !o->dry_run;
	if (site_open(so, &s, e) < 0)
		return -1;
	for (size_t i = 0; s.all != NULL && i < s.all->nengines; i++)
		log_debug("engine at '%s': %s, API %s", engine_host(s.all->engines[i]),
			  engine_version(s.all->engines[i]), engine_api(s.all->engines[i]));
	apply(o, &s);
	before = journal_len(s.journal);
	if (!so->change)
		status = plan_make(o, &s, &p, e) < 0 ? -1 : plan_answer(o, &s, &p);
	else
		status = change(o, &s, e);
	/* the others are done: those that are away are for the next run */
	if (status == 0)
		status = site_away(&s, e);
	if (!so->change)
		return status;
	site_leave(&s, before, o->metrics_file, status < 0 ? err_exit(e) : status);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct site_opts so;
	struct err e = { 0 };
	int status;

	log_init(argv[0]);
	status = options_parse(argc, argv, &o);
	if (status != CLI_GO_ON)
		return status;
	cli_catch_signals();
	so = (struct site_opts){ .config = o.config,
				 .environment = environ,
				 .names = o.names,
				 .n = o.n,
				 .program = log_program() };
	status = o.mode == MODE_STATUS || o.mode == MODE_HISTORY ? show(&o, &so, &e)
								 : deploy(&o, &so, &e);
	return cli_flush(status < 0 ? cli_fail(&e) : status);
}
