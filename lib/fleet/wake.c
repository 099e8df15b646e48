#include "fleet/wake.h"

#include <string.h>

#include "base/jsn.h"

/* It should run: the engine tried and failed. */
static bool
was_left_down(const struct json_t *c)
{
	const char *policy = jsn_str_or(c, "HostConfig.RestartPolicy.Name", "");

	return !jsn_bool(c, "State.Running", false) &&
	       jsn_str_or(c, "State.Error", "")[0] != '\0' &&
	       (strcmp(policy, "always") == 0 || strcmp(policy, "unless-stopped") == 0);
}

int
wake_service(const struct service *s, struct err *e)
{
	AUTO_JSN struct json_t *c = NULL;

	if (service_look(s, SERVICE_NOW, NULL, &c, e) < 0)
		return -1;
	if (c == NULL || !was_left_down(c))
		return 0;
	if (engine_start(s->engine, jsn_str_or(c, "Id", ""), e) < 0)
		return err_wrap(e, "start '%s'", s->name);
	return 1;
}
