#include "health.h"

#include <inttypes.h>

#include "access.h"
#include "base/jsn.h"

static void
note(struct health *h, enum health_level level)
{
	h->n++;
	if (level > h->level)
		h->level = level;
}

void
health_look(const struct robot *r, struct health *ret)
{
	ret->level = HEALTH_HEALTHY;
	ret->n = 0;
	if (access_check(r->access, &ret->problem[ret->n]) < 0)
		note(ret, HEALTH_UNHEALTHY);
	else if (access_room(r->access, &ret->problem[ret->n]) < 0)
		note(ret, HEALTH_DEGRADED);
	if (motion_alive(r->motion, &ret->problem[ret->n]) < 0)
		note(ret, HEALTH_UNHEALTHY);
	for (size_t i = 0; i < motion_count(r->motion); i++) {
		enum err_code code = motion_problem(r->motion, i, &ret->problem[ret->n]);

		if (code != ERR_NONE)
			note(ret, code == ERR_TEMP ? HEALTH_DEGRADED : HEALTH_UNHEALTHY);
	}
}

const char *
health_word(const struct health *h)
{
	static const char *const words[] = { "healthy", "degraded", "unhealthy" };

	return words[h->level];
}

static void
member(struct buf *b, const char *key, const char *value)
{
	buf_addc(b, '"');
	buf_adds(b, key);
	buf_adds(b, "\":");
	jsn_quote(b, value);
	buf_addc(b, ',');
}

void
health_json(const struct robot *r, const struct health *h, struct buf *ret)
{
	buf_addc(ret, '{');
	member(ret, "status", health_word(h));
	member(ret, "version", r->version);
	if (r->digest[0] != '\0')
		member(ret, "digest", r->digest);
	member(ret, "robot_id", r->id);
	member(ret, "instance", r->instance);
	member(ret, "role", robot_role(r));
	member(ret, "started", r->started);
	buf_addf(ret, "\"uptime_seconds\":%" PRId64 ",\"problems\":[", robot_uptime_s(r));
	for (size_t i = 0; i < h->n; i++) {
		if (i > 0)
			buf_addc(ret, ',');
		jsn_quote(ret, h->problem[i].msg);
	}
	buf_adds(ret, "]}\n");
}
