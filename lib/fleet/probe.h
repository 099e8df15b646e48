/*
 * probe: is a service healthy?  One question to one target, or to many at once.
 *
 * Targets: http(s)://…, http+unix://SOCKET:/path, tcp://HOST:PORT;
 * docker:CONTAINER for what its own HEALTHCHECK says (without one, that it
 * runs), docker:CONTAINER/http://… and the like to be asked in that container's
 * network, which takes a container on this machine and CAP_SYS_ADMIN.
 *
 * Used by healthcheck, and by deploy and rollback for their gates.
 */
#ifndef GANTRY_FLEET_PROBE_H
#define GANTRY_FLEET_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

#define PROBE_AT_ONCE	 1024
#define PROBE_BODY_MAX	 (64U << 10) /* bytes of an answer that are looked at */
#define PROBE_REASON_MAX 256

struct probe_opts {
	int64_t timeout_ms;	    /* of one try */
	const char *status;	    /* "200-299,304"; NULL: 200-399 */
	const char *body_re;	    /* POSIX extended, of the whole body; or NULL */
	const char *const *json;    /* "PATH=VALUE" that the body must have; NULL-terminated */
	const char *const *headers; /* "Name: value"; NULL-terminated */
	const char *ca_file, *cert_file;
	bool insecure;
	int64_t max_time_ms;	 /* slower is unhealthy; 0: no limit */
	int64_t tls_days;	 /* a certificate that ends sooner is unhealthy; 0: any */
	const char *docker_host; /* "unix:///PATH"; NULL: /var/run/docker.sock */
};

struct probe_result {
	bool healthy;
	int status; /* HTTP status; 0 if none */
	int64_t ms;
	int64_t cert_until;	       /* when its certificate ends, seconds since 1970; or 0 */
	char peer[64];		       /* address that answered, "" if none */
	char reason[PROBE_REASON_MAX]; /* why not; "" if healthy */
};

/* 0 whenever there is an answer to the question, healthy or not; -1 if it
 * could not be asked at all (ERR_USAGE: target or options are wrong). */
int
probe_once(const char *target, const struct probe_opts *o, struct probe_result *ret, struct err *e);

/* Check a target, or options, without asking anything. */
int probe_check(const char *target, struct err *e);
int probe_check_opts(const struct probe_opts *o, struct err *e);

/* Many at once, on one thread.  The strings in the options are borrowed.
 * ERR_USAGE if the options are wrong. */
struct probe_many;
int probe_many_new(const struct probe_opts *o, struct probe_many **ret, struct err *e);
void probe_many_free(struct probe_many **m);
#define AUTO_PROBES AUTO(probe_many_free)

/* Ask once more; at most PROBE_AT_ONCE may be open.  timeout_ms is this try's,
 * more than 0. */
int probe_many_add(struct probe_many *m, const char *target, int64_t timeout_ms, void *arg,
		   struct err *e);
/* Wait at most ms for one of them: 1 and its arg, with *ret or, if it could not
 * be asked, with *ret_why set; 0 none yet (a signal ends the wait too); -1. */
int probe_many_next(struct probe_many *m, int64_t ms, void **ret_arg, struct probe_result *ret,
		    struct err *ret_why, struct err *e);

#endif
