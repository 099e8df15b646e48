#include "base/cli.h"
#include "base/clock.h"
#include "unit.h"

TEST(numbers_have_a_name_and_a_range)
{
	struct err e = { 0 };
	int64_t n = 0;

	CHECK(cli_number("7", "--keep", 1, 50, &n, NULL) == 0 && n == 7);
	CHECK(cli_number("51", "--keep", 1, 50, &n, &e) == -1 && e.code == ERR_USAGE);
	CHECK_STR(e.msg, "--keep must be a number from 1 to 50, not '51'");
	CHECK(cli_number("", "--keep", 1, 50, &n, &e) == -1);
	CHECK(cli_number("7x", "--keep", 1, 50, &n, &e) == -1);
	CHECK(cli_number("99999999999999999999", "--keep", 1, INT64_MAX, &n, &e) == -1);
	CHECK(n == 7);
}

TEST(seconds_take_units)
{
	struct err e = { 0 };
	int64_t ms = 0;

	CHECK(cli_seconds("1.5", "-t", 0, 10000, &ms, NULL) == 0 && ms == 1500);
	CHECK(cli_seconds("250ms", "-t", 0, 10000, &ms, NULL) == 0 && ms == 250);
	CHECK(cli_seconds("2m", "-t", 0, 200000, &ms, NULL) == 0 && ms == 120000);
	CHECK(cli_seconds("nan", "-t", 0, 10000, &ms, &e) == -1);
	CHECK(cli_seconds("11", "-t", 0, 10000, &ms, &e) == -1);
	CHECK_STR(e.msg, "-t must be from 0 to 10 seconds, not '11'");
	CHECK(cli_seconds("1d", "-t", 0, 10000, &ms, &e) == -1);
}

TEST(bytes_are_counted_as_curl_counts_them)
{
	struct err e = { 0 };
	int64_t n = 0;

	CHECK(cli_bytes("512k", "-r", 1, INT64_MAX, &n, NULL) == 0 && n == 512 * 1024);
	CHECK(cli_bytes("2M", "-r", 1, INT64_MAX, &n, NULL) == 0 && n == 2 * 1024 * 1024);
	CHECK(cli_bytes("1g", "-r", 1, INT64_MAX, &n, NULL) == 0 && n == 1024 * 1024 * 1024);
	CHECK(cli_bytes("77", "-r", 1, INT64_MAX, &n, NULL) == 0 && n == 77);
	CHECK(cli_bytes("9007199254740992k", "-r", 1, INT64_MAX, &n, NULL) == -1);
	CHECK(cli_bytes("99999999999999999999", "-r", 1, INT64_MAX, &n, NULL) == -1);
	CHECK(cli_bytes("", "-r", 0, 10, &n, NULL) == -1);
	CHECK(cli_bytes("k", "-r", 0, 10, &n, NULL) == -1);
	CHECK(cli_bytes("-1", "-r", 0, 10, &n, NULL) == -1);
	CHECK(cli_bytes("1kB", "-r", 0, 10000, &n, NULL) == -1);
	CHECK(cli_bytes("0", "-r", 1, 4096, &n, &e) == -1);
	CHECK_STR(e.msg, "-r must be a number of bytes from 1 to 4096, with k, M or G for 1024, "
			 "not '0'");
}

TEST(times_are_written_in_utc)
{
	char out[CLOCK_RFC3339_MAX];

	clock_rfc3339(INT64_C(1700000000123000000), out);
	CHECK_STR(out, "2023-11-14T22:13:20.123Z");
}

TEST(a_deadline_comes_or_never_does)
{
	struct deadline d = clock_deadline(20), never = clock_deadline(0);

	CHECK(!clock_over(d) && clock_left_ms(d, 1000) <= 20);
	clock_sleep_ms(25, NULL);
	CHECK(clock_over(d) && clock_left_ms(d, 1000) == 0);
	CHECK(!clock_over(never) && clock_left_ms(never, 1000) == 1000);
}

UNIT_MAIN
