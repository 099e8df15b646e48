/*
 * host: the table that a kind of engine fills in.  Each entry does what the
 * function of the same name in engine.h promises.
 */
#ifndef GANTRY_ENGINE_HOST_H
#define GANTRY_ENGINE_HOST_H

#include "engine/engine.h"

struct host_ops {
	void (*close)(void *self);
	const char *(*version)(const void *self);
	const char *(*api)(const void *self);
	int (*info)(void *self, struct json_t **ret, struct err *e);
	int (*container)(void *self, const char *id, struct json_t **ret, struct err *e);
	int (*image)(void *self, const char *ref, struct json_t **ret, struct err *e);
	int (*pull)(void *self, const char *repo, const struct digest *d, const char *auth,
		    const volatile bool *stop, struct err *e);
	int (*tag)(void *self, const char *ref, const char *repo, const char *tag, struct err *e);
	int (*image_remove)(void *self, const char *ref, struct err *e);
	int (*create)(void *self, const char *name, const struct json_t *spec,
		      char ret_id[ENGINE_ID_MAX], struct err *e);
	int (*start)(void *self, const char *id, struct err *e);
	int (*stop)(void *self, const char *id, struct err *e);
	int (*kill)(void *self, const char *id, const char *signal, struct err *e);
	int (*rename)(void *self, const char *id, const char *name, struct err *e);
	int (*restart_policy)(void *self, const char *id, const struct json_t *policy,
			      struct err *e);
	int (*remove)(void *self, const char *id, struct err *e);
	int (*exec)(void *self, const char *id, const char *const *argv, int64_t timeout_ms,
		    struct engine_exec *ret, struct err *e);
	int (*end)(void *self, const struct json_t *inspected, bool just_now, enum engine_end *ret,
		   struct err *e);
	int (*last_line)(void *self, const char *id, char *out, size_t size, struct err *e);
	int (*logs)(void *self, const char *id, int lines, int64_t ms, struct buf *ret,
		    struct err *e);
};

#endif
