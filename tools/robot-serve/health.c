#include "health.h"

#include <inttypes.h>

#include "access.h"
#include "base/jsn.h"

void
health_look(const struct robot *r, struct health *ret)
{
	*ret = (struct health){ 0 };
	if (access_check(r->access, &ret->problem[ret->n]) < 0)
		ret->n++;
}

const char *
health_word(const struct health *h)
{
	return h->n == 0 ? "healthy" : "unhealthy";
}

static void
member(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, "\"%s\":", key);
	jsn_quote(b, value);
	buf_addc(b, ',');
}

void
health_json(const struct robot *r, const struct health *h, struct buf *ret)
{
	buf_addc(ret, '{');
	member(ret, "status", health_word(h));
	member(ret, "version", r->version);
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
