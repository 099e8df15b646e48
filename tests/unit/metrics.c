#include "obs/metrics.h"

#include <math.h>
#include <unistd.h>

#include "obs/process.h"
#include "obs/textfile.h"
#include "unit.h"

TEST(a_family_has_help_type_and_samples)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;

	metrics_family(&m, "robot_info", METRICS_GAUGE, "One line\nwith a \\ and a \"quote\".");
	metrics_value(&m, METRICS_LABELS("robot_id", "r1", "version", "0.0.1"), 1);
	metrics_family(&m, "x_total", METRICS_COUNTER, "X.");
	metrics_value(&m, NULL, 1234567890123.0);
	metrics_value(&m, NULL, 0.1);
	metrics_value(&m, NULL, 1797028150);
	metrics_value(&m, NULL, -3000000);
	metrics_value(&m, NULL, 1e300);
	CHECK(metrics_ok(&m, NULL) == 0);
	CHECK_STR(buf_cstr(&m.text), "# HELP robot_info One line\\nwith a \\\\ and a \"quote\".\n"
				     "# TYPE robot_info gauge\n"
				     "robot_info{robot_id=\"r1\",version=\"0.0.1\"} 1\n"
				     "# HELP x_total X.\n# TYPE x_total counter\n"
				     "x_total 1234567890123\nx_total 0.1\n"
				     "x_total 1797028150\nx_total -3000000\n"
				     "x_total 1e+300\n");
}

TEST(label_values_are_escaped_and_become_utf8)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;

	metrics_family(&m, "a", METRICS_GAUGE, "A.");
	metrics_value(&m, METRICS_LABELS("l", "q\" b\\ n\n \xff \xc3\xa9 \xe2\x82"), 0);
	CHECK(metrics_ok(&m, NULL) == 0);
	CHECK(strstr(buf_cstr(&m.text), "a{l=\"q\\\" b\\\\ n\\n \xef\xbf\xbd \xc3\xa9 "
					"\xef\xbf\xbd\xef\xbf\xbd\"} 0\n") != NULL);
}

TEST(numbers_that_are_none)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;

	metrics_family(&m, "a", METRICS_GAUGE, "A.");
	metrics_value(&m, METRICS_LABELS("l", "1"), (double)NAN);
	metrics_value(&m, METRICS_LABELS("l", "2"), (double)INFINITY);
	metrics_value(&m, METRICS_LABELS("l", "3"), -(double)INFINITY);
	CHECK(strstr(buf_cstr(&m.text), "a{l=\"1\"} NaN\na{l=\"2\"} +Inf\na{l=\"3\"} -Inf\n") !=
	      NULL);
}

TEST(a_histogram_is_cumulative_and_ends_with_inf)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;
	static struct metrics_histogram h;

	metrics_observe(&h, 100000);	  /* exactly on a bound: belongs to it */
	metrics_observe(&h, 100001);	  /* just above */
	metrics_observe(&h, 20000000000); /* above all */
	metrics_family(&m, "d_seconds", METRICS_HISTOGRAM, "D.");
	metrics_histogram(&m, METRICS_LABELS("e", "/"), &h);
	CHECK(metrics_ok(&m, NULL) == 0);
	CHECK(strstr(buf_cstr(&m.text), "d_seconds_bucket{e=\"/\",le=\"0.0001\"} 1\n"
					"d_seconds_bucket{e=\"/\",le=\"0.00025\"} 2\n") != NULL);
	CHECK(strstr(buf_cstr(&m.text), "d_seconds_bucket{e=\"/\",le=\"10\"} 2\n"
					"d_seconds_bucket{e=\"/\",le=\"+Inf\"} 3\n"
					"d_seconds_sum{e=\"/\"} 20.000200001\n"
					"d_seconds_count{e=\"/\"} 3\n") != NULL);
}

static void
expect_bad(struct metrics *m, const char *msg)
{
	struct err e = { 0 };

	CHECK(metrics_ok(m, &e) == -1);
	CHECK(e.code == ERR_DATA);
	CHECK_STR(e.msg, msg);
	metrics_clear(m);
}

TEST(mistakes_are_said_once_at_the_end)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;

	metrics_family(&m, "0bad", METRICS_GAUGE, "");
	expect_bad(&m, "metrics: not a metric's name: '0bad'");
	metrics_family(&m, "a", METRICS_GAUGE, "");
	metrics_family(&m, "a", METRICS_GAUGE, "");
	expect_bad(&m, "metrics: given twice: 'a'");
	metrics_family(&m, "a", METRICS_GAUGE, "");
	metrics_value(&m, METRICS_LABELS("b:c", ""), 1);
	expect_bad(&m, "metrics: not a label's name: 'b:c'");
	metrics_value(&m, NULL, 1);
	expect_bad(&m, "metrics: no family for a sample ''");
	metrics_family(&m, "a", METRICS_HISTOGRAM, "");
	metrics_value(&m, NULL, 1);
	expect_bad(&m, "metrics: a plain value in the histogram 'a'");
}

TEST(a_page_has_a_limit)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;
	struct err e = { 0 };

	metrics_family(&m, "a", METRICS_GAUGE, "");
	for (int i = 0; i < 300000; i++)
		metrics_value(&m, NULL, i);
	CHECK(metrics_ok(&m, &e) == -1);
	CHECK_STR(e.msg, "'metrics' is larger than 1048576 bytes");
}

TEST(a_process_knows_itself)
{
	AUTO_METRICS struct metrics m = METRICS_INIT;
	const char *at;

	process_render(&m);
	CHECK(metrics_ok(&m, NULL) == 0);
	at = strstr(buf_cstr(&m.text), "\nprocess_threads ");
	CHECK(at != NULL && strtod(at + 17, NULL) == 1);
	at = strstr(buf_cstr(&m.text), "\nprocess_start_time_seconds ");
	CHECK(at != NULL && strtod(at + 28, NULL) > 1.6e9);
	at = strstr(buf_cstr(&m.text), "\nprocess_resident_memory_bytes ");
	CHECK(at != NULL && strtod(at + 31, NULL) > 100000);
	at = strstr(buf_cstr(&m.text), "\nprocess_open_fds ");
	CHECK(at != NULL && strtod(at + 18, NULL) >= 3);
}

TEST(a_textfile_says_what_the_last_run_left)
{
	AUTO_TEXTFILE struct textfile f = TEXTFILE_INIT;
	AUTO_TEXTFILE struct textfile none = TEXTFILE_INIT;
	AUTO_METRICS struct metrics m = METRICS_INIT;
	char path[] = "/tmp/gantry-textfile-XXXXXX";
	int fd = mkstemp(path);
	double x = -1;

	CHECK(fd >= 0 && close(fd) == 0);
	metrics_family(&m, "a_total", METRICS_COUNTER, "a_total 7");
	metrics_value(&m, NULL, 12345678901.0);
	metrics_family(&m, "b_total", METRICS_COUNTER, "");
	metrics_value(&m, METRICS_LABELS("result", "yes"), 2);
	metrics_value(&m, METRICS_LABELS("result", "ye"), NAN);
	CHECK(textfile_write(&m, path, NULL) == 0);
	textfile_read(&f, path);
	CHECK(textfile_value(&f, "a_total", &x) && x == 12345678901.0);
	CHECK(textfile_value(&f, "b_total{result=\"yes\"}", &x) && x == 2);
	x = -1;
	CHECK(!textfile_value(&f, "b_total{result=\"ye\"}", &x));
	CHECK(!textfile_value(&f, "b_total", &x) && !textfile_value(&f, "a", &x));
	CHECK(!textfile_value(&f, "# TYPE", &x) && x == -1);
	CHECK(unlink(path) == 0);
	textfile_read(&none, path);
	CHECK(!textfile_value(&none, "a_total", &x));
}

UNIT_MAIN
