#include "engine/ending.h"

#include <string.h>

#include "base/jsn.h"

#define NS_PER_MS 1000000

/* Those that Gantry sends mean something else, and Podman does not tell which it was. */
static bool
is_to_end(const char *signal)
{
	return signal[0] != '\0' && strcmp(signal, "10") != 0 && strcmp(signal, "12") != 0;
}

bool
ending_is_past(const struct ending *d)
{
	return d->finished_ms < d->up_ms;
}

int
ending_take(void *arg, struct view line, struct err *e)
{
	struct ending *d = arg;
	AUTO_JSN struct json_t *event = jsn_parse(line, "event", NULL);
	const char *action = jsn_str_or(event, "Action", "");

	d->n += jsn_is_object(event);
	if (strcmp(jsn_str_or(event, "Actor.ID", ""), d->id) != 0)
		return 0;
	if (strcmp(action, "start") == 0)
		d->killed = false;
	if (strcmp(action, "kill") == 0)
		d->killed |= is_to_end(jsn_str_or(event, "Actor.Attributes.signal", ""));
	if (strcmp(action, "die") != 0 ||
	    jsn_int(event, "timeNano", 0) / NS_PER_MS < d->finished_ms)
		return 0;
	d->over = true;
	return err_set(e, ERR_NONE, "that is all");
}

enum engine_end
ending_judge(const struct ending *d)
{
	if (ending_is_past(d))
		return d->killed && d->over ? ENGINE_END_STARTING : ENGINE_END_UNSEEN;
	if (d->killed)
		return ENGINE_END_KILLED;
	return d->over || d->n == 0 || d->n >= ENDING_EVENTS ? ENGINE_END_ITSELF
							     : ENGINE_END_UNSEEN;
}
