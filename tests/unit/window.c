#include "fleet/window.h"

#include <string.h>

#include "unit.h"

/* Of a week in 2026 that begins on Sunday, the 15th of November. */
static bool
open_at(const char *text, int wday, int hour, int minute)
{
	const struct tm now = { .tm_wday = wday, .tm_hour = hour, .tm_min = minute };
	struct window w;
	struct err e = { 0 };

	if (window_parse(text, &w, &e) < 0) {
		printf("# %s\n", e.msg);
		return false;
	}
	return window_is_open(&w, &now);
}

static bool
refused(const char *text, const char *words)
{
	struct window w;
	struct err e = { 0 };

	return window_parse(text, &w, &e) < 0 && e.code == ERR_CONFIG &&
	       strstr(e.msg, words) != NULL;
}

TEST(nothing_is_always)
{
	CHECK(open_at("", 0, 0, 0));
	CHECK(open_at("  ", 6, 23, 59));
}

TEST(hours_of_a_day)
{
	CHECK(open_at("02:00-04:00", 3, 2, 0));
	CHECK(open_at("02:00-04:00", 3, 3, 59));
	CHECK(!open_at("02:00-04:00", 3, 4, 0));
	CHECK(!open_at("02:00-04:00", 3, 1, 59));
	CHECK(open_at("00:00-24:00", 0, 23, 59));
}

TEST(over_midnight_belongs_to_the_evening)
{
	const char *w = "Mon-Fri 22:00-05:00";

	CHECK(open_at(w, 1, 22, 0));
	CHECK(open_at(w, 2, 4, 59));
	CHECK(!open_at(w, 2, 5, 0));
	CHECK(open_at(w, 6, 3, 0));   /* Friday's night */
	CHECK(!open_at(w, 6, 22, 0)); /* Saturday evening */
	CHECK(!open_at(w, 1, 3, 0));  /* Sunday's night */
	CHECK(!open_at(w, 0, 4, 0));
	CHECK(open_at("Sat 22:00-05:00", 0, 4, 0));
}

TEST(days_in_every_spelling)
{
	CHECK(open_at("sat,SUN 10:00-11:00", 0, 10, 0));
	CHECK(open_at("sat, sun 10:00-11:00", 6, 10, 0));
	CHECK(!open_at("sat,sun 10:00-11:00", 1, 10, 0));
	CHECK(open_at("Fri-Mon 10:00-11:00", 0, 10, 30));
	CHECK(!open_at("Fri-Mon 10:00-11:00", 3, 10, 30));
	CHECK(open_at("Mon 01:00-02:00; Wed 03:00-04:00", 3, 3, 0));
	CHECK(!open_at("Mon 01:00-02:00; Wed 03:00-04:00", 1, 3, 0));
}

TEST(what_is_no_window_is_refused)
{
	CHECK(refused("22-05", "'22-05' is not [DAYS] HH:MM-HH:MM"));
	CHECK(refused("25:00-05:00", "is not [DAYS]"));
	CHECK(refused("22:60-05:00", "is not [DAYS]"));
	CHECK(refused("24:00-05:00", "is not [DAYS]"));
	CHECK(refused("22:00", "is not [DAYS]"));
	CHECK(refused("Mon", "is not [DAYS]"));
	CHECK(refused("Mo 22:00-05:00", "names no days: 'Mo'"));
	CHECK(refused("Mon- 22:00-05:00", "names no days"));
	CHECK(refused("22:00-05:00;", "is not [DAYS]"));
	CHECK(refused("05:00-05:00", "is empty"));
}

TEST(too_many_are_refused)
{
	char text[WINDOW_PARTS_MAX * 13 + 32] = "01:00-02:00";

	for (int i = 1; i < WINDOW_PARTS_MAX; i++)
		strcat(text, ";01:00-02:00");
	CHECK(open_at(text, 0, 1, 0));
	strcat(text, ";01:00-02:00");
	CHECK(refused(text, "more than 16"));
}

UNIT_MAIN
