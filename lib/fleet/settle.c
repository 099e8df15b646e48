#include "fleet/settle.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"
#include "engine/spec.h"
#include "fleet/health.h"
#include "fleet/step.h"

#define ACTS_MAX      12 /* the longest way has seven */
#define REMOVING_MS   20000
#define LOOK_AGAIN_MS 50
#define ILL_MS	      2000 /* for one that was not healthy before */

struct found {
	struct json_t *now, *next, *prev;
};

static void
found_clear(struct found *f)
{
	jsn_free(&f->now);
	jsn_free(&f->next);
	jsn_free(&f->prev);
	*f = (struct found){ 0 };
}

/* What the engine is removing, for whoever, is as good as gone. */
static int
look_at(const struct settle *s, enum service_slot slot, struct json_t **ret, struct err *e)
{
	struct deadline until = clock_deadline(REMOVING_MS);

	while (service_look(s->service, slot, s->journal, ret, e) == 0) {
		if (strcmp(jsn_str_or(*ret, "State.Status", ""), "removing") != 0 ||
		    clock_over(until))
			return 0;
		jsn_free(ret);
		*ret = NULL;
		clock_sleep_ms(LOOK_AGAIN_MS, NULL);
	}
	return -1;
}

static int
look(const struct settle *s, struct found *f, struct err *e)
{
	found_clear(f);
	if (look_at(s, SERVICE_NOW, &f->now, e) < 0 || look_at(s, SERVICE_NEXT, &f->next, e) < 0)
		return -1;
	return look_at(s, SERVICE_PREV, &f->prev, e);
}

static int
announce(const struct settle *s, enum step step, struct err *e)
{
	return step_announce(s->journal, s->txn, s->service->name, step, e);
}

static const char *
id_of(const struct json_t *c)
{
	return jsn_str_or(c, "Id", "");
}

/* What the service was before the last move began. */
static const struct json_t *
before(const struct settle *s)
{
	return journal_last(s->journal, NULL, "service", s->service->name);
}

static int
restore_policy(const struct settle *s, const struct json_t *c, struct err *e)
{
	const struct json_t *policy = jsn_get(before(s), "policy");

	if (policy == NULL || strcmp(jsn_str_or(policy, "Name", ""),
				     jsn_str_or(c, "HostConfig.RestartPolicy.Name", "")) == 0)
		return 0;
	return engine_restart_policy(s->service->engine, id_of(c), policy, e);
}

static int
speaks_handover(const struct settle *s, const struct json_t *c, bool *ret, struct err *e)
{
	AUTO_JSN struct json_t *image = NULL;
	struct service_image runs;

	if (engine_image(s->service->engine, jsn_str_or(c, "Image", ""), &image, e) < 0)
		return -1;
	service_image(c, image, &runs);
	*ret = runs.handover && service_joins(c);
	return 0;
}

/* It was not healthy when it was found, so it need not be afterwards. */
static bool
was_ill(const struct settle *s, const struct json_t *c)
{
	const struct json_t *b = before(s);

	return b != NULL && !jsn_bool(b, "healthy", true) &&
	       strcmp(jsn_str_or(b, "id", ""), id_of(c)) == 0;
}

/* A signal to a program that has not set up its handlers yet would be lost, so
 * it has to answer first. */
static int
promote(const struct settle *s, const struct health *h, bool ill, struct err *e)
{
	struct err why = { 0 };

	if (health_standby(h, &why) < 0 && (why.code != ERR_NO || !ill || h->life->ended))
		return err_set(e, why.code, "%s", why.msg);
	if (announce(s, STEP_SETTLE_PROMOTE, e) < 0 ||
	    engine_kill(s->service->engine, h->id, "SIGUSR1", e) < 0)
		return -1;
	return ill ? 0 : health_promoted(h, e);
}

/* In the words of runc, or of containerd: "task ID: already exists". */
static bool
is_id_taken(const char *why)
{
	const char *task = strstr(why, "task ");

	return strstr(why, "id already in use") != NULL ||
	       (task != NULL && strstr(task, ": already exists") != NULL);
}

int
settle_start(const struct settle *s, const struct json_t *c, struct err *e)
{
	struct engine *eng = s->service->engine;
	struct err why = { 0 };

	if (engine_start(eng, id_of(c), &why) == 0)
		return 0;
	if (!is_id_taken(why.msg) || !jsn_is_object(jsn_get(before(s), "spec")))
		return err_set(e, why.code, "%s", why.msg);
	return engine_remove(eng, id_of(c), e) < 0 ? -1 : 1;
}

/* Make c serve: its restart policy, running, promoted, healthy.  ERR_NO if it
 * does not become healthy; 1 it is gone. */
static int
revive(const struct settle *s, const struct json_t *c, bool alone, struct err *e)
{
	char url[SERVICE_URL_MAX];
	bool ill = was_ill(s, c);
	struct health_life life = { .older = true };
	struct health h = { .engine = s->service->engine,
			    .id = id_of(c),
			    .url = url,
			    .timeout_ms = ill ? ILL_MS : health_timeout(c, s->timeout_ms),
			    .interval_ms = s->interval_ms,
			    .life = &life };
	bool handover = false;
	int started;

	if (restore_policy(s, c, e) < 0)
		return -1;
	started = settle_start(s, c, e);
	if (started != 0)
		return started;
	if (service_url(s->service, c, url, e) < 0 || speaks_handover(s, c, &handover, e) < 0)
		return -1;
	if (handover && promote(s, &h, ill, e) < 0)
		return -1;
	if (!alone)
		return 0;
	h.instance = spec_env(c, SPEC_ENV_INSTANCE);
	h.in_a_row = HEALTH_IN_A_ROW;
	return health_serving(&h, e);
}

static int
retire(const struct settle *s, const struct json_t *c, enum step step, struct err *e)
{
	struct err why = { 0 };

	if (announce(s, step, e) < 0)
		return -1;
	/* it may be gone by now: the engine goes on with what a killed run had asked for */
	if (engine_stop(s->service->engine, id_of(c), &why) < 0 && why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	return engine_remove(s->service->engine, id_of(c), e);
}

static int
rename_to(const struct settle *s, const struct json_t *c, enum service_slot slot, struct err *e)
{
	char name[SERVICE_NAME_MAX + 8];

	if (announce(s, STEP_SETTLE_RENAME, e) < 0)
		return -1;
	return engine_rename(s->service->engine, id_of(c),
			     service_slot_name(s->service, slot, name), e);
}

/* The old one serves before the new one goes, where both fit beside each other;
 * if it does not come up now, it may once the new one is out of its way. */
static int
drop_next(const struct settle *s, const struct found *f, struct err *e)
{
	struct err why = { 0 };
	bool handover = false;

	if (speaks_handover(s, f->now, &handover, e) < 0)
		return -1;
	if (handover && revive(s, f->now, false, &why) < 0 && why.code != ERR_NO)
		return err_set(e, why.code, "%s", why.msg);
	return retire(s, f->next, STEP_SETTLE_REMOVE_NEXT, e);
}

static int
finish_commit(const struct settle *s, const struct found *f, struct err *e)
{
	struct err why = { 0 };
	int alive = revive(s, f->now, true, &why);

	if (alive == 0)
		return retire(s, f->prev, STEP_SETTLE_REMOVE_PREV, e);
	if (alive == 1)
		return 0;
	if (why.code != ERR_NO)
		return err_set(e, why.code, "%s", why.msg);
	if (rename_to(s, f->now, SERVICE_NEXT, e) < 0)
		return -1;
	return rename_to(s, f->prev, SERVICE_NOW, e);
}

/* What it ran last, as the journal knows: where it was moved to, or what it was before. */
static const struct json_t *
last_known(const struct settle *s)
{
	for (size_t i = journal_len(s->journal); i > 0; i--) {
		const struct json_t *r = journal_at(s->journal, i - 1);
		const char *event = jsn_str_or(r, "event", "");

		if (strcmp(jsn_str_or(r, "service", ""), s->service->name) == 0 &&
		    (strcmp(event, "service") == 0 ||
		     (strcmp(event, "moved") == 0 && jsn_str_or(r, "digest", "")[0] != '\0')))
			return r;
	}
	return NULL;
}

/* Where the whole site was taken down, a robot alone is of no use, and its name would be in the
 * way of those who bring the site up again. */
static int
need_holder(const struct settle *s, const struct json_t *spec, struct err *e)
{
	AUTO_JSN struct json_t *holder = NULL;
	struct view mode = view_of(jsn_str_or(spec, "HostConfig.NetworkMode", "")), kind;

	if (!view_cut(&mode, ':', &kind) || !view_eq(kind, "container"))
		return 0;
	if (engine_container(s->service->engine, mode.p, &holder, e) < 0)
		return err_wrap(e, "'%s' and the container whose network it joins are gone",
				s->service->name);
	return 0;
}

static int
make_again(const struct settle *s, struct err *e)
{
	const struct json_t *last = last_known(s), *spec = jsn_get(before(s), "spec");
	struct spec_new n = { .service = s->service->name,
			      .tag = jsn_str_or(last, "tag", ""),
			      .instance = "" };
	AUTO_JSN struct json_t *again = NULL;
	char ref[REF_STR_MAX + DIGEST_STR_MAX], id[ENGINE_ID_MAX];

	if (!jsn_is_object(spec))
		return err_set(e, ERR_NOTFOUND, "no container '%s' at '%s'", s->service->name,
			       engine_host(s->service->engine));
	(void)snprintf(ref, sizeof(ref), "%s@%s", jsn_str_or(last, "image", ""),
		       jsn_str_or(last, "digest", ""));
	n.image = jsn_str_or(last, "ref", ref);
	if (need_holder(s, spec, e) < 0 || spec_again(spec, &n, &again, e) < 0 ||
	    announce(s, STEP_SETTLE_MAKE, e) < 0)
		return -1;
	return engine_create(s->service->engine, s->service->name, again, id, e);
}

/* One act; 1 when there is nothing left to do. */
static int
act(const struct settle *s, const struct found *f, bool *restarted, struct err *e)
{
	int alive;

	if (f->now != NULL && f->next != NULL)
		return drop_next(s, f, e);
	if (f->now != NULL && f->prev != NULL)
		return finish_commit(s, f, e);
	if (f->next != NULL)
		return rename_to(s, f->next, SERVICE_NOW, e);
	if (f->prev != NULL)
		return rename_to(s, f->prev, SERVICE_NOW, e);
	if (f->now == NULL)
		return make_again(s, e);
	alive = revive(s, f->now, true, e);
	if (alive >= 0)
		return !alive;
	if (e->code == ERR_NO && was_ill(s, f->now))
		return 1;
	/* what a person would try first */
	if (e->code != ERR_NO || *restarted)
		return -1;
	*restarted = true;
	if (announce(s, STEP_SETTLE_RESTART, e) < 0)
		return -1;
	return engine_stop(s->service->engine, id_of(f->now), e);
}

/* A stop that was asked for when the last run was killed goes on in the engine; what is started
 * before its end would be stopped by it. */
static int
end_stop(const struct settle *s, const struct found *f, struct err *e)
{
	const struct json_t *last = journal_last(s->journal, NULL, "step", s->service->name);

	if (f->now == NULL || strcmp(jsn_str_or(last, "step", ""), step_name(STEP_HALT_OLD)) != 0)
		return 0;
	return engine_stop(s->service->engine, id_of(f->now), e);
}

int
settle_is_gone(const struct settle *s, struct err *e)
{
	AUTO(found_clear) struct found f = { 0 };

	if (!jsn_is_object(jsn_get(before(s), "spec")))
		return 0;
	if (look(s, &f, e) < 0)
		return -1;
	return f.now == NULL && f.next == NULL && f.prev == NULL;
}

int
settle_service(const struct settle *s, struct err *e)
{
	AUTO(found_clear) struct found f = { 0 };
	struct err why = { 0 };
	bool restarted = false;
	int done = 0;

	for (int i = 0; i < ACTS_MAX && done == 0; i++)
		if (look(s, &f, &why) < 0 || (i == 0 && end_stop(s, &f, &why) < 0) ||
		    (done = act(s, &f, &restarted, &why)) < 0)
			break;
	if (done == 1)
		return 0;
	if (why.code == ERR_NONE || why.code == ERR_NO)
		return err_set(e, ERR_STUCK, "'%s' is not healthy again: %s", s->service->name,
			       why.code == ERR_NO ? why.msg : "no end of it");
	return err_set(e, why.code, "'%s': %s", s->service->name, why.msg);
}
