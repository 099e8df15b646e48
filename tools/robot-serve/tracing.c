#include "tracing.h"

#include "base/log.h"
#include "lazy/curl.h"
#include "net/otlp.h"

#define FLUSH_MS 1000

struct tracing {
	struct trace_settings settings;
	struct otlp *otlp;
};

static void
say(void *arg, const char *words)
{
	(void)arg;
	log_warn("traces: %s", words);
}

static int
post(void *arg, const struct trace_post *p, struct trace_reply *ret, struct err *e)
{
	return lazy_curl(e) < 0 ? -1 : otlp_post(arg, p, ret, e);
}

int
tracing_new(struct robot *r, char *const *environment, struct tracing **ret, struct err *e)
{
	const char *const own[] = { "service.name",
				    "robot-serve",
				    "service.version",
				    r->version,
				    "service.instance.id",
				    r->instance,
				    "robot.id",
				    r->id,
				    "telemetry.sdk.name",
				    "gantry",
				    "telemetry.sdk.language",
				    "c",
				    NULL };
	struct tracing *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	*ret = t;
	if (trace_settings_load(environment, own, say, NULL, &t->settings, e) < 0)
		return -1;
	if (t->settings.url == NULL)
		return 0;
	log_debug("traces go to '%s'", t->settings.url);
	if (otlp_new(&t->settings, &t->otlp, e) < 0)
		return -1;
	return trace_new(&t->settings, post, t->otlp, say, NULL, &r->trace, e);
}

void
tracing_free(struct robot *r, struct tracing **t)
{
	/* what hangs goes with the process */
	if (*t == NULL || !trace_free(&r->trace, FLUSH_MS))
		return;
	otlp_free(&(*t)->otlp);
	trace_settings_clear(&(*t)->settings);
	free(*t);
	*t = NULL;
}
