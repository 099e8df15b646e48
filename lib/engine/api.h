/*
 * api: requests to a Docker Engine, from API 1.40 (19.03) on: over its socket,
 * over TCP with TLS, or through ssh.
 *
 * The version spoken is the newest that both sides know: the engine's own or
 * 1.51, whichever is older; an engine that does not speak that one any more is
 * an error.
 */
#ifndef GANTRY_ENGINE_API_H
#define GANTRY_ENGINE_API_H

#include <stdbool.h>

#include "engine/address.h"
#include "engine/engine.h"
#include "net/http.h"

#define API_URL_MAX  2048
#define API_NO_SPACE "no space left on device" /* how engines say it */

struct json_t;
struct ssh;

struct api {
	struct address address;
	struct http *http;
	struct ssh *ssh; /* NULL: not through ssh */
	char *name;	 /* for people: the host as given, or the socket's path */
	char *base;	 /* of addresses: "http://docker" */
	char *ca, *cert, *key;
	char engine[64];  /* the engine's version, "20.10.24" */
	char version[16]; /* of the API, "1.41" */
};

/* See engine_open. */
int api_open(const char *host, const struct engine_opts *o, struct api **ret, struct err *e);
void api_close(struct api **a);
#define AUTO_API AUTO(api_close)

/* Which version to speak with an engine that speaks these, "1.41" and "1.12". */
int api_negotiate(const char *newest, const char *oldest, char out[16], struct err *e);
bool api_at_least(const struct api *a, int minor);

/* A session of one's own with the engine. */
int api_session(const struct api *a, int64_t idle_ms, const volatile bool *stop, struct http **ret,
		struct err *e);
/* Say of a request that failed which engine it was, and what ssh said. */
int api_failed(const struct api *a, struct err *e);

/* The whole address of a path. */
int api_url(const struct api *a, const char *path, struct buf *ret, struct err *e);
/* An answer, whatever its status is. */
int api_call(struct api *a, const char *method, const char *path, const struct json_t *body,
	     struct http_resp *ret, struct err *e);
/* An answer that must be 2xx or also_ok; its JSON, the caller's, if ret is set. */
int api_ask(struct api *a, const char *method, const char *path, const struct json_t *body,
	    int also_ok, struct json_t **ret, struct err *e);
/* Raise what an answer says. */
int api_refuse(const struct http_resp *r, struct err *e);

#endif
