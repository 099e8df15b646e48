#include "fleet/gate.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/view.h"
#include "fleet/probe.h"

#define PATH	"/ready-for-update"
#define BUSY	423
#define POLL_MS 500
#define TRY_MS	5000
#define URL_MAX 512

static bool
gate_url(const char *health, char out[URL_MAX])
{
	const char *host = strstr(health, "://"), *path;
	size_t n;

	if (host == NULL || !view_starts(view_of(health), "http") ||
	    view_starts(view_of(health), "http+"))
		return false;
	path = strchr(host + 3, '/');
	n = path != NULL ? (size_t)(path - health) : strlen(health);
	return snprintf(out, URL_MAX, "%.*s" PATH, (int)n, health) < URL_MAX;
}

static bool
is_busy(const char *url)
{
	struct probe_opts o = { .timeout_ms = TRY_MS };
	struct probe_result r;

	return probe_once(url, &o, &r, NULL) == 0 && r.status == BUSY;
}

int
gate_wait(const char *health_url, int64_t max_wait_ms, const volatile bool *stop,
	  void (*busy)(void *arg), void *arg, struct err *e)
{
	int64_t until = clock_mono_ms() + max_wait_ms;
	char url[URL_MAX];

	if (!gate_url(health_url, url) || !is_busy(url))
		return 0;
	if (busy != NULL)
		busy(arg);
	do {
		if (clock_mono_ms() >= until)
			return err_set(e, ERR_TEMP, "the robot is busy");
		clock_sleep_ms(POLL_MS, stop);
		if (stop != NULL && *stop)
			return err_set(e, ERR_TEMP, "stopped by a signal");
	} while (is_busy(url));
	return 0;
}
