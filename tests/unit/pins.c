#include "fleet/pins.h"

#include "unit.h"

static void
check_edit(const char *text, const char *want)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);

	CHECK(pins_edit(view_of(text), "robot-service-1", "r@sha256:2", &out, NULL) == 0);
	CHECK_STR(buf_cstr(&out), want);
}

TEST(a_new_line_is_added)
{
	check_edit("", "ROBOT_SERVICE_1_IMAGE=r@sha256:2\n");
	check_edit("A=1\n", "A=1\nROBOT_SERVICE_1_IMAGE=r@sha256:2\n");
}

TEST(an_old_line_is_replaced_where_it_stands)
{
	check_edit("# pins\nROBOT_SERVICE_1_IMAGE=r@sha256:1\nB=2\n",
		   "# pins\nROBOT_SERVICE_1_IMAGE=r@sha256:2\nB=2\n");
}

TEST(a_line_that_is_there_twice_is_there_once)
{
	check_edit("ROBOT_SERVICE_1_IMAGE=a\nROBOT_SERVICE_1_IMAGE=b\n",
		   "ROBOT_SERVICE_1_IMAGE=r@sha256:2\n");
}

TEST(other_services_and_unfinished_last_lines_stay)
{
	check_edit("ROBOT_SERVICE_10_IMAGE=x\nLAST=1",
		   "ROBOT_SERVICE_10_IMAGE=x\nLAST=1\nROBOT_SERVICE_1_IMAGE=r@sha256:2\n");
}

TEST(a_file_that_would_be_too_long_is_an_error)
{
	AUTO_BUF struct buf out = BUF_INIT(8);

	CHECK(pins_edit(view_of(""), "robot", "image", &out, NULL) == -1);
}

UNIT_MAIN
