#include "fleet/service.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "engine/spec.h"

#define LABEL_VERSION "org.opencontainers.image.version"

void
service_fleet_free(struct fleet **f)
{
	if (*f == NULL)
		return;
	for (size_t i = 0; i < (*f)->nengines; i++)
		engine_close(&(*f)->engines[i]);
	free((*f)->engines);
	free((*f)->services);
	free(*f);
	*f = NULL;
}

static struct engine *
shared_engine(struct fleet *f, const char *host, struct err *e)
{
	struct engine **more, *eng;

	for (size_t i = 0; i < f->nengines; i++)
		if (strcmp(engine_host(f->engines[i]), host) == 0)
			return f->engines[i];
	more = reallocarray(f->engines, f->nengines + 1, sizeof(struct engine *));
	if (more == NULL) {
		err_nomem(e);
		return NULL;
	}
	f->engines = more;
	if (engine_open(host, &eng, e) < 0)
		return NULL;
	f->engines[f->nengines++] = eng;
	return eng;
}

static int
add_service(struct fleet *f, const struct conf *c, struct view name, const char *host, bool connect,
	    struct err *e)
{
	struct service *more, *s;
	const char *own;

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
	own = conf_get_for(c, "SERVICE_*_HEALTH", s->name);
	(void)snprintf(s->health, sizeof(s->health), "%s", own != NULL ? own : "");
	own = conf_get_for(c, "SERVICE_*_HOST", s->name);
	if (connect) {
		s->engine = shared_engine(f, own != NULL && own[0] != '\0' ? own : host, e);
		if (s->engine == NULL)
			return -1;
	}
	f->n++;
	return 0;
}

static bool
is_wanted(struct view name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq(name, names[i]))
			return true;
	return n == 0;
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
service_fleet(const struct conf *c, const char *const *names, size_t n, const char *host,
	      bool connect, struct fleet **ret, struct err *e)
{
	AUTO_FLEET struct fleet *f = calloc(1, sizeof(*f));
	struct view rest, word;
	const char *all;

	if (f == NULL)
		return err_nomem(e);
	if (conf_need(c, "ROBOT_CONTAINERS", &all, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		rest = view_of(all);
		while (!found && next_word(&rest, &word))
			found = view_eq(word, names[i]);
		if (!found)
			return err_set(e, ERR_USAGE, "'%s' is not one of the services: %s",
				       names[i], all);
	}
	rest = view_of(all);
	while (next_word(&rest, &word))
		if (is_wanted(word, names, n) && add_service(f, c, word, host, connect, e) < 0)
			return -1;
	*ret = TAKE_PTR(f);
	return 0;
}

struct service *
service_by_name(const struct fleet *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->services[i].name, name) == 0)
			return &f->services[i];
	return NULL;
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
published(const struct json_t *container, char out[SERVICE_URL_MAX])
{
	const struct json_t *ports = jsn_get(container, "HostConfig.PortBindings");

	for (void *it = jsn_first(ports); it != NULL; it = jsn_next(ports, it)) {
		const struct json_t *first = jsn_at(jsn_value(it), 0);
		const char *port = jsn_str_or(first, "HostPort", "");
		const char *ip = jsn_str_or(first, "HostIp", "");

		if (strstr(jsn_key(it), "/tcp") == NULL || port[0] == '\0')
			continue;
		if (ip[0] == '\0' || strcmp(ip, "0.0.0.0") == 0 || strchr(ip, ':') != NULL)
			ip = "localhost";
		(void)snprintf(out, SERVICE_URL_MAX, "http://%s:%s/health", ip, port);
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
	if (published(container, out) || !service_joins(container))
		return 0;
	if (engine_container(s->engine, mode + strlen("container:"), &holder, e) < 0)
		return err_wrap(e, "the holder of '%s'", s->name);
	(void)published(holder, out);
	return 0;
}
