#include "robot.h"

const char *
robot_role(const struct robot *r)
{
	static const char *const names[] = { "standby", "serving", "draining" };

	return names[atomic_load(&r->role)];
}

int64_t
robot_uptime_s(const struct robot *r)
{
	return (clock_mono_ms() - r->started_ms) / 1000;
}
