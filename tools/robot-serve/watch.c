#include "watch.h"

#include <string.h>

#include "base/log.h"

void
watch_look(struct watch *w, struct motion *m)
{
	for (size_t i = 0; i < motion_count(m); i++) {
		const char *name = motion_plan(m, i)->name;
		struct err e = { 0 };
		enum err_code now = motion_problem(m, i, &e);

		if (strcmp(e.msg, w->seen[i].msg) == 0)
			continue;
		w->seen[i] = e;
		if (now != ERR_NONE)
			log_warn("robot '%s' cannot be driven: %s", name, e.msg);
		else
			log_info("robot '%s' can be driven", name);
	}
}
