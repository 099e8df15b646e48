/*
 * engine: what a host that runs containers can do.
 *
 * One struct engine is one host.  Containers are named by id or name, images
 * by reference or id; inspect answers are JSON in the form of the Docker Engine
 * API.  Every call that changes something may be repeated: starting what runs,
 * stopping what is stopped and removing what is gone is done already.
 *
 * Errors: when it is opened, ERR_SYS if there is no engine on this machine, or it
 * is too old or too new, or another machine asks for a person (an unknown host
 * key, a certificate that is wrong), and ERR_TEMP if another machine is not
 * reached; ERR_TEMP if it stops answering later, or a registry that it
 * pulls from does; ERR_NOTFOUND if the container or image is not there;
 * ERR_SPACE if its disk is full; ERR_NO if it refuses in words.
 */
#ifndef GANTRY_ENGINE_ENGINE_H
#define GANTRY_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ENGINE_ID_MAX	    129
#define ENGINE_EXEC_OUT_MAX 4096 /* bytes of a command's output that are kept */
#define ENGINE_STOP_S	    10	 /* between SIGTERM and SIGKILL, if a container does not say */

struct json_t;
struct digest;
struct buf;
struct engine;

struct engine_exec {
	int status; /* of the command; -1 if it was still running at the deadline */
	char out[ENGINE_EXEC_OUT_MAX];
};

/* How a container came to its end, as far as its engine remembers. */
enum engine_end {
	ENGINE_END_ITSELF,   /* by itself, or nobody knows */
	ENGINE_END_KILLED,   /* somebody asked for it: a person, or the engine that ended too */
	ENGINE_END_UNSEEN,   /* with an engine before this one */
	ENGINE_END_STARTING, /* this engine ended it when it came up */
};

struct engine_opts {
	const char
		*cert_dir; /* of tcp://: ca.pem, cert.pem and key.pem, as far as there; or NULL */
	bool plain;	   /* tcp:// without TLS */
	char *const *environment; /* of programs that are started; lent */
};

/* host: see address.h; ERR_CONFIG if it is none. */
int engine_open(const char *host, const struct engine_opts *o, struct engine **ret, struct err *e);
/* A session of its own with the same engine, for another thread: one session is
 * for one thread at a time. */
int engine_again(const struct engine *eng, struct engine **ret, struct err *e);
void engine_close(struct engine **eng);
#define AUTO_ENGINE AUTO(engine_close)
const char *engine_host(const struct engine *eng);
/* Its machine's name, "" if it is this machine. */
const char *engine_machine(const struct engine *eng);
/* "20.10.24", and the version of the API that is spoken. */
const char *engine_version(const struct engine *eng);
const char *engine_api(const struct engine *eng);

/* *ret is the caller's. */
int engine_info(struct engine *eng, struct json_t **ret, struct err *e);
int engine_container(struct engine *eng, const char *id, struct json_t **ret, struct err *e);
int engine_image(struct engine *eng, const char *ref, struct json_t **ret, struct err *e);

/* repo ("localhost:5000/robot-app") by digest, all the way: what came is
 * looked up by that digest before it is believed.  auth: see auth_for_engine,
 * "" for none.  stop may be NULL. */
int engine_pull(struct engine *eng, const char *repo, const struct digest *d, const char *auth,
		const volatile bool *stop, struct err *e);
int
engine_tag(struct engine *eng, const char *ref, const char *repo, const char *tag, struct err *e);
int engine_image_remove(struct engine *eng, const char *ref, struct err *e);

/* spec: the body of a create request (see spec.h). */
int engine_create(struct engine *eng, const char *name, const struct json_t *spec,
		  char ret_id[ENGINE_ID_MAX], struct err *e);
int engine_start(struct engine *eng, const char *id, struct err *e);
/* SIGTERM (or the image's own signal), and SIGKILL after the container's own time. */
int engine_stop(struct engine *eng, const char *id, struct err *e);
/* signal: "SIGUSR1".  ERR_NO if the container does not run.  Goes past the
 * engine where that is possible (see local.h). */
int engine_kill(struct engine *eng, const char *id, const char *signal, struct err *e);
int engine_rename(struct engine *eng, const char *id, const char *name, struct err *e);
/* policy: {"Name":"unless-stopped","MaximumRetryCount":0}.  1 if this engine cannot
 * change it: the container keeps what it was made with. */
int engine_restart_policy(struct engine *eng, const char *id, const struct json_t *policy,
			  struct err *e);
/* With force if it may still run; its volumes stay. */
int engine_remove(struct engine *eng, const char *id, struct err *e);

/* Run a command in a container and wait for it, at most timeout_ms. */
int engine_exec(struct engine *eng, const char *id, const char *const *argv, int64_t timeout_ms,
		struct engine_exec *ret, struct err *e);
/* inspected: the container, which has ended, also if it was started again.  just_now: wait a second
 * for what the engine has not told yet; without, only an end before it answered is looked for. */
int engine_end(struct engine *eng, const struct json_t *inspected, bool just_now,
	       enum engine_end *ret, struct err *e);
/* The last line that a container wrote, "" if none. */
int engine_last_line(struct engine *eng, const char *id, char *out, size_t size, struct err *e);
/* Its last lines with their times, at most ms; of what does not fit the end is kept. */
int engine_logs(struct engine *eng, const char *id, int lines, int64_t ms, struct buf *ret,
		struct err *e);

#endif
