#include "base/base64.h"
#include "unit.h"

static bool
decodes(const char *text, const char *want)
{
	AUTO_BUF
	struct buf b = BUF_INIT(100);
	struct err e = { 0 };

	if (base64_decode(view_of(text), "x", &b, &e) < 0) {
		CHECK_STR(e.msg, "x: not base64");
		CHECK(e.code == ERR_DATA);
		return false;
	}
	CHECK(want == NULL || view_eq(view_buf(&b), want));
	return true;
}

TEST(reads_both_alphabets_but_not_mixed)
{
	CHECK(decodes("", ""));
	CHECK(decodes("YQ==", "a"));
	CHECK(decodes("YWI=", "ab"));
	CHECK(decodes("YWJj", "abc"));
	CHECK(decodes("+/8=", "\xfb\xff"));
	CHECK(decodes("-_8=", "\xfb\xff"));
	CHECK(decodes("-_8", "\xfb\xff"));
	CHECK(!decodes("+_8=", NULL));
}

TEST(refuses_every_other_spelling)
{
	static const char *const bad[] = { "Y",	     "YQ=",    "YQ===", "=",	    "====",
					   "YR==",   "YWK=",   "YW=j",	"YQ==YQ==", " YQ==",
					   "YQ==\n", "YW\nJj", "YW*j",	"+/8" };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (decodes(bad[i], NULL))
			printf("# '%s' was read\n", bad[i]);
		CHECK(!decodes(bad[i], NULL));
	}
}

TEST(writes_what_it_reads)
{
	char bytes[40];

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		AUTO_BUF
		struct buf text = BUF_INIT(100);
		AUTO_BUF
		struct buf back = BUF_INIT(100);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)(i * 37 + n * 11);
		base64_encode((struct view){ bytes, n }, &text);
		CHECK(base64_decode(view_buf(&text), "x", &back, NULL) == 0);
		CHECK(back.len == n && (n == 0 || memcmp(back.data, bytes, n) == 0));
	}
}

TEST(stops_at_the_limit)
{
	AUTO_BUF
	struct buf b = BUF_INIT(2);
	struct err e = { 0 };

	CHECK(base64_decode(view_of("YWJj"), "x", &b, &e) == -1);
	CHECK_STR(e.msg, "'x' is larger than 2 bytes");
}

UNIT_MAIN
