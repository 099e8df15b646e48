#include <string.h>
#include <time.h>

#include "base/jsn.h"
#include "base/log.h"
#include "engine/engine.h"
#include "fleet/images.h"
#include "fleet/inhibit.h"
#include "fleet/passed.h"
#include "fleet/report.h"
#include "fleet/site.h"
#include "fleet/target.h"
#include "options.h"
#include "show.h"

#define STATUS_AVAILABLE 10

extern char **environ;

static void
print_result(void *arg, enum rollout_result result, const char *service,
	     const struct move_goal *image, const char *reason)
{
	const struct options *o = arg;
	AUTO_JSN struct json_t *r = report_result(result, service, image, reason);

	report_print(r, o->cli.json);
}

static int
find_target(struct options *o, const struct site *s, struct target *ret, struct err *e)
{
	struct service_image oldest = { 0 };
	struct target_opts to = { .registry = conf_get(s->conf, "REGISTRY_URL"),
				  .image = conf_get(s->conf, "IMAGE_NAME"),
				  .tags = conf_get(s->conf, "TAGS"),
				  .ref = o->image,
				  .tag = o->tag,
				  .running = oldest.tag,
				  .force = o->force,
				  .auth = &s->auth,
				  .stop = &cli_stopped,
				  .say = cli_say };

	if (o->mode == MODE_SWITCH)
		return target_staged(&to, s->journal, ret, e);
	if (target_running(s->fleet, &oldest, e) < 0)
		return -1;
	return target_find(&to, s->journal, ret, e);
}

static bool
is_passed(const struct options *o, const struct site *s, const struct service *one,
	  const struct move_goal *goal)
{
	const struct json_t *mark = o->force ? NULL : passed_still(s->journal, one, goal);

	if (mark == NULL)
		return false;
	log_info("'%s' is passed over with %s since %s (--force tries it): %s", one->name,
		 goal->tag[0] != '\0' ? goal->tag : goal->ref, jsn_str_or(mark, "time", "?"),
		 jsn_str_or(mark, "reason", "?"));
	return true;
}

/* How many services are to be moved; -1 on failure. */
static int
count_behind(const struct options *o, const struct site *s, const struct move_goal *goal,
	     int *ret_passed, struct err *e)
{
	int behind = 0;

	*ret_passed = 0;
	for (size_t i = 0; i < s->fleet->n; i++) {
		const struct service *one = &s->fleet->services[i];
		int there = move_is_there(one, goal, e);

		if (there < 0)
			return -1;
		if (there == 0 && is_passed(o, s, one, goal))
			++*ret_passed;
		else
			behind += !there;
	}
	return behind;
}

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

static int
preview(struct options *o, const struct site *s, const struct move_goal *goal, struct err *e)
{
	for (size_t i = 0; i < s->fleet->n; i++) {
		const struct service *one = &s->fleet->services[i];
		int there = move_is_there(one, goal, e);

		if (there < 0)
			return -1;
		if (there == 0 && !o->force && passed_still(s->journal, one, goal) != NULL)
			continue;
		print_result(o, there ? ROLLOUT_CURRENT : ROLLOUT_WOULD, one->name, goal, NULL);
	}
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

/* Print what --check and --dry-run have to say; the exit status. */
static int
answer(struct options *o, const struct site *s, const struct target *t, struct err *e)
{
	int passed, behind = t->found ? count_behind(o, s, &t->goal, &passed, e) : 0;

	if (behind < 0)
		return -1;
	if (o->mode == MODE_CHECK) {
		AUTO_JSN struct json_t *r = report_image(&t->goal);

		if (behind > 0)
			report_print(r, o->cli.json);
		return behind > 0 ? STATUS_AVAILABLE : 0;
	}
	return t->found ? preview(o, s, &t->goal, e) : 0;
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
	AUTO_TARGET struct target t = { 0 };
	int behind, passed;

	if (find_target(o, s, &t, e) < 0)
		return -1;
	if (!t.found) {
		log_info("nothing to do");
		return 0;
	}
	behind = count_behind(o, s, &t.goal, &passed, e);
	if (behind < 0)
		return -1;
	if (behind == 0) {
		log_info("every %sservice runs %s already", passed > 0 ? "other " : "",
			 t.goal.tag[0] != '\0' ? t.goal.tag : t.goal.ref);
		return 0;
	}
	return begin(o, s, r, &t, e);
}

static int
change(struct options *o, struct site *s, struct err *e)
{
	struct rollout r = { .kind = "deploy",
			     .record = print_result,
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
	AUTO_TARGET struct target t = { 0 };
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
		status = find_target(o, &s, &t, e) < 0 ? -1 : answer(o, &s, &t, e);
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
