#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/scope.h"

#define NS_PER_MS 1000000
#define MS_PER_S  1000
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

int64_t
clock_mono_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * MS_PER_S * NS_PER_MS + ts.tv_nsec;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_ns() / NS_PER_MS;
}

int64_t
clock_wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * MS_PER_S * NS_PER_MS + ts.tv_nsec;
}

void
clock_boot(char out[CLOCK_BOOT_MAX])
{
	AUTO_FD int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);

	/* its first digits are enough to tell a few starts apart */
	if (fd < 0 || read(fd, out, CLOCK_BOOT_MAX - 1) != CLOCK_BOOT_MAX - 1)
		out[0] = '\0';
	out[CLOCK_BOOT_MAX - 1] = '\0';
}

void
clock_sleep_ms(int64_t ms, const volatile bool *stop)
{
	struct timespec ts = { .tv_sec = ms / MS_PER_S, .tv_nsec = (ms % MS_PER_S) * NS_PER_MS };

	if (ms <= 0)
		return;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		if (stop != NULL && *stop)
			return;
}

void
clock_rfc3339(int64_t wall_ns, char out[CLOCK_RFC3339_MAX])
{
	time_t s = (time_t)(wall_ns / NS_PER_MS / MS_PER_S);
	int ms = (int)(wall_ns / NS_PER_MS % MS_PER_S);
	struct tm tm;
	size_t n = 0;

	if (gmtime_r(&s, &tm) != NULL)
		n = strftime(out, CLOCK_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, CLOCK_RFC3339_MAX - n, ".%03dZ", ms);
}

struct deadline
clock_deadline(int64_t ms)
{
	return (struct deadline){ ms <= 0 ? 0 : clock_mono_ms() + ms };
}

bool
clock_over(struct deadline d)
{
	return d.at_ms != 0 && clock_mono_ms() >= d.at_ms;
}

int64_t
clock_left_ms(struct deadline d, int64_t cap)
{
	int64_t left;

	if (d.at_ms == 0)
		return cap;
	left = d.at_ms - clock_mono_ms();
	if (left < 0)
		left = 0;
	return left < cap ? left : cap;
}
