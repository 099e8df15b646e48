#include "fleet/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/jsn.h"
#include "base/log.h"
#include "base/settings.h"
#include "fleet/keep.h"
#include "fleet/notify.h"
#include "fleet/scores.h"

#define DEFAULT_HOST  "unix:///var/run/docker.sock"
#define HOST_VARIABLE "DOCKER_HOST="
#define SECONDS_MAX   86400
#define STABLE_MAX_MS (366LL * 86400000)
#define MS_PER_S      1000
#define WAIT_S	      60
#define WHO_MAX	      128
#define PATH_BYTES    1024
#define KEEP_MAX      1000
#define NOTIFY_MS     30000
#define FREE_MB_MAX   (1 << 30)
#define BYTES_PER_MB  (1 << 20)

int
site_strategy(const char *name, enum move_strategy *ret, struct err *e)
{
	static const char *const names[] = { "auto", "handover", "recreate" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum move_strategy)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "the strategy must be auto, handover or recreate, not '%s'",
		       name);
}

static int
read_seconds(const struct conf *c, const char *key, int64_t min, int64_t *ret_ms, struct err *e)
{
	int64_t s;

	if (conf_number(c, key, min, SECONDS_MAX, &s, e) < 0)
		return -1;
	*ret_ms = s * MS_PER_S;
	return 0;
}

static int
read_move(const struct conf *c, struct move_opts *m, struct err *e)
{
	const char *name = conf_get(c, "STRATEGY"), *pins = conf_get(c, "PINS_FILE");

	m->pins = pins != NULL && pins[0] != '\0' ? pins : NULL;
	m->max_wait_ms = (int64_t)WAIT_S * MS_PER_S;
	if (read_seconds(c, "HEALTH_CHECK_TIMEOUT", 1, &m->timeout_ms, e) < 0 ||
	    read_seconds(c, "HEALTH_CHECK_INTERVAL", 1, &m->interval_ms, e) < 0 ||
	    read_seconds(c, "SOAK", 0, &m->soak_ms, e) < 0)
		return -1;
	if (site_strategy(name, &m->strategy, NULL) < 0)
		return conf_bad(c, "STRATEGY", e, "must be auto, handover or recreate, not '%s'",
				name);
	return 0;
}

static int
read_rules(const struct conf *c, struct site *s, struct err *e)
{
	struct err why = { 0 };

	s->hooks.dir = conf_get(c, "HOOKS_DIR");
	if (cli_seconds(conf_get(c, "STABLE_AFTER"), "it", 0, STABLE_MAX_MS, &s->stable_ms, &why) <
	    0)
		return conf_bad(c, "STABLE_AFTER", e, "%s", why.msg);
	if (read_seconds(c, "HOOK_TIMEOUT", 1, &s->hooks.ms, e) < 0 ||
	    conf_number(c, "KEEP_IMAGES", 1, KEEP_MAX, &s->keep_images, e) < 0 ||
	    conf_number(c, "CANARY", 0, SERVICES_MAX, &s->canary, e) < 0 ||
	    conf_number(c, "BATCH", 1, ROLLOUT_BATCH_MAX, &s->batch, e) < 0 ||
	    conf_number(c, "MIN_FREE_MB", 0, FREE_MB_MAX, &s->min_free, e) < 0)
		return -1;
	s->min_free *= BYTES_PER_MB;
	if (rollout_parse_on_failure(conf_get(c, "ON_FAILURE"), &s->on_failure, &why) < 0)
		return conf_bad(c, "ON_FAILURE", e, "%s", why.msg);
	if (conf_bool(c, "ENABLE_NOTIFICATIONS", &s->notify, e) < 0)
		return -1;
	if (s->notify && conf_get(c, "WEBHOOK_URL")[0] == '\0')
		return conf_bad(c, "ENABLE_NOTIFICATIONS", e, "WEBHOOK_URL is not set");
	if (window_parse(conf_get(c, "UPDATE_WINDOW"), &s->window, &why) < 0)
		return conf_bad(c, "UPDATE_WINDOW", e, "%s", why.msg);
	return 0;
}

static int
take_lock(struct site *s, const char *program, struct err *e)
{
	char path[PATH_BYTES], who[WHO_MAX], now[CLOCK_RFC3339_MAX];

	if (file_mkdirs(s->state_dir, 0755, e) < 0)
		return err_wrap(e, "STATE_DIR");
	clock_rfc3339(clock_wall_ns(), now);
	(void)snprintf(path, sizeof(path), "%s/lock", s->state_dir);
	(void)snprintf(who, sizeof(who), "%s, pid %ld since %s", program, (long)getpid(), now);
	return file_lock(AT_FDCWD, path, who, &s->lock, e);
}

static const char *
default_host(char *const *environment)
{
	for (; *environment != NULL; environment++)
		if (strncmp(*environment, HOST_VARIABLE, strlen(HOST_VARIABLE)) == 0 &&
		    (*environment)[strlen(HOST_VARIABLE)] != '\0')
			return *environment + strlen(HOST_VARIABLE);
	return DEFAULT_HOST;
}

/* Every host once, however many of its services there are. */
static void
say_lost(const struct fleet *f, bool look)
{
	for (const struct lost *l = f->lost; l != NULL; l = l->next)
		log_warn("%s%s", l->why.msg, look ? "; from the journal alone" : "");
}

static int
open_fleet(struct site *s, const struct site_opts *o, struct err *e)
{
	struct fleet_opts fo = { .host = default_host(o->environment),
				 .environment = o->environment };

	/* names are checked before anything is asked of an engine */
	if (service_fleet(s->conf, &fo, &s->all, e) < 0 ||
	    service_some(s->all, s->conf, o->names, o->n, &s->fleet, e) < 0)
		return -1;
	if (o->offline)
		return 0;
	service_fleet_free(&s->fleet);
	service_fleet_free(&s->all);
	fo.connect = true;
	if (service_fleet(s->conf, &fo, &s->all, e) < 0)
		return -1;
	if (!o->look && service_set_aside(s->all, e) < 0)
		return -1;
	if (service_some(s->all, s->conf, o->names, o->n, &s->fleet, e) < 0)
		return -1;
	if (s->fleet->n == 0 && s->fleet->naway > 0)
		return site_away(s, e);
	say_lost(s->all, o->look);
	return 0;
}

static int
open_all(const struct site_opts *o, struct site *s, struct err *e)
{
	const char *dir;

	if (settings_load(o->config, o->environment, &s->conf, e) < 0 ||
	    conf_need(s->conf, "STATE_DIR", &dir, e) < 0 || read_move(s->conf, &s->move, e) < 0 ||
	    read_rules(s->conf, s, e) < 0)

		return -1;
	(void)snprintf(s->state_dir, sizeof(s->state_dir), "%s", dir);
	(void)snprintf(s->evidence_dir, sizeof(s->evidence_dir), "%s/evidence", dir);
	s->move.evidence = s->evidence_dir;
	s->hooks.environment = o->environment;
	auth_find(NULL, o->environment, &s->auth);
	if (o->change && take_lock(s, o->program, e) < 0)
		return -1;
	if (open_fleet(s, o, e) < 0 || journal_open(s->state_dir, &s->journal, e) < 0)
		return -1;
	return o->change ? journal_prepare(s->journal, e) : 0;
}

int
site_open(const struct site_opts *o, struct site *ret, struct err *e)
{
	*ret = (struct site){ .lock = -1, .program = o->program, .environment = o->environment };
	if (open_all(o, ret, e) == 0)
		return 0;
	site_close(ret);
	return -1;
}

int
site_away(const struct site *s, struct err *e)
{
	const struct service *first = s->fleet->away;

	if (s->fleet->naway == 0)
		return 0;
	return err_set(e, first->lost->why.code, "'%s'%s: %s", first->name,
		       s->fleet->naway > 1 ? " and others" : "", first->lost->why.msg);
}

static void
tell(const struct site *s, size_t n)
{
	const struct notify to = { .url = conf_get(s->conf, "WEBHOOK_URL"),
				   .channel = conf_get(s->conf, "SLACK_CHANNEL"),
				   .ms = NOTIFY_MS,
				   .stop = s->move.stop };
	AUTO_JSN struct json_t *news = NULL;
	char host[256] = "gateway";
	struct err e = { 0 };

	(void)gethostname(host, sizeof(host) - 1);
	if (notify_news(s->journal, n, host, &news, &e) < 0)
		log_warn("%s", e.msg);
	for (size_t i = 0; i < jsn_len(news); i++)
		if (notify_send(&to, jsn_at(news, i), &e) < 0)
			log_warn("%s", e.msg);
}

static void
say_trace(void *arg, const char *words)
{
	(void)arg;
	log_warn("trace: %s", words);
}

static void
say_image(bool failed, const char *words)
{
	if (failed)
		log_warn("%s", words);
	else
		log_debug("%s", words);
}

void
site_leave(struct site *s, size_t n, const char *metrics_file, int status)
{
	struct err e = { 0 };

	if (s->journal == NULL)
		return;
	if (status == 0 && journal_len(s->journal) > n && s->all != NULL &&
	    keep_newest(s->all, s->journal, (size_t)s->keep_images, say_image, &e) < 0)
		log_warn("old images stay: %s", e.msg);
	if (metrics_file != NULL &&
	    scores_write(metrics_file, s->journal, s->all != NULL ? s->all : s->fleet, s->stable_ms,
			 status, &e) < 0)
		log_warn("%s", e.msg);
	if (s->lock >= 0)
		(void)close(TAKE_FD(s->lock));
	if (s->notify)
		tell(s, n);
	timeline_send(&s->timeline, s->journal, n, s->program, s->environment, say_trace, NULL);
}

void
site_close(struct site *s)
{
	service_fleet_free(&s->fleet);
	service_fleet_free(&s->all);
	journal_close(&s->journal);
	conf_free(&s->conf);
	if (s->lock >= 0)
		(void)close(s->lock);
	*s = (struct site){ .lock = -1 };
}
