#include "base/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define REDRAW_MS     100
#define SMOOTH_MS     3000
#define COLUMNS	      80 /* of a terminal that does not say */
#define ROWS	      24
#define COLUMNS_MAX   240
#define LINES_MAX     64
#define CELLS_MAX     30
#define CELLS_MIN     6
#define LABEL_MIN     8
#define LABEL_MAX     32
#define NUMBERS_WIDTH 28 /* frame of the cells, percent, size, rate */
#define FRAME_MAX     (64U << 10)

static struct {
	pthread_mutex_t lock; /* recursive: who hides may log */
	pthread_once_t once;
	bool colour;
	int hidden;
	struct progress_bar *first, **last;
	int64_t done, expected;
	struct progress_rate rate;
	size_t lines;		 /* on the terminal now */
	size_t width[LINES_MAX]; /* of each of them */
} board = { .lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
	    .once = PTHREAD_ONCE_INIT,
	    .last = &board.first };

static atomic_bool off, shown;

/* --- one line --------------------------------------------------------- */

static void
update_rate(struct progress_rate *r, int64_t done, int64_t now)
{
	int64_t ms = now - r->at_ms, age = now - r->since_ms;
	double part, latest;

	if (ms <= 0)
		return;
	/* the mean of all at first, of the last seconds later */
	part = (double)ms / (double)(age < SMOOTH_MS ? age : SMOOTH_MS);
	latest = (double)(done - r->bytes) * 1000 / (double)ms;
	r->a_second += (latest - r->a_second) * (part < 1 ? part : 1);
	if (r->a_second < 0)
		r->a_second = 0;
	r->bytes = done;
	r->at_ms = now;
}

static void
print_size(double bytes, char *out, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t i = 0;

	while (bytes >= 999.5 && i + 1 < COUNT_OF(units)) {
		bytes /= 1000;
		i++;
	}
	(void)snprintf(out, size, i > 0 && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

static int
percent(int64_t done, int64_t total)
{
	double part = total > 0 ? (double)done * 100 / (double)total : 0;

	return part > 100 ? 100 : (int)part;
}

static void
add_cells(struct buf *b, size_t cells, int done)
{
	size_t full = cells * (size_t)done / 100;

	buf_adds(b, board.colour ? " [\033[32m" : " [");
	for (size_t i = 0; i < full; i++)
		buf_addc(b, '#');
	buf_adds(b, board.colour ? "\033[0m" : "");
	for (size_t i = full; i < cells; i++)
		buf_addc(b, ' ');
	buf_addc(b, ']');
}

/* As much of it as there is room for, as wide as that. */
static void
add_label(struct buf *b, const char *label, size_t width)
{
	size_t n = strnlen(label, width);

	for (size_t i = 0; i < n; i++)
		buf_addc(b, label[i] > ' ' && label[i] < 0x7f ? label[i] : '?');
	buf_addf(b, "%*s", (int)(width - n), "");
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The line's width is what comes back. */
static size_t
add_bar(struct buf *b, const struct progress_bar *bar, size_t columns)
{
	size_t room = columns > NUMBERS_WIDTH ? columns - NUMBERS_WIDTH : 0;
	size_t cells = smaller(room / 2, CELLS_MAX), used, n;
	char size[16], rate[16], numbers[64];

	if (cells < CELLS_MIN || bar->total <= 0)
		cells = 0;
	used = smaller(room > cells + LABEL_MIN ? room - cells : LABEL_MIN, LABEL_MAX);
	used = smaller(used, columns);
	add_label(b, bar->label, used);
	if (cells > 0) {
		add_cells(b, cells, percent(bar->done, bar->total));
		used += cells + strlen(" []");
	}
	print_size((double)(bar->total > 0 ? bar->total : bar->done), size, sizeof(size));
	print_size(bar->rate.a_second, rate, sizeof(rate));
	if (bar->total > 0)
		(void)snprintf(numbers, sizeof(numbers), " %3d%% %8s %8s/s",
			       percent(bar->done, bar->total), size, rate);
	else
		(void)snprintf(numbers, sizeof(numbers), " %8s %8s/s", size, rate);
	n = smaller(strlen(numbers), columns - used);
	buf_add(b, numbers, n);
	return used + n;
}

static void
print_eta(char *out, size_t size)
{
	double left = (double)(board.expected - board.done);
	int64_t s;

	*out = '\0';
	if (left <= 0 || board.rate.a_second < 1)
		return;
	s = (int64_t)(left / board.rate.a_second) + 1;
	if (s < 3600)
		(void)snprintf(out, size, "  eta %d:%02d", (int)(s / 60), (int)(s % 60));
	else if (s < 100 * 3600)
		(void)snprintf(out, size, "  eta %d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60),
			       (int)(s % 60));
	else
		(void)snprintf(out, size, "  eta %d h", (int)(s / 3600 < 9999 ? s / 3600 : 9999));
}

static size_t
add_total(struct buf *b, size_t more, size_t columns)
{
	char done[16], all[16], rate[16], eta[32], hidden[32] = "", line[COLUMNS_MAX];
	size_t n;

	print_size((double)board.done, done, sizeof(done));
	print_size((double)board.expected, all, sizeof(all));
	print_size(board.rate.a_second, rate, sizeof(rate));
	print_eta(eta, sizeof(eta));
	if (more > 0)
		(void)snprintf(hidden, sizeof(hidden), "and %zu more  ", more);
	if (board.expected >= board.done && board.expected > 0)
		(void)snprintf(line, sizeof(line), "total %s of %s  %d%%  %s%s/s%s", done, all,
			       percent(board.done, board.expected), hidden, rate, eta);
	else
		(void)snprintf(line, sizeof(line), "total %s  %s%s/s", done, hidden, rate);
	n = smaller(strlen(line), columns);
	buf_add(b, line, n);
	return n;
}

/* --- all lines -------------------------------------------------------- */

static void
say(const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = write(STDERR_FILENO, buf_cstr(b) + done, b->len - done);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static void
get_size(size_t *columns, size_t *rows)
{
	struct winsize w = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0)
		w = (struct winsize){ 0 };
	*columns = w.ws_col > 0 ? w.ws_col : COLUMNS;
	*rows = w.ws_row > 0 ? w.ws_row : ROWS;
}

/* The cursor goes back to where the first line began. */
static void
add_wipe(struct buf *b, size_t columns)
{
	size_t up = 0;

	if (board.lines == 0)
		return;
	/* a terminal that became narrower has folded them */
	for (size_t i = 0; i < board.lines; i++)
		up += 1 + (board.width[i] > 0 ? (board.width[i] - 1) / columns : 0);
	buf_addc(b, '\r');
	if (up > 1)
		buf_addf(b, "\033[%zuA", up - 1);
	buf_adds(b, "\033[J");
	board.lines = 0;
}

static void
wipe(void)
{
	AUTO_BUF
	struct buf b = BUF_INIT(FRAME_MAX);
	size_t columns, rows;

	get_size(&columns, &rows);
	add_wipe(&b, columns);
	say(&b);
}

/* There is something to show, and the terminal is ours to write on. */
static bool
is_wanted(void)
{
	pid_t group = tcgetpgrp(STDERR_FILENO);

	return (board.first != NULL || board.done < board.expected) &&
	       (group < 0 || group == getpgrp());
}

static void
draw(void)
{
	AUTO_BUF
	struct buf b = BUF_INIT(FRAME_MAX);
	int64_t now = clock_mono_ms();
	size_t columns, rows, room, more = 0;

	get_size(&columns, &rows);
	/* a full last column would fold in some terminals */
	room = columns > 1 ? columns - 1 : 1;
	if (room > COLUMNS_MAX - 1)
		room = COLUMNS_MAX - 1;
	add_wipe(&b, columns);
	update_rate(&board.rate, board.done, now);
	for (struct progress_bar *bar = board.first; bar != NULL; bar = bar->next) {
		update_rate(&bar->rate, bar->done, now);
		/* one for the total, and one for what stood there */
		if (board.lines + 2 >= rows || board.lines + 1 >= LINES_MAX) {
			more++;
			continue;
		}
		board.width[board.lines++] = add_bar(&b, bar, room);
		buf_adds(&b, "\r\n");
	}
	board.width[board.lines++] = add_total(&b, more, room);
	say(&b);
}

/* --- the thread that draws -------------------------------------------- */

static void *
tick(void *arg)
{
	(void)arg;
	while (!atomic_load(&off)) {
		clock_sleep_ms(REDRAW_MS, NULL);
		(void)pthread_mutex_lock(&board.lock);
		if (board.hidden == 0 && !atomic_load(&off) && is_wanted())
			draw();
		else if (board.hidden == 0 && board.lines > 0)
			wipe();
		(void)pthread_mutex_unlock(&board.lock);
	}
	return NULL;
}

static void
at_exit(void)
{
	(void)pthread_mutex_lock(&board.lock);
	atomic_store(&off, true);
	wipe();
	(void)pthread_mutex_unlock(&board.lock);
}

static bool
start_ticker(void)
{
	sigset_t all, before;
	pthread_t ticker;
	bool ok;

	/* signals are for the threads that do something */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	ok = pthread_create(&ticker, NULL, tick, NULL) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok && pthread_detach(ticker) == 0;
}

static void
set_up(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	int64_t now = clock_mono_ms();

	if (atomic_load(&off) || isatty(STDERR_FILENO) == 0 ||
	    (term != NULL && strcmp(term, "dumb") == 0))
		return;
	board.colour = no == NULL || no[0] == '\0';
	board.rate = (struct progress_rate){ .since_ms = now, .at_ms = now };
	atomic_store(&shown, start_ticker() && atexit(at_exit) == 0);
}

static bool
enter(void)
{
	(void)pthread_once(&board.once, set_up);
	if (!atomic_load(&shown))
		return false;
	(void)pthread_mutex_lock(&board.lock);
	return true;
}

/* --- what others call ------------------------------------------------- */

void
progress_start(struct progress_bar *b, const char *label, int64_t total)
{
	int64_t now = clock_mono_ms();

	*b = (struct progress_bar){ .total = total, .rate = { .since_ms = now, .at_ms = now } };
	(void)snprintf(b->label, sizeof(b->label), "%s", label);
	if (!enter())
		return;
	b->shown = true;
	*board.last = b;
	board.last = &b->next;
	(void)pthread_mutex_unlock(&board.lock);
}

void
progress_add(struct progress_bar *b, int64_t bytes)
{
	if (!b->shown || !enter())
		return;
	b->done += bytes;
	board.done += bytes;
	(void)pthread_mutex_unlock(&board.lock);
}

void
progress_end(struct progress_bar *b)
{
	struct progress_bar **at = &board.first;

	if (!b->shown || !enter())
		return;
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	if (b->next == NULL)
		board.last = at;
	b->shown = false;
	(void)pthread_mutex_unlock(&board.lock);
}

void
progress_expect(int64_t bytes)
{
	if (!enter())
		return;
	board.expected += bytes;
	(void)pthread_mutex_unlock(&board.lock);
}

void
progress_hide(void)
{
	(void)pthread_mutex_lock(&board.lock);
	if (board.hidden++ == 0 && board.lines > 0)
		wipe();
}

void
progress_show(void)
{
	board.hidden--;
	(void)pthread_mutex_unlock(&board.lock);
}

void
progress_off(void)
{
	atomic_store(&off, true);
}
