/*
 * probe: is a service healthy?  One question to one target, or to many at once.
 *
 * Targets: http(s)://…, http+unix://SOCKET:/path, tcp://HOST:PORT.
 * Used by healthcheck, and by deploy and rollback for their gates.
 */
#ifndef GANTRY_FLEET_PROBE_H
#define GANTRY_FLEET_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

#define PROBE_BODY_MAX	  (64U << 10) /* bytes of an answer that are looked at */
#define PROBE_TARGETS_MAX 1024
#define PROBE_REASON_MAX  256

struct probe_opts {
	int64_t timeout_ms;	    /* of one try */
	const char *status;	    /* "200-299,304"; NULL: 200-399 */
	const char *body_re;	    /* POSIX extended, of the whole body; or NULL */
	const char *const *json;    /* "PATH=VALUE" that the body must have; NULL-terminated */
	const char *const *headers; /* "Name: value"; NULL-terminated */
	const char *ca_file, *cert_file;
	bool insecure;
	int64_t max_time_ms; /* slower is unhealthy; 0: no limit */
};

struct probe_result {
	bool healthy;
	int status; /* HTTP status; 0 if none */
	int64_t ms;
	char reason[PROBE_REASON_MAX]; /* why not; "" if healthy */
};

/* 0 whenever there is an answer to the question, healthy or not; -1 if it
 * could not be asked at all (ERR_USAGE: target or options are wrong). */
int
probe_once(const char *target, const struct probe_opts *o, struct probe_result *ret, struct err *e);

/* Check a target and options without asking anything. */
int probe_check(const char *target, const struct probe_opts *o, struct err *e);

#endif
