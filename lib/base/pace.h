/*
 * pace: so many bytes a second, for all threads that share one.
 *
 * Who is about to move n bytes takes them first, and is made to wait until
 * there is room for them: over any time t at most rate * t bytes are handed
 * out, and PACE_BURST_MS worth of them more.  Time in which nobody took
 * anything is lost, not saved up.
 */
#ifndef GANTRY_BASE_PACE_H
#define GANTRY_BASE_PACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_BURST_MS 100

struct pace {
	pthread_mutex_t lock;
	int64_t rate;		   /* bytes a second; 0: no limit */
	int64_t free_ns;	   /* when all that was taken will have been moved */
	const volatile bool *stop; /* nobody waits any more when it is true; may be NULL */
};

#define PACE_INIT(rate_, stop_) \
	((struct pace){ .lock = PTHREAD_MUTEX_INITIALIZER, .rate = (rate_), .stop = (stop_) })

/* Wait for n bytes of room; false if stop came first.  p may be NULL: no
 * limit. */
bool pace_take(struct pace *p, size_t n);
/* The arithmetic of it: n bytes are taken at now_ns of the monotonic clock;
 * how many nanoseconds to wait before moving them. */
int64_t pace_reserve(struct pace *p, size_t n, int64_t now_ns);

#endif
