#include "fleet/move.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/jsn.h"
#include "engine/spec.h"
#include "fleet/evidence.h"
#include "fleet/gate.h"
#include "fleet/health.h"
#include "fleet/keep.h"
#include "fleet/pins.h"
#include "fleet/settle.h"
#include "fleet/step.h"

#define OLD_GRACE_MS 2000 /* it may just have been started */
#define WORDS_MAX    400

struct move {
	const struct service *s;
	const struct move_goal *goal;
	struct journal *j;
	const char *txn;
	const struct move_opts *o;
	struct json_t *old, *old_image, *new_image;
	struct service_image ran;
	const char *old_id;
	char next_id[ENGINE_ID_MAX];
	char instance[HEALTH_INSTANCE_MAX];
	char url[SERVICE_URL_MAX];
	int64_t timeout_ms; /* until the new one is healthy */
	struct health_life life;
	enum step at; /* announced last */
	bool handover, was_up, was_healthy, own_fault, fixed_policy;
};

struct stage {
	enum step step;
	int (*run)(struct move *m, struct err *e);
};

static void
move_clear(struct move *m)
{
	jsn_free(&m->old);
	jsn_free(&m->old_image);
	jsn_free(&m->new_image);
}

__attribute__((format(printf, 2, 3))) static void
say(const struct move *m, const char *fmt, ...)
{
	char words[WORDS_MAX];
	va_list ap;

	if (m->o->say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	m->o->say(m->o->arg, m->s->name, words);
}

/* --- getting ready ------------------------------------------------------ */

static int
new_instance(char out[HEALTH_INSTANCE_MAX], struct err *e)
{
	uint64_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		return err_sys(e, "getrandom");
	(void)snprintf(out, HEALTH_INSTANCE_MAX, "%016" PRIx64, n);
	return 0;
}

static int
choose_way(struct move *m, struct err *e)
{
	struct service_image next;

	service_image(m->old, m->new_image, &next);
	m->handover = m->ran.handover && next.handover && service_joins(m->old) &&
		      m->o->strategy != MOVE_RECREATE;
	if (m->o->strategy == MOVE_HANDOVER && !m->handover)
		return err_set(e, ERR_CONFIG,
			       "'%s' cannot be handed over: %s (strategy recreate or auto can)",
			       m->s->name,
			       !service_joins(m->old) ? "it does not join a holder's network"
						      : "its image does not speak the handover");
	if (m->handover && m->url[0] == '\0')
		return err_set(e, ERR_CONFIG,
			       "'%s': no port is published to ask for its health: set "
			       "SERVICE_<name>_HEALTH",
			       m->s->name);
	return 0;
}

/* ERR_NO is kept for what the release is to blame for. */
static int
not_its_fault(struct err *e)
{
	if (e != NULL && (e->code == ERR_NO || e->code == ERR_NOTFOUND))
		e->code = ERR_SYS;
	return -1;
}

static int
settle(const struct move *m, struct err *e)
{
	struct settle s = { .journal = m->j,
			    .txn = m->txn,
			    .service = m->s,
			    .timeout_ms = m->o->timeout_ms,
			    .interval_ms = m->o->interval_ms };

	return settle_service(&s, e);
}

/* What an earlier run may have left beside the service, where the journal knows
 * nothing of it any more. */
static int
clear_way(const struct move *m, struct err *e)
{
	for (enum service_slot slot = SERVICE_NEXT; slot <= SERVICE_PREV; slot++) {
		AUTO_JSN struct json_t *c = NULL;

		if (service_look(m->s, slot, m->j, &c, e) < 0)
			return -1;
		if (c != NULL)
			return settle(m, e);
	}
	return 0;
}

/* Asked with what it has already: an engine that cannot change it later has to give the new one
 * its policy at once, and the old one keeps its own to the end. */
static int
try_policy(struct move *m, struct err *e)
{
	int answer = engine_restart_policy(m->s->engine, m->old_id,
					   jsn_get(m->old, "HostConfig.RestartPolicy"), e);

	m->fixed_policy = answer == 1;
	return answer < 0 ? -1 : 0;
}

static int
get_ready(struct move *m, struct err *e)
{
	struct engine *eng = m->s->engine;

	if (clear_way(m, e) < 0 || service_need(m->s, &m->old, e) < 0 ||
	    engine_image(eng, jsn_str_or(m->old, "Image", ""), &m->old_image, e) < 0 ||
	    engine_image(eng, m->goal->ref, &m->new_image, e) < 0)
		return -1;
	m->old_id = jsn_str_or(m->old, "Id", "");
	service_image(m->old, m->old_image, &m->ran);
	if (service_url(m->s, m->old, m->url, e) < 0 || choose_way(m, e) < 0 ||
	    try_policy(m, e) < 0)
		return -1;
	m->was_up = jsn_bool(m->old, "State.Running", false) &&
		    !jsn_bool(m->old, "State.Restarting", false);
	m->was_healthy = health_is_now(m->old, m->url, OLD_GRACE_MS);
	return new_instance(m->instance, e);
}

static int
make_spec(const struct move *m, const char *ref, const char *tag, const char *instance,
	  struct json_t **ret, struct err *e)
{
	struct spec_new n = {
		.image = ref, .service = m->s->name, .tag = tag, .instance = instance
	};

	if (spec_make(m->old, m->old_image, &n, ret, e) < 0)
		return -1;
	if (m->fixed_policy)
		jsn_set(jsn_mutable(jsn_get(*ret, "HostConfig")), "RestartPolicy",
			jsn_copy(jsn_get(m->old, "HostConfig.RestartPolicy")));
	return 0;
}

/* What ran before, once a deployment: going back leads there. */
static int
remember(struct move *m, struct err *e)
{
	struct json_t *f, *spec = NULL;
	struct err why = { 0 };

	if (journal_first(m->j, m->txn, "service", m->s->name) != NULL)
		return 0;
	if (make_spec(m, m->ran.ref, m->ran.tag, m->instance, &spec, e) < 0)
		return -1;
	if (keep_image(m->s->engine, m->ran.ref, &why) < 0)
		say(m, "%s", why.msg);
	f = jsn_object();
	jsn_set_str(f, "service", m->s->name);
	jsn_set_str(f, "id", m->old_id);
	jsn_set_str(f, "ref", m->ran.ref);
	jsn_set_str(f, "image", m->ran.repo);
	jsn_set_str(f, "tag", m->ran.tag);
	jsn_set_str(f, "digest", m->ran.digest.str);
	jsn_set_bool(f, "healthy", m->was_healthy);
	jsn_set(f, "policy", jsn_copy(jsn_get(m->old, "HostConfig.RestartPolicy")));
	jsn_set(f, "spec", spec);
	return journal_write(m->j, "service", m->txn, f, e);
}

/* What ran healthy before may be gone back to. */
static int
remember_proven(struct move *m, struct err *e)
{
	const struct json_t *newest = journal_proven(m->j, 0);
	char repo[REF_STR_MAX];
	struct json_t *f;

	if (!m->was_healthy || !digest_is_set(&m->ran.digest) ||
	    strcmp(jsn_str_or(newest, "digest", ""), m->ran.digest.str) == 0 ||
	    journal_quarantined(m->j, m->ran.digest.str) != NULL)
		return 0;
	/* one image has one name in the list of what was proven */
	service_repo_here(m->s, m->ran.repo, repo);
	f = jsn_object();
	jsn_set_str(f, "image", repo);
	jsn_set_str(f, "tag", m->ran.tag);
	jsn_set_str(f, "digest", m->ran.digest.str);
	return journal_write(m->j, "proven", m->txn, f, e);
}

static void
say_busy(void *arg)
{
	say(arg, "is busy, waiting");
}

static void
say_relapse(void *arg, const char *reason)
{
	say(arg, "was healthy, and is not now: %s", reason);
}

/* --- the stages ----------------------------------------------------------- */

static struct health
health_of(struct move *m)
{
	return (struct health){ .engine = m->s->engine,
				.id = m->next_id,
				.url = m->url,
				.timeout_ms = m->timeout_ms,
				.interval_ms = m->o->interval_ms,
				.in_a_row = HEALTH_IN_A_ROW,
				.life = &m->life,
				.relapsed = say_relapse,
				.arg = m,
				.stop = m->o->stop };
}

static int
create_next(struct move *m, struct err *e)
{
	AUTO_JSN struct json_t *spec = NULL;
	AUTO_JSN struct json_t *made = NULL;
	char name[SERVICE_NAME_MAX + 8];

	if (make_spec(m, m->goal->ref, m->goal->tag, m->instance, &spec, e) < 0 ||
	    engine_create(m->s->engine, service_slot_name(m->s, SERVICE_NEXT, name), spec,
			  m->next_id, e) < 0 ||
	    engine_container(m->s->engine, m->next_id, &made, e) < 0)
		return not_its_fault(e);
	/* the image's health check, or what a person set for the container instead */
	m->timeout_ms = health_timeout(made, m->o->timeout_ms);
	return 0;
}

static int
start_next(struct move *m, struct err *e)
{
	struct err why = { 0 };

	if (engine_start(m->s->engine, m->next_id, &why) == 0)
		return 0;
	/* only a program that cannot be executed is the image's own fault */
	m->own_fault = why.code == ERR_NO && strstr(why.msg, "exec: ") != NULL;
	(void)err_set(e, why.code, "start: %s", why.msg);
	return m->own_fault ? -1 : not_its_fault(e);
}

/* The first probe has passed. */
static int
note_healthy(const struct move *m, struct err *e)
{
	struct json_t *f = jsn_object();

	jsn_set_str(f, "service", m->s->name);
	jsn_set_str(f, "digest", m->goal->digest.str);
	return journal_write(m->j, "healthy", m->txn, f, e);
}

/* It would have passed the same question. */
static bool
old_is_well_inside(struct move *m)
{
	struct health h = health_of(m);

	h.id = m->old_id;
	h.timeout_ms = 1; /* asked once */
	h.in_a_row = 1;
	h.life = NULL;
	return health_standby(&h, NULL) == 0;
}

static int
probe_next(struct move *m, struct err *e)
{
	struct health h = health_of(m);

	if (health_standby(&h, e) == 0)
		return note_healthy(m, e);
	m->own_fault = m->was_up && (m->was_healthy || m->life.ended || old_is_well_inside(m));
	return -1;
}

static int
run_hook(const struct move *m, const char *name, struct err *e)
{
	const struct hooks_facts f = { .deployment = m->txn,
				       .service = m->s->name,
				       .image = m->goal->repo,
				       .tag = m->goal->tag,
				       .old_digest = m->ran.digest.str,
				       .new_digest = m->goal->digest.str };

	return hooks_run(m->o->hooks, name, &f, e);
}

/* An old one that ran, however badly, does not end. */
static int
unless_it_ended(struct move *m)
{
	m->own_fault |= m->life.ended && m->was_up;
	return -1;
}

static int
promote_next(struct move *m, struct err *e)
{
	struct health h = health_of(m);

	if (run_hook(m, "pre-switch", e) < 0)
		return -1;
	if (engine_kill(m->s->engine, m->next_id, "SIGUSR1", e) < 0)
		return -1;
	return health_promoted(&h, e) < 0 ? unless_it_ended(m) : 0;
}

static int
demote_old(struct move *m, struct err *e)
{
	struct err why = { 0 };

	/* one that does not run has nothing to hand over */
	if (engine_kill(m->s->engine, m->old_id, "SIGUSR2", &why) < 0 && why.code != ERR_NO)
		return err_set(e, why.code, "%s", why.msg);
	return 0;
}

/* The site's own word on a release that looks good to us. */
static int
judge_by_hook(struct move *m, struct err *e)
{
	struct err why = { 0 };

	if (run_hook(m, "post-switch", &why) == 0)
		return 0;
	if (why.code == ERR_TEMP) {
		say(m, "%s; it is too late for that", why.msg);
		return 0;
	}
	m->own_fault = why.code == ERR_AUTH;
	return err_set(e, m->own_fault ? ERR_NO : why.code, "%s", why.msg);
}

static int
soak_next(struct move *m, struct err *e)
{
	struct health h = health_of(m), first = h;

	first.in_a_row = 1;
	if (!m->handover && (health_serving(&first, e) < 0 || note_healthy(m, e) < 0))
		return unless_it_ended(m);
	h.soak_ms = m->o->soak_ms;
	/* only programs that speak the handover are known to name their instance */
	h.instance = m->handover ? m->instance : NULL;
	if (health_serving(&h, e) < 0)
		return unless_it_ended(m);
	return judge_by_hook(m, e);
}

static int
set_policy(const struct move *m, const char *id, const char *name, struct err *e)
{
	AUTO_JSN struct json_t *policy = jsn_object();

	jsn_set_str(policy, "Name", name);
	return engine_restart_policy(m->s->engine, id, policy, e);
}

/* "always" also brings a container back that was stopped by hand before the
 * power went. */
static int
guard_old(struct move *m, struct err *e)
{
	if (run_hook(m, "pre-switch", e) < 0)
		return -1;
	return set_policy(m, m->old_id, "always", e);
}

static int
halt_old(struct move *m, struct err *e)
{
	return engine_stop(m->s->engine, m->old_id, e);
}

static int
give_policy(struct move *m, struct err *e)
{
	const struct json_t *r = journal_last(m->j, NULL, "service", m->s->name);

	return engine_restart_policy(m->s->engine, m->next_id, jsn_get(r, "policy"), e);
}

static int
take_policy(struct move *m, struct err *e)
{
	return set_policy(m, m->old_id, "no", e);
}

static int
rename_old(struct move *m, struct err *e)
{
	char name[SERVICE_NAME_MAX + 8];

	return engine_rename(m->s->engine, m->old_id, service_slot_name(m->s, SERVICE_PREV, name),
			     e);
}

static int
rename_new(struct move *m, struct err *e)
{
	return engine_rename(m->s->engine, m->next_id, m->s->name, e);
}

static int
remove_old(struct move *m, struct err *e)
{
	return engine_remove(m->s->engine, m->old_id, e);
}

static const struct stage handover[] = {
	{ STEP_CREATE, create_next },	  { STEP_START, start_next },
	{ STEP_PROBE, probe_next },	  { STEP_PROMOTE, promote_next },
	{ STEP_DEMOTE, demote_old },	  { STEP_SOAK, soak_next },
	{ STEP_POLICY_NEW, give_policy }, { STEP_POLICY_OLD, take_policy },
	{ STEP_RENAME_OLD, rename_old },  { STEP_RENAME_NEW, rename_new },
	{ STEP_STOP_OLD, halt_old },	  { STEP_REMOVE_OLD, remove_old },
};

static const struct stage recreate[] = {
	{ STEP_CREATE, create_next },	  { STEP_GUARD_OLD, guard_old },
	{ STEP_HALT_OLD, halt_old },	  { STEP_START, start_next },
	{ STEP_SOAK, soak_next },	  { STEP_POLICY_NEW, give_policy },
	{ STEP_POLICY_OLD, take_policy }, { STEP_RENAME_OLD, rename_old },
	{ STEP_RENAME_NEW, rename_new },  { STEP_REMOVE_OLD, remove_old },
};

static int
run_stages(struct move *m, struct err *e)
{
	const struct stage *way = m->handover ? handover : recreate;
	size_t n = m->handover ? COUNT_OF(handover) : COUNT_OF(recreate);

	for (size_t i = 0; i < n; i++) {
		if (m->o->stop != NULL && *m->o->stop && way[i].step < STEP_POLICY_NEW)
			return err_set(e, ERR_TEMP, "stopped by a signal");
		m->at = way[i].step;
		if (step_announce(m->j, m->txn, m->s->name, m->at, e) < 0 || way[i].run(m, e) < 0)
			return -1;
	}
	return 0;
}

/* --- the whole ------------------------------------------------------------ */

/* Before the container goes; path is "" if there is none. */
static void
take_evidence(const struct move *m, const char *words, char path[EVIDENCE_PATH_MAX])
{
	const struct evidence v = { .dir = m->o->evidence,
				    .txn = m->txn,
				    .service = m->s->name,
				    .words = words,
				    .engine = m->s->engine,
				    .new_id = m->next_id,
				    .old = m->old };
	struct err why = { 0 };

	path[0] = '\0';
	if (v.dir != NULL && evidence_take(&v, path, &why) < 0)
		say(m, "evidence: %s", why.msg);
}

static void
note_evidence(const struct move *m, const char *path)
{
	struct json_t *f;

	if (path[0] == '\0')
		return;
	f = jsn_object();
	jsn_set_str(f, "service", m->s->name);
	jsn_set_str(f, "path", path);
	(void)journal_write(m->j, "evidence", m->txn, f, NULL);
}

static void
promote_old(struct move *m)
{
	struct health h = health_of(m);

	h.id = m->old_id;
	h.timeout_ms = m->was_healthy ? OLD_GRACE_MS : 1;
	h.life = NULL;
	if (step_announce(m->j, m->txn, m->s->name, STEP_SETTLE_PROMOTE, NULL) == 0 &&
	    engine_kill(m->s->engine, m->old_id, "SIGUSR1", NULL) == 0 &&
	    health_promoted(&h, NULL) == 0)
		(void)engine_kill(m->s->engine, m->next_id, "SIGUSR2", NULL);
}

static void
start_old(const struct move *m)
{
	if (step_announce(m->j, m->txn, m->s->name, STEP_SETTLE_REMOVE_NEXT, NULL) == 0 &&
	    engine_stop(m->s->engine, m->next_id, NULL) == 0)
		(void)engine_start(m->s->engine, m->old_id, NULL);
}

/* The old one serves before anybody looks at what went wrong.  What fails here, settling does
 * again. */
static void
serve_again(struct move *m)
{
	if (m->handover && (m->at == STEP_DEMOTE || m->at == STEP_SOAK))
		promote_old(m);
	else if (!m->handover && m->was_up && (m->at == STEP_START || m->at == STEP_SOAK))
		start_old(m);
}

/* After a failure: the service is what really is there after settling. */
static int
recover(struct move *m, struct err *why, enum move_left *ret_left, struct err *e)
{
	char evidence[EVIDENCE_PATH_MAX] = "";
	struct err more = { 0 };
	int settled;

	serve_again(m);
	say(m, "%s; going back to %s", why->msg, m->ran.tag[0] != '\0' ? m->ran.tag : m->ran.ref);
	if (why->code == ERR_NO)
		take_evidence(m, why->msg, evidence);
	settled = settle(m, &more);
	note_evidence(m, evidence);
	if (settled < 0) {
		*ret_left = MOVE_OPEN;
		if (more.code == ERR_STUCK)
			return err_set(e, ERR_STUCK, "%s (%s)", more.msg, why->msg);
		return err_set(e, more.code, "'%s': %s", m->s->name, why->msg);
	}
	/* a commit that had begun may have been finished */
	if (move_is_there(m->s, m->goal, NULL) == 1)
		return 0;
	if (why->code == ERR_NO && !m->own_fault && !m->was_healthy) {
		*ret_left = MOVE_ILL;
		return err_set(e, ERR_TEMP, "'%s' is not healthy, and was not before: %s",
			       m->s->name, why->msg);
	}
	return err_set(e, why->code, "'%s': %s", m->s->name, why->msg);
}

bool
move_image_is(const struct json_t *image, const struct move_goal *goal)
{
	if (digest_is_set(&goal->digest))
		return service_has_digest(image, &goal->digest);
	return strcmp(jsn_str_or(image, "Id", ""), goal->ref) == 0;
}

int
move_is_there(const struct service *s, const struct move_goal *goal, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	AUTO_JSN struct json_t *image = NULL;

	if (service_need(s, &c, e) < 0 ||
	    engine_image(s->engine, jsn_str_or(c, "Image", ""), &image, e) < 0)
		return -1;
	return move_image_is(image, goal);
}

int
move_record(const struct service *s, const struct move_goal *goal, struct journal *j,
	    const char *txn, const struct move_opts *o, struct err *e)
{
	struct json_t *f;

	if (step_announce(j, txn, s->name, STEP_PINS, e) < 0)
		return -1;
	if (o->pins != NULL && digest_is_set(&goal->digest) &&
	    pins_set(o->pins, s->name, goal->ref, e) < 0)
		return -1;
	f = jsn_object();
	jsn_set_str(f, "service", s->name);
	jsn_set_str(f, "image", goal->repo);
	jsn_set_str(f, "tag", goal->tag);
	jsn_set_str(f, "digest", goal->digest.str);
	if (journal_write(j, "moved", txn, f, e) < 0)
		return -1;
	step_crash(STEP_MOVED);
	return 0;
}

static int
run(struct move *m, enum move_left *ret_left, struct err *e)
{
	struct err why = { 0 };

	if (get_ready(m, e) < 0 ||
	    gate_wait(m->url, m->o->max_wait_ms, m->o->stop, say_busy, m, e) < 0 ||
	    remember(m, e) < 0 || remember_proven(m, e) < 0) {
		(void)err_wrap(e, "'%s'", m->s->name);
		return not_its_fault(e);
	}
	step_crash(STEP_SERVICE);
	say(m, "%s to %s by %s", m->ran.tag[0] != '\0' ? m->ran.tag : m->ran.ref,
	    m->goal->tag[0] != '\0' ? m->goal->tag : m->goal->ref,
	    m->handover ? "handover" : "recreate");
	if (run_stages(m, &why) < 0 && recover(m, &why, ret_left, e) < 0)
		return -1;
	return move_record(m->s, m->goal, m->j, m->txn, m->o, e);
}

int
move_service(const struct service *s, const struct move_goal *goal, struct journal *j,
	     const char *txn, const struct move_opts *o, enum move_left *ret_left, struct err *e)
{
	AUTO(move_clear) struct move m = { .s = s, .goal = goal, .j = j, .txn = txn, .o = o };

	*ret_left = MOVE_BACK;
	return run(&m, ret_left, e);
}
