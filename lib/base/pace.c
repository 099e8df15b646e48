#include "base/pace.h"

#include "base/clock.h"

#define NS_PER_S   1000000000LL
#define NS_PER_MS  1000000
#define LOOK_UP_MS 50 /* a signal wakes one thread only: the others look */

int64_t
pace_reserve(struct pace *p, size_t n, int64_t now_ns)
{
	int64_t burst = (int64_t)PACE_BURST_MS * NS_PER_MS, wait;

	if (p->rate <= 0)
		return 0;
	(void)pthread_mutex_lock(&p->lock);
	if (p->free_ns < now_ns)
		p->free_ns = now_ns;
	p->free_ns += (int64_t)((double)n * NS_PER_S / (double)p->rate);
	wait = p->free_ns - now_ns - burst;
	(void)pthread_mutex_unlock(&p->lock);
	return wait > 0 ? wait : 0;
}

bool
pace_take(struct pace *p, size_t n)
{
	int64_t end, left;

	if (p == NULL || p->rate <= 0)
		return true;
	end = clock_mono_ns();
	end += pace_reserve(p, n, end);
	while ((left = end - clock_mono_ns()) > 0) {
		if (p->stop != NULL && *p->stop)
			return false;
		left = (left + NS_PER_MS - 1) / NS_PER_MS;
		clock_sleep_ms(left < LOOK_UP_MS ? left : LOOK_UP_MS, p->stop);
	}
	return true;
}
