#include "fleet/health.h"

#include "base/jsn.h"
#include "unit.h"

static int64_t
timeout(const char *check, int64_t configured_ms)
{
	AUTO_BUF struct buf text = BUF_INIT(1024);
	AUTO_JSN struct json_t *c = NULL;

	buf_addf(&text, "{\"Config\":{\"Healthcheck\":%s}}", check);
	c = jsn_parse(view_buf(&text), "test", NULL);
	CHECK(c != NULL);
	return health_timeout(c, configured_ms);
}

TEST(a_deadline_is_no_shorter_than_the_health_check_needs)
{
	static const char own[] = "{\"Test\":[\"CMD\",\"x\"],\"StartPeriod\":5000000000,"
				  "\"Interval\":10000000000,\"Timeout\":6000000000,\"Retries\":3}";

	CHECK(timeout(own, 4000) == 53000);
	CHECK(timeout(own, 120000) == 120000);
}

TEST(what_a_health_check_does_not_say_is_as_in_docker)
{
	CHECK(timeout("{\"Test\":[\"CMD-SHELL\",\"x\"]}", 4000) == 180000);
	CHECK(timeout("{\"Test\":[\"CMD\",\"x\"],\"Interval\":1000000000,\"Timeout\":1000000000,"
		      "\"Retries\":1}",
		      1000) == 2000);
}

TEST(without_a_health_check_the_settings_count)
{
	CHECK(timeout("{\"Test\":[\"NONE\"],\"Interval\":10000000000}", 4000) == 4000);
	CHECK(timeout("null", 4000) == 4000);
	CHECK(timeout("{}", 4000) == 4000);
	CHECK(health_timeout(NULL, 4000) == 4000);
}

TEST(nonsense_does_not_wait_for_ever_or_overflow)
{
	CHECK(timeout("{\"Test\":[\"CMD\"],\"Interval\":9223372036854775807,"
		      "\"Timeout\":-5,\"StartPeriod\":-1,\"Retries\":9223372036854775807}",
		      4000) == (86400000LL + 30000) * 1000);
}

UNIT_MAIN
