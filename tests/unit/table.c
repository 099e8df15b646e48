#include "fleet/table.h"

#include "base/jsn.h"
#include "unit.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct table_column columns[] = { { "tag", "VERSION" },
					       { "digest", "DIGEST" },
					       { "state", "STATE" } };

static void
make(const char *records, bool colour, struct buf *out)
{
	AUTO_JSN struct json_t *all = jsn_parse(view_of(records), "records", NULL);

	CHECK(all != NULL);
	table_make(all, columns, COUNT_OF(columns), colour, out);
}

TEST(columns_are_as_wide_as_their_widest_cell)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);

	make("[{\"tag\":\"1.0.0-rc.12\",\"digest\":\"" DIGEST "\",\"state\":\"running\"},"
	     "{\"tag\":\"\xc3\xa4\",\"state\":\"a\\u001b[1m\"}]",
	     false, &out);
	CHECK_STR(buf_cstr(&out), "VERSION      DIGEST               STATE\n"
				  "1.0.0-rc.12  sha256:0123456789ab  running\n"
				  "\xc3\xa4            -                    a?[1m\n");
}

TEST(colour_takes_no_room)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);

	make("[{\"tag\":\"1\",\"digest\":\"d\",\"state\":\"unhealthy\"}]", true, &out);
	CHECK_STR(buf_cstr(&out),
		  "\033[1mVERSION\033[0m  \033[1mDIGEST\033[0m  \033[1mSTATE\033[0m\n"
		  "1        d       \033[31munhealthy\033[0m\n");
}

TEST(no_records_are_a_heading)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);

	make("[]", false, &out);
	CHECK_STR(buf_cstr(&out), "VERSION  DIGEST  STATE\n");
}

UNIT_MAIN
