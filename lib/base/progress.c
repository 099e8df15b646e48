#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define REDRAW_MS 100
#define BAR_CELLS 24

static void
draw(struct progress *p, int64_t now)
{
	int64_t ms = now - p->started_ms;
	double rate = ms > 0 ? (double)p->done * 1000 / (double)ms : 0;
	int cells = p->total > 0 ? (int)(p->done * BAR_CELLS / p->total) : 0;

	if (p->total > 0)
		(void)fprintf(stderr, "\r\033[K%s [%.*s%*s] %3" PRId64 "%% %.1f MB/s", p->label,
			      cells, "########################", BAR_CELLS - cells, "",
			      p->done * 100 / p->total, rate / 1e6);
	else
		(void)fprintf(stderr, "\r\033[K%s %.1f MB %.1f MB/s", p->label,
			      (double)p->done / 1e6, rate / 1e6);
	p->drawn_ms = now;
}

void
progress_start(struct progress *p, const char *label, int64_t total)
{
	*p = (struct progress){ .total = total,
				.started_ms = clock_mono_ms(),
				.shown = isatty(STDERR_FILENO) != 0 };
	(void)snprintf(p->label, sizeof(p->label), "%s", label);
}

void
progress_add(struct progress *p, int64_t bytes)
{
	int64_t now;

	p->done += bytes;
	if (p->total > 0 && p->done > p->total)
		p->done = p->total;
	if (!p->shown)
		return;
	now = clock_mono_ms();
	if (now - p->drawn_ms >= REDRAW_MS)
		draw(p, now);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
	p->shown = false;
}
