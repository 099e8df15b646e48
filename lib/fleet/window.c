#include "fleet/window.h"

#include <stdio.h>
#include <strings.h>

#include "base/scope.h"
#include "base/view.h"

#define DAY 1440 /* minutes */

static int
day_of(struct view v)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

	for (int i = 0; i < (int)COUNT_OF(names); i++)
		if (v.n == 3 && strncasecmp(v.p, names[i], 3) == 0)
			return i;
	return -1;
}

static bool
read_range(struct view v, unsigned int *days)
{
	struct view first = v;
	int from, to;

	if (view_cut(&v, '-', &first)) {
		to = day_of(v);
		from = day_of(first);
	} else {
		from = to = day_of(v);
	}
	if (from < 0 || to < 0)
		return false;
	for (;; from = (from + 1) % 7) {
		*days |= 1U << from;
		if (from == to)
			return true;
	}
}

static bool
read_days(struct view v, unsigned int *days)
{
	struct view one;

	while (view_cut(&v, ',', &one))
		if (!read_range(view_trim(one), days))
			return false;
	return read_range(view_trim(v), days);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "22:00", -1 for anything else. */
static int
minutes(struct view v)
{
	int h, m;

	if (v.n != 5 || !is_digit(v.p[0]) || !is_digit(v.p[1]) || v.p[2] != ':' ||
	    !is_digit(v.p[3]) || !is_digit(v.p[4]))
		return -1;
	h = (v.p[0] - '0') * 10 + (v.p[1] - '0');
	m = (v.p[3] - '0') * 10 + (v.p[4] - '0');
	return h > 24 || m > 59 || (h == 24 && m > 0) ? -1 : h * 60 + m;
}

static int
read_part(struct view v, struct window_part *ret, struct err *e)
{
	struct view all = view_trim(v), times = all, from, days = all;

	*ret = (struct window_part){ .days = 0x7f };
	if (view_cut_last(&days, ' ', &times)) {
		ret->days = 0;
		if (!read_days(view_trim(days), &ret->days))
			return err_set(e, ERR_CONFIG,
				       "'" VIEW_FMT "' names no days: '" VIEW_FMT "'",
				       VIEW_ARG(all), VIEW_ARG(days));
	}
	if (!view_cut(&times, '-', &from))
		return err_set(e, ERR_CONFIG, "'" VIEW_FMT "' is not [DAYS] HH:MM-HH:MM",
			       VIEW_ARG(all));
	ret->from = minutes(from);
	ret->to = minutes(times);
	if (ret->from < 0 || ret->to < 0 || ret->from == DAY)
		return err_set(e, ERR_CONFIG, "'" VIEW_FMT "' is not [DAYS] HH:MM-HH:MM",
			       VIEW_ARG(all));
	if (ret->from == ret->to)
		return err_set(e, ERR_CONFIG, "'" VIEW_FMT "' is empty: 00:00-24:00 is all day",
			       VIEW_ARG(all));
	if (ret->to < ret->from)
		ret->to += DAY;
	return 0;
}

int
window_parse(const char *text, struct window *ret, struct err *e)
{
	struct view rest = view_trim(view_of(text)), part;
	bool more = rest.n > 0;

	*ret = (struct window){ 0 };
	while (more) {
		more = view_cut(&rest, ';', &part);
		if (ret->n == WINDOW_PARTS_MAX)
			return err_set(e, ERR_CONFIG, "more than %d windows", WINDOW_PARTS_MAX);
		if (read_part(more ? part : rest, &ret->parts[ret->n], e) < 0)
			return -1;
		ret->n++;
	}
	return 0;
}

bool
window_is_open(const struct window *w, const struct tm *now)
{
	int at = now->tm_hour * 60 + now->tm_min;
	unsigned int today = 1U << now->tm_wday, yesterday = 1U << (now->tm_wday + 6) % 7;

	if (w->n == 0)
		return true;
	for (size_t i = 0; i < w->n; i++) {
		const struct window_part *p = &w->parts[i];

		if ((p->days & today) != 0 && at >= p->from && at < p->to)
			return true;
		if ((p->days & yesterday) != 0 && at + DAY < p->to)
			return true;
	}
	return false;
}
