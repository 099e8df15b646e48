#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "engine/address.h"
#include "engine/docker.h"

struct engine {
	char *host;
	struct address address;
	char *cert_dir;
	bool plain;
	char *const *environment;
	const struct host_ops *ops;
	void *self;
};

int
engine_open(const char *host, const struct engine_opts *o, struct engine **ret, struct err *e)
{
	AUTO_ENGINE struct engine *eng = calloc(1, sizeof(*eng));

	if (eng == NULL || (eng->host = strdup(host)) == NULL ||
	    (o->cert_dir != NULL && (eng->cert_dir = strdup(o->cert_dir)) == NULL))
		return err_nomem(e);
	eng->plain = o->plain;
	eng->environment = o->environment;
	if (address_parse(host, &eng->address, e) < 0 ||
	    docker_open(host, o, &eng->ops, &eng->self, e) < 0)
		return -1;
	*ret = TAKE_PTR(eng);
	return 0;
}

int
engine_again(const struct engine *eng, struct engine **ret, struct err *e)
{
	struct engine_opts o = { .cert_dir = eng->cert_dir,
				 .plain = eng->plain,
				 .environment = eng->environment };

	return engine_open(eng->host, &o, ret, e);
}

void
engine_close(struct engine **eng)
{
	if (*eng == NULL)
		return;
	if ((*eng)->self != NULL)
		(*eng)->ops->close((*eng)->self);
	free((*eng)->host);
	free((*eng)->cert_dir);
	free(*eng);
	*eng = NULL;
}

const char *
engine_host(const struct engine *eng)
{
	return eng->host;
}

const char *
engine_machine(const struct engine *eng)
{
	return eng->address.host;
}

const char *
engine_version(const struct engine *eng)
{
	return eng->ops->version(eng->self);
}

const char *
engine_api(const struct engine *eng)
{
	return eng->ops->api(eng->self);
}

int
engine_info(struct engine *eng, struct json_t **ret, struct err *e)
{
	return eng->ops->info(eng->self, ret, e);
}

int
engine_container(struct engine *eng, const char *id, struct json_t **ret, struct err *e)
{
	return eng->ops->container(eng->self, id, ret, e);
}

int
engine_image(struct engine *eng, const char *ref, struct json_t **ret, struct err *e)
{
	return eng->ops->image(eng->self, ref, ret, e);
}

int
engine_pull(struct engine *eng, const char *repo, const struct digest *d, const char *auth,
	    const volatile bool *stop, struct err *e)
{
	return eng->ops->pull(eng->self, repo, d, auth, stop, e);
}

int
engine_tag(struct engine *eng, const char *ref, const char *repo, const char *tag, struct err *e)
{
	return eng->ops->tag(eng->self, ref, repo, tag, e);
}

int
engine_image_remove(struct engine *eng, const char *ref, struct err *e)
{
	return eng->ops->image_remove(eng->self, ref, e);
}

int
engine_create(struct engine *eng, const char *name, const struct json_t *spec,
	      char ret_id[ENGINE_ID_MAX], struct err *e)
{
	return eng->ops->create(eng->self, name, spec, ret_id, e);
}

int
engine_start(struct engine *eng, const char *id, struct err *e)
{
	return eng->ops->start(eng->self, id, e);
}

int
engine_stop(struct engine *eng, const char *id, struct err *e)
{
	return eng->ops->stop(eng->self, id, e);
}

int
engine_kill(struct engine *eng, const char *id, const char *signal, struct err *e)
{
	return eng->ops->kill(eng->self, id, signal, e);
}

int
engine_rename(struct engine *eng, const char *id, const char *name, struct err *e)
{
	return eng->ops->rename(eng->self, id, name, e);
}

int
engine_restart_policy(struct engine *eng, const char *id, const struct json_t *policy,
		      struct err *e)
{
	return eng->ops->restart_policy(eng->self, id, policy, e);
}

int
engine_remove(struct engine *eng, const char *id, struct err *e)
{
	return eng->ops->remove(eng->self, id, e);
}

int
engine_exec(struct engine *eng, const char *id, const char *const *argv, int64_t timeout_ms,
	    struct engine_exec *ret, struct err *e)
{
	return eng->ops->exec(eng->self, id, argv, timeout_ms, ret, e);
}

int
engine_end(struct engine *eng, const struct json_t *inspected, bool just_now, enum engine_end *ret,
	   struct err *e)
{
	return eng->ops->end(eng->self, inspected, just_now, ret, e);
}

int
engine_last_line(struct engine *eng, const char *id, char *out, size_t size, struct err *e)
{
	return eng->ops->last_line(eng->self, id, out, size, e);
}

int
engine_logs(struct engine *eng, const char *id, int lines, int64_t ms, struct buf *ret,
	    struct err *e)
{
	return eng->ops->logs(eng->self, id, lines, ms, ret, e);
}
