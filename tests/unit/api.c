#include "engine/api.h"

#include "engine/stream.h"
#include "unit.h"

static void
check_version(const char *newest, const char *oldest, const char *want)
{
	char got[16] = "none";
	struct err e = { 0 };
	int status = api_negotiate(newest, oldest, got, &e);

	CHECK_STR(status == 0 ? got : e.msg, want);
	CHECK(status == 0 || e.code == ERR_SYS);
}

TEST(the_newest_version_that_both_know_is_spoken)
{
	check_version("1.41", "1.12", "1.41");
	check_version("1.52", "1.44", "1.51");
	check_version("1.51", "1.51", "1.51");
	check_version("1.40", "1.12", "1.40");
}

TEST(an_engine_that_is_too_old_or_too_new_is_refused)
{
	check_version("1.39", "1.12", "the engine is too old: it speaks API 1.39, needed is 1.40");
	check_version("1.60", "1.52", "the engine is too new: it speaks API 1.52 and up, not 1.51");
	check_version("", "", "not a Docker Engine: no API version 1.x in its answer");
}

TEST(output_comes_out_of_its_frames)
{
	static const char framed[] = "\1\0\0\0\0\0\0\3one\2\0\0\0\0\0\0\4 two";
	char out[16];

	stream_plain((struct view){ framed, sizeof(framed) - 1 }, out, sizeof(out));
	CHECK_STR(out, "one two");
	stream_plain((struct view){ framed, sizeof(framed) - 3 }, out, sizeof(out));
	CHECK_STR(out, "one t");
	stream_plain((struct view){ framed, sizeof(framed) - 1 }, out, 5);
	CHECK_STR(out, "one ");
	stream_plain(view_of("from a terminal"), out, sizeof(out));
	CHECK_STR(out, "from a terminal");
}

UNIT_MAIN
