#include <stdint.h>

/* a program's own parser: it is in no library to link with */
#include "../../tools/robot-serve/command.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(const struct motion_command *c)
{
	bool ok = true;

	switch (c->kind) {
	case MOTION_DRIVE:
		ok = c->direction < MOTION_NONE && c->ttl_ms >= MOTION_TTL_MIN_MS &&
		     c->ttl_ms <= MOTION_TTL_MAX_MS && c->part >= 0 && c->part <= 1;
		break;
	case MOTION_EYE:
		ok = c->period_ms >= MOTION_PERIOD_MIN_MS && c->count >= 0;
		break;
	case MOTION_SERVO:
		ok = c->servo < ROBOTS_SERVOS_MAX && fabs(c->angle) <= MOTION_ANGLE_MAX;
		break;
	case MOTION_SPEED:
		ok = c->speed[0] >= 0 && c->speed[0] <= 1 && c->speed[1] >= 0 && c->speed[1] <= 1;
		break;
	default:
		break;
	}
	if (!ok)
		abort();
}

/* What is accepted is within the limits that motion relies on. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *field;

	for (int kind = MOTION_DRIVE; kind <= MOTION_STOP; kind++) {
		struct motion_command c = { .kind = (enum motion_kind)kind };

		if (command_parse((struct view){ (const char *)p, n }, &c, &field, NULL) == 0)
			check(&c);
	}
	return 0;
}
