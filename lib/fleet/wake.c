#include "fleet/wake.h"

#include <string.h>

#include "base/jsn.h"

/* It should run: the engine tried and failed, or ended it and did not try. */
static bool
was_left_down(const struct settle *s, const struct json_t *c)
{
	const char *policy = jsn_str_or(c, "HostConfig.RestartPolicy.Name", "");
	enum engine_end how;

	if (jsn_bool(c, "State.Running", false) ||
	    (strcmp(policy, "always") != 0 && strcmp(policy, "unless-stopped") != 0))
		return false;
	return jsn_str_or(c, "State.Error", "")[0] != '\0' ||
	       (engine_end(s->service->engine, c, false, &how, NULL) == 0 &&
		how == ENGINE_END_STARTING);
}

const char *
wake_service(const struct settle *s, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;
	int done;

	if (service_look(s->service, SERVICE_NOW, s->journal, &c, e) < 0)
		return NULL;
	if (c != NULL && !was_left_down(s, c))
		return NULL;
	if (c != NULL) {
		done = settle_start(s, c, e);
		if (done < 0)
			(void)err_wrap(e, "start '%s'", s->service->name);
		if (done <= 0)
			return done == 0 ? "was left down by the engine, is started" : NULL;
	}
	done = settle_is_gone(s, e);
	if (done <= 0 || settle_service(s, e) < 0)
		return NULL;
	return "was gone, is made again";
}
