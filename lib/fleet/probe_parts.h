/*
 * probe_parts: what the parts of probe share.  For probe*.c alone.
 */
#ifndef GANTRY_FLEET_PROBE_PARTS_H
#define GANTRY_FLEET_PROBE_PARTS_H

#include <sys/un.h>

#include "base/regex.h"
#include "engine/peek.h"
#include "fleet/probe.h"
#include "net/http_many.h"

enum probe_kind { PROBE_HTTP, PROBE_TCP, PROBE_CONTAINER };

struct probe_target {
	enum probe_kind kind;
	char *url; /* NULL for a container's own check */
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* "" for none */
	char container[PEEK_NAME_MAX]; /* in whose network; "" for our own */
};

int probe_target_parse(const char *target, struct probe_target *ret, struct err *e);
void probe_target_clear(struct probe_target *t);
#define AUTO_TARGET AUTO(probe_target_clear)

/* 1 it is in the list, 0 it is not; want 0: only see whether it is a list. */
int probe_status_in(const char *list, int want, struct err *e);

void
probe_unhealthy(struct probe_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* r->status, ms and cert_until are there; re: body_re, compiled, or NULL. */
void probe_judge(const struct probe_opts *o, const struct regex *re, const struct probe_target *t,
		 const struct buf *body, struct probe_result *r);
void probe_judge_container(const struct peek *p, struct probe_result *r);

#endif
