#include "fleet/step.h"

#include "base/jsn.h"

#ifdef GANTRY_CRASH_TEST
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

static const char *const names[STEP_COUNT] = {
	[STEP_BEGIN] = "begin",
	[STEP_SERVICE] = "service",
	[STEP_CREATE] = "create",
	[STEP_GUARD_OLD] = "guard-old",
	[STEP_HALT_OLD] = "halt-old",
	[STEP_START] = "start",
	[STEP_PROBE] = "probe",
	[STEP_PROMOTE] = "promote",
	[STEP_DEMOTE] = "demote",
	[STEP_SOAK] = "soak",
	[STEP_POLICY_NEW] = "policy-new",
	[STEP_POLICY_OLD] = "policy-old",
	[STEP_RENAME_OLD] = "rename-old",
	[STEP_RENAME_NEW] = "rename-new",
	[STEP_STOP_OLD] = "stop-old",
	[STEP_REMOVE_OLD] = "remove-old",
	[STEP_PINS] = "pins",
	[STEP_MOVED] = "moved",
	[STEP_PROVEN] = "proven",
	[STEP_END] = "end",
	[STEP_FAILED] = "failed",
	[STEP_QUARANTINE] = "quarantine",
	[STEP_BACK] = "back",
	[STEP_RESUME] = "resume",
	[STEP_SETTLE_MAKE] = "settle-make",
	[STEP_SETTLE_PROMOTE] = "settle-promote",
	[STEP_SETTLE_RENAME] = "settle-rename",
	[STEP_SETTLE_REMOVE_NEXT] = "settle-remove-next",
	[STEP_SETTLE_REMOVE_PREV] = "settle-remove-prev",
	[STEP_SETTLE_RESTART] = "settle-restart",
};

const char *
step_name(enum step step)
{
	return names[step];
}

#ifdef GANTRY_CRASH_TEST
void
step_crash(enum step step)
{
	static _Atomic int seen[STEP_COUNT];
	const char *at = getenv("GANTRY_CRASH_AT");
	size_t n = at != NULL ? strcspn(at, ":") : 0;

	if (at == NULL || strlen(names[step]) != n || strncmp(at, names[step], n) != 0)
		return;
	if (++seen[step] == (at[n] == ':' ? (int)strtol(at + n + 1, NULL, 10) : 1))
		(void)raise(SIGKILL);
}

__attribute__((constructor)) static void
list_names(void)
{
	const char *at = getenv("GANTRY_CRASH_AT");

	if (at == NULL || strcmp(at, "list") != 0)
		return;
	for (int i = 0; i < STEP_COUNT; i++)
		(void)puts(names[i]);
	exit(0);
}
#endif

int
step_announce(struct journal *j, const char *txn, const char *service, enum step step,
	      struct err *e)
{
	struct json_t *fields = jsn_object();

	jsn_set_str(fields, "service", service);
	jsn_set_str(fields, "step", names[step]);
	if (journal_write(j, "step", txn, fields, e) < 0)
		return -1;
	step_crash(step);
	return 0;
}
