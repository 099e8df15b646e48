#include "watch.h"

#include "base/log.h"

void
watch_look(struct watch *w, struct motion *m)
{
	for (size_t i = 0; i < motion_count(m); i++) {
		const char *name = motion_plan(m, i)->name;
		struct err e = { 0 };
		enum err_code now = motion_problem(m, i, &e);

		if ((now == ERR_NONE) == (w->seen[i] == ERR_NONE) &&
		    !(w->seen[i] == ERR_TEMP && now != ERR_TEMP))
			continue;
		w->seen[i] = now;
		if (now != ERR_NONE)
			log_warn("robot '%s' cannot be driven: %s", name, e.msg);
		else
			log_info("robot '%s' can be driven", name);
	}
}
