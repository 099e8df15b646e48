/*
 * progress: how far the running transfers are, for people at a terminal.
 *
 * One line for each bar that runs and a line for all of them, on standard
 * error.  Where that is no terminal (or a dumb one), and after progress_off,
 * every call does nothing.  A thread of its own redraws ten times a second and
 * keeps to the terminal's width and height: bars for which there is no room
 * are a number in the last line.  NO_COLOR is honoured.
 *
 * Any thread may call anything; a bar belongs to whoever started it.  What
 * else is printed on the terminal goes between progress_hide and
 * progress_show (log.h does so by itself).
 */
#ifndef GANTRY_BASE_PROGRESS_H
#define GANTRY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_LABEL_MAX 64

/* Bytes over time, smoothed over some seconds. */
struct progress_rate {
	int64_t bytes, since_ms, at_ms; /* bytes: counted when it was at_ms */
	double a_second;
};

struct progress_bar {
	char label[PROGRESS_LABEL_MAX]; /* what is not printable ASCII is shown as '?' */
	int64_t done, total;		/* bytes; total 0: not known */
	struct progress_rate rate;
	struct progress_bar *next;
	bool shown;
};

/* b must stay until progress_end.  total 0: not known. */
void progress_start(struct progress_bar *b, const char *label, int64_t total);
/* bytes less than 0: they have to come again. */
void progress_add(struct progress_bar *b, int64_t bytes);
void progress_end(struct progress_bar *b);
/* So many bytes more (or less) will have to be moved, in whatever bars. */
void progress_expect(int64_t bytes);

/* Clear the lines away and keep them away until progress_show, which must come
 * soon: other threads that have something to print or to count wait for it.
 * They may be nested. */
void progress_hide(void);
void progress_show(void);
/* No bars from here on: for -q, and where standard error is for programs.
 * Before the first bar. */
void progress_off(void);

#endif
