#include "fleet/elapsed.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsn.h"
#include "trust/period.h"

#define NS_PER_MS 1000000
#define UNSET_MS  1577836800000 /* 2020: before that no clock was ever set for this */

struct moment {
	char boot[CLOCK_BOOT_MAX]; /* "": not known */
	int64_t up_ms, wall_ms;
};

static void
now(struct moment *ret)
{
	clock_boot(ret->boot);
	ret->up_ms = clock_mono_ms();
	ret->wall_ms = clock_wall_ns() / NS_PER_MS;
}

static void
of(const struct json_t *record, struct moment *ret)
{
	(void)snprintf(ret->boot, sizeof(ret->boot), "%s", jsn_str_or(record, "boot", ""));
	ret->up_ms = jsn_int(record, "up", 0);
	if (!period_parse_time(view_of(jsn_str_or(record, "time", "")), &ret->wall_ms))
		ret->wall_ms = 0;
}

int64_t
elapsed_ms(const struct json_t *from, const struct json_t *to)
{
	struct moment a, b;
	int64_t ms;

	of(from, &a);
	if (to != NULL)
		of(to, &b);
	else
		now(&b);
	if (a.boot[0] != '\0' && strcmp(a.boot, b.boot) == 0)
		ms = b.up_ms - a.up_ms;
	else if (a.wall_ms >= UNSET_MS && b.wall_ms >= a.wall_ms)
		ms = b.wall_ms - a.wall_ms;
	else
		ms = a.boot[0] != '\0' && b.boot[0] != '\0' ? b.up_ms : 0;
	return ms > 0 ? ms : 0;
}
