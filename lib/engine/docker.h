/*
 * docker: the Docker Engine behind engine.h (see api.h for versions).
 */
#ifndef GANTRY_ENGINE_DOCKER_H
#define GANTRY_ENGINE_DOCKER_H

#include "engine/host.h"

/* See engine_open. */
int docker_open(const char *host, const struct engine_opts *o, const struct host_ops **ret_ops,
		void **ret_self, struct err *e);

#endif
