#include "trust/period.h"

#include <stdio.h>
#include <time.h>

bool
period_has(struct period p, int64_t ms)
{
	return ms >= p.start_ms && ms <= p.end_ms;
}

static bool
digits(struct view *t, size_t n, int *ret)
{
	int v = 0;

	if (t->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (t->p[i] < '0' || t->p[i] > '9')
			return false;
		v = v * 10 + (t->p[i] - '0');
	}
	t->p += n;
	t->n -= n;
	*ret = v;
	return true;
}

static bool
letter(struct view *t, char c)
{
	if (t->n == 0 || t->p[0] != c)
		return false;
	t->p++;
	t->n--;
	return true;
}

/* ".123456" as milliseconds; nothing there is 0. */
static bool
fraction(struct view *t, int *ret_ms)
{
	int ms = 0, weight = 100;
	size_t n = 0;

	if (letter(t, '.')) {
		for (; t->n > 0 && t->p[0] >= '0' && t->p[0] <= '9'; t->p++, t->n--, n++) {
			ms += (t->p[0] - '0') * weight;
			weight /= 10;
		}
		if (n == 0)
			return false;
	}
	*ret_ms = ms;
	return true;
}

static bool
offset(struct view *t, int *ret_minutes)
{
	int hours, minutes, sign;

	*ret_minutes = 0;
	if (letter(t, 'Z') || letter(t, 'z'))
		return true;
	if (letter(t, '+'))
		sign = 1;
	else if (letter(t, '-'))
		sign = -1;
	else
		return false;
	if (!digits(t, 2, &hours) || !letter(t, ':') || !digits(t, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

bool
period_civil(int year, int month, int day, int hour, int minute, int second, int64_t *ret)
{
	struct tm tm = { .tm_year = year - 1900,
			 .tm_mon = month - 1,
			 .tm_mday = day,
			 .tm_hour = hour,
			 .tm_min = minute,
			 .tm_sec = second };
	time_t t;

	/* timegm brings 30 February into March; then it was no date */
	t = timegm(&tm);
	if (tm.tm_year != year - 1900 || tm.tm_mon != month - 1 || tm.tm_mday != day ||
	    tm.tm_hour != hour || tm.tm_min != minute || tm.tm_sec != second)
		return false;
	*ret = (int64_t)t;
	return true;
}

bool
period_parse_time(struct view text, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second, ms, minutes;
	int64_t t;

	if (!digits(&text, 4, &year) || !letter(&text, '-') || !digits(&text, 2, &month) ||
	    !letter(&text, '-') || !digits(&text, 2, &day) ||
	    !(letter(&text, 'T') || letter(&text, 't')) || !digits(&text, 2, &hour) ||
	    !letter(&text, ':') || !digits(&text, 2, &minute) || !letter(&text, ':') ||
	    !digits(&text, 2, &second) || !fraction(&text, &ms) || !offset(&text, &minutes) ||
	    text.n != 0 || !period_civil(year, month, day, hour, minute, second, &t))
		return false;
	*ret_ms = (t - (int64_t)minutes * 60) * 1000 + ms;
	return true;
}

const char *
period_text(int64_t ms, char out[PERIOD_TEXT_MAX])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, PERIOD_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, PERIOD_TEXT_MAX, "%lld ms", (long long)ms);
	return out;
}
