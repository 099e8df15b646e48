#include "trust/period.h"

#include "unit.h"

static int64_t
at(const char *text)
{
	int64_t ms = -1;

	return period_parse_time(view_of(text), &ms) ? ms : INT64_MIN;
}

TEST(reads_rfc_3339)
{
	CHECK(at("1970-01-01T00:00:00Z") == 0);
	CHECK(at("2023-07-12T15:56:36Z") == 1689177396000);
	CHECK(at("2022-12-31T23:59:59.999Z") == 1672531199999);
	CHECK(at("2022-12-31T23:59:59.999999Z") == 1672531199999);
	CHECK(at("2022-12-31T23:59:59.5Z") == 1672531199500);
	CHECK(at("2023-07-12t17:56:36+02:00") == 1689177396000);
	CHECK(at("2023-07-12T10:26:36-05:30") == 1689177396000);
	CHECK(at("2024-02-29T00:00:00z") == 1709164800000);
}

TEST(refuses_what_is_no_time)
{
	static const char *const bad[] = { "",
					   "2023",
					   "2023-02-29T00:00:00Z",
					   "2023-13-01T00:00:00Z",
					   "2023-01-01T24:00:00Z",
					   "2023-01-01T00:00:60Z",
					   "2023-01-01 00:00:00Z",
					   "2023-01-01T00:00:00",
					   "2023-01-01T00:00:00.Z",
					   "2023-01-01T00:00:00Zx",
					   "2023-01-01T00:00:00+2:00",
					   "2023-01-01T00:00:00+24:00",
					   "+023-01-01T00:00:00Z" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(at(bad[i]) == INT64_MIN);
}

TEST(both_ends_belong_to_it)
{
	struct period p = { 1000, 2000 };

	CHECK(period_has(p, 1000) && period_has(p, 2000));
	CHECK(!period_has(p, 999) && !period_has(p, 2001));
	CHECK(period_has(PERIOD_OPEN, INT64_MIN) && period_has(PERIOD_OPEN, INT64_MAX));
}

UNIT_MAIN
