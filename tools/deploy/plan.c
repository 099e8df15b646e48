#include "plan.h"

#include "base/jsn.h"
#include "base/log.h"
#include "fleet/passed.h"
#include "fleet/report.h"

void
plan_clear(struct plan *p)
{
	target_clear(&p->target);
	runs_free(&p->runs);
}

void
plan_print(void *arg, enum rollout_result result, const char *service,
	   const struct move_goal *image, const char *reason)
{
	const struct options *o = arg;
	AUTO_JSN struct json_t *r = report_result(result, service, image, reason);

	report_print(r, o->cli.json);
}

static int
find_target(const struct options *o, const struct site *s, struct plan *p, struct err *e)
{
	struct target_opts to = { .registry = conf_get(s->conf, "REGISTRY_URL"),
				  .image = conf_get(s->conf, "IMAGE_NAME"),
				  .tags = conf_get(s->conf, "TAGS"),
				  .ref = o->image,
				  .tag = o->tag,
				  .running = runs_oldest(p->runs)->tag,
				  .force = o->force,
				  .auth = &s->auth,
				  .stop = &cli_stopped,
				  .say = cli_say };

	return o->mode == MODE_SWITCH ? target_staged(&to, s->journal, &p->target, e)
				      : target_find(&to, s->journal, &p->target, e);
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

int
plan_make(const struct options *o, const struct site *s, struct plan *p, struct err *e)
{
	const struct fleet *f = s->fleet;

	if (runs_look(f, &p->runs, e) < 0 || find_target(o, s, p, e) < 0)
		return -1;
	for (size_t i = 0; p->target.found && i < f->n; i++) {
		if (runs_goal(p->runs, i, &p->target.goal))
			continue;
		if (is_passed(o, s, &f->services[i], &p->target.goal))
			p->passed++;
		else
			p->behind++;
	}
	return 0;
}

static void
preview(struct options *o, const struct site *s, const struct plan *p)
{
	const struct move_goal *goal = &p->target.goal;

	for (size_t i = 0; i < s->fleet->n; i++) {
		const struct service *one = &s->fleet->services[i];
		bool there = runs_goal(p->runs, i, goal);

		if (!there && !o->force && passed_still(s->journal, one, goal) != NULL)
			continue;
		plan_print(o, there ? ROLLOUT_CURRENT : ROLLOUT_WOULD, one->name, goal, NULL);
	}
}

int
plan_answer(struct options *o, const struct site *s, const struct plan *p)
{
	if (o->mode == MODE_CHECK) {
		AUTO_JSN struct json_t *r = report_image(&p->target.goal);

		if (p->behind > 0)
			report_print(r, o->cli.json);
		return p->behind > 0 ? STATUS_AVAILABLE : 0;
	}
	if (p->target.found)
		preview(o, s, p);
	return 0;
}
