/*
 * clock: what time it is, for two different questions.
 *
 * Durations and deadlines use the monotonic clock, which no one can set.
 * Times that people read or other hosts compare use the wall clock.
 */
#ifndef GANTRY_BASE_CLOCK_H
#define GANTRY_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_RFC3339_MAX 32
#define CLOCK_BOOT_MAX	  9

int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
int64_t clock_wall_ns(void); /* since 1970, UTC */
/* The start of this machine since which the monotonic clock counts, "" if the kernel does not tell;
 * two of them are two clocks. */
void clock_boot(char out[CLOCK_BOOT_MAX]);
/* Sleeps on through signals unless *stop becomes true (stop may be NULL). */
void clock_sleep_ms(int64_t ms, const volatile bool *stop);
/* "2026-11-21T06:09:00.123Z" (RFC 3339, UTC, milliseconds) into out. */
void clock_rfc3339(int64_t wall_ns, char out[CLOCK_RFC3339_MAX]);

/* A point on the monotonic clock; {0} never comes. */
struct deadline {
	int64_t at_ms;
};
struct deadline clock_deadline(int64_t ms); /* ms <= 0: never */
bool clock_over(struct deadline d);
/* What is left, at least 0; cap if it never comes or is further away. */
int64_t clock_left_ms(struct deadline d, int64_t cap);

#endif
