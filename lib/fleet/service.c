#include "fleet/service.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "engine/spec.h"
#include "fleet/probe.h"

#define LABEL_VERSION "org.opencontainers.image.version"

static void
lost_free(struct lost *l)
{
	while (l != NULL) {
		struct lost *next = l->next;

		free(l->host);
		free(l);
		l = next;
	}
}

void
service_fleet_free(struct fleet **f)
{
	if (*f == NULL)
		return;
	for (size_t i = 0; !(*f)->lent && i < (*f)->nengines; i++)
		engine_close(&(*f)->engines[i]);
	if (!(*f)->lent) {
		free((*f)->engines);
		lost_free((*f)->lost);
	}
	free((*f)->services);
	free((*f)->away);
	free(*f);
	*f = NULL;
}

/* --- engines ---------------------------------------------------------------- */

static int
lose(struct fleet *f, struct service *s, const char *host, const struct err *why, struct err *e)
{
	struct lost *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->host = strdup(host)) == NULL) {
		free(l);
		return err_nomem(e);
	}
	l->why = *why;
	l->next = f->lost;
	f->lost = l;
	s->lost = l;
	return 0;
}

static bool
is_known(const struct fleet *f, const char *host, struct service *s)
{
	for (size_t i = 0; i < f->nengines; i++) {
		if (strcmp(engine_host(f->engines[i]), host) == 0) {
			s->engine = f->engines[i];
			return true;
		}
	}
	for (const struct lost *l = f->lost; l != NULL; l = l->next) {
		if (strcmp(l->host, host) == 0) {
			s->lost = l;
			return true;
		}
	}
	return false;
}

static const char *
variable(char *const *environment, const char *name)
{
	size_t n = strlen(name);

	for (; *environment != NULL; environment++)
		if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=' &&
		    (*environment)[n + 1] != '\0')
			return *environment + n + 1;
	return NULL;
}

/* Where the docker client looks too. */
static void
find_certificates(const struct conf *c, const struct fleet_opts *o, const char *name,
		  char out[PATH_MAX])
{
	const char *dir = conf_get_for(c, "SERVICE_*_CERT_PATH", name), *home;

	if (dir == NULL || dir[0] == '\0')
		dir = conf_get(c, "DOCKER_CERT_PATH");
	if (dir == NULL || dir[0] == '\0')
		dir = variable(o->environment, "DOCKER_CONFIG");
	home = variable(o->environment, "HOME");
	if (dir != NULL)
		(void)snprintf(out, PATH_MAX, "%s", dir);
	else
		(void)snprintf(out, PATH_MAX, "%s/.docker", home != NULL ? home : "");
}

static int
read_tls(const struct conf *c, const char *name, bool *ret_plain, struct err *e)
{
	const char *tls = conf_get_for(c, "SERVICE_*_TLS", name);

	*ret_plain = tls != NULL && strcmp(tls, "none") == 0;
	if (tls == NULL || *ret_plain || strcmp(tls, "verify") == 0)
		return 0;
	return err_set(e, ERR_CONFIG, "TLS of service '%s' must be verify or none, not '%s'", name,
		       tls);
}

static int
find_engine(struct fleet *f, const struct conf *c, const struct fleet_opts *o, struct service *s,
	    struct err *e)
{
	const char *host = conf_get_for(c, "SERVICE_*_HOST", s->name);
	char certificates[PATH_MAX];
	struct engine_opts eo = { .cert_dir = certificates, .environment = o->environment };
	struct engine **more;
	struct err why = { 0 };

	if (host == NULL || host[0] == '\0')
		host = o->host;
	if (read_tls(c, s->name, &eo.plain, e) < 0)
		return -1;
	if (!o->connect || is_known(f, host, s))
		return 0;
	find_certificates(c, o, s->name, certificates);
	more = reallocarray(f->engines, f->nengines + 1, sizeof(struct engine *));
	if (more == NULL)
		return err_nomem(e);
	f->engines = more;
	if (engine_open(host, &eo, &f->engines[f->nengines], &why) == 0) {
		s->engine = f->engines[f->nengines++];
		return 0;
	}
	if (why.code != ERR_TEMP && why.code != ERR_SYS)
		return err_set(e, why.code, "%s", why.msg);
	return lose(f, s, host, &why, e);
}

/* --- the fleet ---------------------------------------------------------------- */

static int
read_registry(const struct conf *c, struct service *s, struct err *e)
{
	const char *here = conf_get(c, "REGISTRY_URL"), *scheme = strstr(here, "://");
	const char *there = conf_get_for(c, "SERVICE_*_REGISTRY", s->name);
	AUTO_BUF struct buf name = BUF_INIT(REF_STR_MAX);
	struct ref ref;
	size_t n;

	if (scheme != NULL)
		here = scheme + 3;
	n = strlen(here);
	while (n > 0 && here[n - 1] == '/')
		n--;
	(void)snprintf(s->gateway, sizeof(s->gateway), "%.*s", (int)n, here);
	if (there == NULL || there[0] == '\0')
		return 0;
	buf_addf(&name, "%s/x", there);
	if (strlen(there) >= sizeof(s->registry) || buf_ok(&name, "registry", NULL) < 0 ||
	    ref_parse(view_buf(&name), &ref, NULL) < 0 || strcmp(ref.host, there) != 0)
		return err_set(e, ERR_CONFIG,
			       "registry of service '%s': want HOST[:PORT], not '%s'", s->name,
			       there);
	(void)snprintf(s->registry, sizeof(s->registry), "%s", there);
	return 0;
}

static int
read_health(const struct conf *c, struct service *s, struct err *e)
{
	const char *own = conf_get_for(c, "SERVICE_*_HEALTH", s->name);
	struct err why = { 0 };

	if (own == NULL || own[0] == '\0')
		return 0;
	if (strlen(own) >= sizeof(s->health))
		return err_set(e, ERR_CONFIG, "health of service '%s': too long", s->name);
	/* else it would be found out after the switch */
	if (probe_check(own, &why) < 0)
		return err_set(e, ERR_CONFIG, "health of service '%s': %s", s->name, why.msg);
	(void)snprintf(s->health, sizeof(s->health), "%s", own);
	return 0;
}

static int
add_service(struct fleet *f, const struct conf *c, struct view name, const struct fleet_opts *o,
	    struct err *e)
{
	struct service *more, *s;

	if (name.n == 0)
		return 0;
	if (name.n >= SERVICE_NAME_MAX || f->n == SERVICES_MAX)
		return conf_bad(c, "ROBOT_CONTAINERS", e, "too long");
	more = reallocarray(f->services, f->n + 1, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	f->services = more;
	s = &f->services[f->n];
	*s = (struct service){ 0 };
	(void)snprintf(s->name, sizeof(s->name), VIEW_FMT, VIEW_ARG(name));
	if (read_health(c, s, e) < 0 || read_registry(c, s, e) < 0 ||
	    find_engine(f, c, o, s, e) < 0)
		return -1;
	f->n++;
	return 0;
}

static bool
next_word(struct view *rest, struct view *ret)
{
	*rest = view_trim(*rest);
	if (rest->n == 0)
		return false;
	if (!view_cut(rest, ' ', ret)) {
		*ret = *rest;
		rest->n = 0;
	}
	return true;
}

int
service_fleet(const struct conf *c, const struct fleet_opts *o, struct fleet **ret, struct err *e)
{
	AUTO_FLEET struct fleet *f = calloc(1, sizeof(*f));
	struct view rest, word;
	const char *all;

	if (f == NULL)
		return err_nomem(e);
	if (conf_need(c, "ROBOT_CONTAINERS", &all, e) < 0)
		return -1;
	rest = view_of(all);
	while (next_word(&rest, &word))
		if (add_service(f, c, word, o, e) < 0)
			return -1;
	*ret = TAKE_PTR(f);
	return 0;
}

static bool
is_wanted(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return n == 0;
}

static int
take_some(const struct service *from, size_t n, const char *const *names, size_t nnames,
	  struct service **ret, size_t *ret_n, struct err *e)
{
	*ret = calloc(n > 0 ? n : 1, sizeof(**ret));
	if (*ret == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		if (is_wanted(from[i].name, names, nnames))
			(*ret)[(*ret_n)++] = from[i];
	return 0;
}

int
service_some(const struct fleet *f, const struct conf *c, const char *const *names, size_t n,
	     struct fleet **ret, struct err *e)
{
	AUTO_FLEET struct fleet *some = calloc(1, sizeof(*some));

	for (size_t i = 0; i < n; i++)
		if (service_by_name(f, names[i]) == NULL && service_away(f, names[i]) == NULL)
			return err_set(e, ERR_USAGE, "'%s' is not one of the services: %s",
				       names[i], conf_get(c, "ROBOT_CONTAINERS"));
	if (some == NULL)
		return err_nomem(e);
	some->lent = true;
	some->engines = f->engines;
	some->nengines = f->nengines;
	some->lost = f->lost;
	if (take_some(f->services, f->n, names, n, &some->services, &some->n, e) < 0 ||
	    take_some(f->away, f->naway, names, n, &some->away, &some->naway, e) < 0)
		return -1;
	*ret = TAKE_PTR(some);
	return 0;
}

int
service_set_aside(struct fleet *f, struct err *e)
{
	size_t kept = 0;

	if (f->n == 0)
		return 0;
	f->away = calloc(f->n, sizeof(*f->away));
	if (f->away == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++) {
		if (f->services[i].engine == NULL)
			f->away[f->naway++] = f->services[i];
		else
			f->services[kept++] = f->services[i];
	}
	f->n = kept;
	if (kept > 0)
		return 0;
	return err_set(e, f->away[0].lost->why.code, "%s", f->away[0].lost->why.msg);
}

struct service *
service_by_name(const struct fleet *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->services[i].name, name) == 0)
			return &f->services[i];
	return NULL;
}

const struct service *
service_away(const struct fleet *f, const char *name)
{
	for (size_t i = 0; i < f->naway; i++)
		if (strcmp(f->away[i].name, name) == 0)
			return &f->away[i];
	return NULL;
}

static void
call_registry(const char *repo, const char *from, const char *to, char out[REF_STR_MAX])
{
	size_t n = strlen(from);

	if (n > 0 && to[0] != '\0' && strncmp(repo, from, n) == 0 && repo[n] == '/')
		(void)snprintf(out, REF_STR_MAX, "%s%s", to, repo + n);
	else
		(void)snprintf(out, REF_STR_MAX, "%s", repo);
}

void
service_repo_there(const struct service *s, const char *repo, char out[REF_STR_MAX])
{
	call_registry(repo, s->gateway, s->registry, out);
}

void
service_repo_here(const struct service *s, const char *repo, char out[REF_STR_MAX])
{
	call_registry(repo, s->registry, s->gateway, out);
}

const char *
service_slot_name(const struct service *s, enum service_slot slot, char out[SERVICE_NAME_MAX + 8])
{
	static const char *const tails[] = { "", "-next", "-prev" };

	(void)snprintf(out, SERVICE_NAME_MAX + 8, "%s%s", s->name, tails[slot]);
	return out;
}

static bool
is_ours(const struct service *s, const struct json_t *c, const struct journal *j)
{
	const char *label =
		jsn_str(jsn_at_key(jsn_get(c, "Config.Labels"), SPEC_LABEL_SERVICE), "");
	const char *id = jsn_str_or(c, "Id", "");

	if (label != NULL)
		return strcmp(label, s->name) == 0;
	for (size_t i = 0; j != NULL && i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);

		if (strcmp(jsn_str_or(r, "event", ""), "service") == 0 &&
		    strcmp(jsn_str_or(r, "service", ""), s->name) == 0 &&
		    strcmp(jsn_str_or(r, "id", ""), id) == 0)
			return true;
	}
	return false;
}

int
service_look(const struct service *s, enum service_slot slot, const struct journal *j,
	     struct json_t **ret, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	char name[SERVICE_NAME_MAX + 8];
	struct err why = { 0 };

	*ret = NULL;
	if (engine_container(s->engine, service_slot_name(s, slot, name), &c, &why) < 0)
		return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, "%s", why.msg);
	/* the engine also answers to the beginning of an id */
	if (strcmp(jsn_str_or(c, "Name", "/") + 1, name) != 0)
		return 0;
	if (slot != SERVICE_NOW && !is_ours(s, c, j))
		return err_set(e, ERR_NO,
			       "container '%s' is in the way and not Gantry's: remove it", name);
	*ret = TAKE_PTR(c);
	return 0;
}

int
service_need(const struct service *s, struct json_t **ret, struct err *e)
{
	if (service_look(s, SERVICE_NOW, NULL, ret, e) < 0)
		return -1;
	if (*ret == NULL)
		return err_set(e, ERR_NOTFOUND, "no container '%s' at '%s'", s->name,
			       engine_host(s->engine));
	return 0;
}

bool
service_has_digest(const struct json_t *image, const struct digest *d)
{
	const struct json_t *all = jsn_get(image, "RepoDigests");

	for (size_t i = 0; i < jsn_len(all); i++) {
		const char *at = strrchr(jsn_str_or(jsn_at(all, i), "", ""), '@');

		if (at != NULL && strcmp(at + 1, d->str) == 0)
			return true;
	}
	return false;
}

/* "host:5000/repo:tag@digest" taken apart; what is not there stays as it is. */
static void
split_ref(const char *ref, struct service_image *ret)
{
	struct view v = view_of(ref), digest, tag;

	if (view_cut_last(&v, '@', &digest))
		(void)digest_parse(digest, &ret->digest, NULL);
	if (view_cut_last(&v, ':', &tag)) {
		if (memchr(tag.p, '/', tag.n) != NULL)
			v.n += tag.n + 1;
		else
			(void)snprintf(ret->tag, sizeof(ret->tag), VIEW_FMT, VIEW_ARG(tag));
	}
	(void)snprintf(ret->repo, sizeof(ret->repo), VIEW_FMT, VIEW_ARG(v));
}

/* The digest under which the image was pulled: of the same repository if it is
 * known, else any. */
static void
find_digest(const struct json_t *image, struct service_image *ret)
{
	const struct json_t *all = jsn_get(image, "RepoDigests");
	size_t n = strlen(ret->repo);

	for (int any = 0; any < 2; any++) {
		for (size_t i = 0; i < jsn_len(all); i++) {
			const char *s = jsn_str_or(jsn_at(all, i), "", "");
			const char *at = strrchr(s, '@');

			if (at == NULL ||
			    (!any && ((size_t)(at - s) != n || strncmp(s, ret->repo, n) != 0)))
				continue;
			(void)digest_parse(view_of(at + 1), &ret->digest, NULL);
			(void)snprintf(ret->repo, sizeof(ret->repo), "%.*s", (int)(at - s), s);
			return;
		}
	}
}

void
service_image(const struct json_t *container, const struct json_t *image, struct service_image *ret)
{
	const struct json_t *labels = jsn_get(container, "Config.Labels");
	const char *given = jsn_str_or(container, "Config.Image", "");
	const char *tag = jsn_str(jsn_at_key(labels, SPEC_LABEL_TAG), "");
	const struct json_t *of_image = jsn_get(image, "Config.Labels");

	*ret = (struct service_image){ 0 };
	if (!view_starts(view_of(given), "sha256:"))
		split_ref(given, ret);
	if (!digest_is_set(&ret->digest))
		find_digest(image, ret);
	/* an image that was started by digest alone still knows its version */
	if (tag == NULL && ret->tag[0] == '\0')
		tag = jsn_str(jsn_at_key(of_image, LABEL_VERSION), "");
	if (tag != NULL)
		(void)snprintf(ret->tag, sizeof(ret->tag), "%s", tag);
	if (digest_is_set(&ret->digest))
		(void)snprintf(ret->ref, sizeof(ret->ref), "%.*s@%s",
			       REF_STR_MAX - DIGEST_STR_MAX - 1, ret->repo, ret->digest.str);
	else
		(void)snprintf(ret->ref, sizeof(ret->ref), "%s", jsn_str_or(image, "Id", given));
	ret->handover =
		strcmp(jsn_str_or(jsn_at_key(of_image, SPEC_LABEL_HANDOVER), "", ""), "1") == 0;
}

int
service_runs(const struct service *s, struct service_image *ret, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	AUTO_JSN struct json_t *image = NULL;

	if (service_need(s, &c, e) < 0 ||
	    engine_image(s->engine, jsn_str_or(c, "Image", ""), &image, e) < 0)
		return -1;
	service_image(c, image, ret);
	return 0;
}

bool
service_joins(const struct json_t *container)
{
	return view_starts(view_of(jsn_str_or(container, "HostConfig.NetworkMode", "")),
			   "container:");
}

static bool
is_loopback(const char *ip)
{
	return view_starts(view_of(ip), "127.") || strcmp(ip, "::1") == 0;
}

/* The name of the machine on which the engine publishes at that address; "" if
 * it is one that only that machine itself can use. */
static const char *
published_at(const struct engine *eng, const char *ip)
{
	const char *machine = engine_machine(eng);

	if (machine[0] != '\0' && is_loopback(ip) && !is_loopback(machine))
		return "";
	if (ip[0] != '\0' && strcmp(ip, "0.0.0.0") != 0 && strchr(ip, ':') == NULL)
		return ip;
	return machine[0] != '\0' ? machine : "localhost";
}

static bool
published(const struct engine *eng, const struct json_t *container, char out[SERVICE_URL_MAX])
{
	const struct json_t *ports = jsn_get(container, "HostConfig.PortBindings");

	for (void *it = jsn_first(ports); it != NULL; it = jsn_next(ports, it)) {
		const struct json_t *first = jsn_at(jsn_value(it), 0);
		const char *port = jsn_str_or(first, "HostPort", "");
		const char *at = published_at(eng, jsn_str_or(first, "HostIp", ""));

		if (strstr(jsn_key(it), "/tcp") == NULL || port[0] == '\0' || at[0] == '\0')
			continue;
		(void)snprintf(out, SERVICE_URL_MAX,
			       strchr(at, ':') != NULL ? "http://[%s]:%s/health"
						       : "http://%s:%s/health",
			       at, port);
		return true;
	}
	return false;
}

int
service_url(const struct service *s, const struct json_t *container, char out[SERVICE_URL_MAX],
	    struct err *e)
{
	AUTO_JSN struct json_t *holder = NULL;
	const char *mode = jsn_str_or(container, "HostConfig.NetworkMode", "");

	out[0] = '\0';
	if (s->health[0] != '\0') {
		(void)snprintf(out, SERVICE_URL_MAX, "%s", s->health);
		return 0;
	}
	if (published(s->engine, container, out) || !service_joins(container))
		return 0;
	if (engine_container(s->engine, mode + strlen("container:"), &holder, e) < 0)
		return err_wrap(e, "the holder of '%s'", s->name);
	(void)published(s->engine, holder, out);
	return 0;
}
