#include "base/buf.h"
#include "unit.h"

TEST(appends_and_terminates)
{
	AUTO_BUF
	struct buf b = BUF_INIT(100);

	buf_adds(&b, "one");
	buf_addf(&b, " %d", 2);
	CHECK_STR(buf_cstr(&b), "one 2");
	CHECK(b.len == 5);
	CHECK(buf_ok(&b, "b", NULL) == 0);
}

TEST(never_passes_its_limit_and_says_so)
{
	AUTO_BUF
	struct buf b = BUF_INIT(4);
	struct err e = { 0 };

	buf_adds(&b, "1234");
	CHECK(buf_ok(&b, "b", &e) == 0);
	buf_addc(&b, '5');
	CHECK(buf_ok(&b, "b", &e) == -1);
	CHECK(e.code == ERR_DATA);
	CHECK_STR(e.msg, "'b' is larger than 4 bytes");
	CHECK_STR(buf_cstr(&b), "1234");
}

TEST(what_is_printed_fits_or_is_dropped)
{
	AUTO_BUF
	struct buf b = BUF_INIT(1000);

	for (int i = 0; i < 100; i++)
		buf_addf(&b, "%09d,", i);
	CHECK(b.len == 1000 && buf_ok(&b, "b", NULL) == 0);
	CHECK(strncmp(b.data + 250, "000000025,", 10) == 0);
	CHECK_STR(b.data + 990, "000000099,");
	buf_addf(&b, "%d", 1);
	CHECK(buf_ok(&b, "b", NULL) == -1);
	CHECK(b.len == 1000);
	CHECK_STR(b.data + 990, "000000099,");
}

TEST(what_is_trimmed_is_the_same_and_still_grows)
{
	AUTO_BUF
	struct buf b = BUF_INIT(100);

	buf_trim(&b);
	CHECK(b.data == NULL);
	buf_adds(&b, "one");
	buf_trim(&b);
	CHECK_STR(buf_cstr(&b), "one");
	CHECK(b.cap == 4);
	buf_adds(&b, " two");
	CHECK_STR(buf_cstr(&b), "one two");
}

TEST(what_is_taken_is_gone)
{
	struct buf b = BUF_INIT(10);
	AUTO_FREE
	char *s = NULL;

	buf_adds(&b, "x");
	s = buf_take(&b);
	CHECK_STR(s, "x");
	CHECK(b.data == NULL && b.len == 0 && b.max == 10);
}

TEST(views_cut_from_both_ends)
{
	struct view rest = view_of("a/b/c"), part;

	CHECK(view_cut(&rest, '/', &part));
	CHECK(view_eq(part, "a") && view_eq(rest, "b/c"));
	CHECK(view_cut_last(&rest, '/', &part));
	CHECK(view_eq(part, "c") && view_eq(rest, "b"));
	CHECK(!view_cut(&rest, '/', &part));
	CHECK(view_eq(view_trim(view_of(" \tx y\r\n")), "x y"));
	CHECK(view_starts(view_of("sha256:"), "sha256"));
}

UNIT_MAIN
