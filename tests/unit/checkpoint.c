#include "trust/checkpoint.h"

#include "unit.h"

#define ROOT_HASH "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SIGNED_BY "\xe2\x80\x94 log AAAAAAA=\n"

static int
parse(const char *note, struct err *e)
{
	struct checkpoint c;

	return checkpoint_parse(view_of(note), &c, e);
}

TEST(is_split_at_its_last_empty_line)
{
	static const char note[] = "log\n7\n" ROOT_HASH "\nmore\n\nmore\n\n" SIGNED_BY;
	struct checkpoint c;

	CHECK(checkpoint_parse(view_of(note), &c, NULL) == 0);
	CHECK(view_eq(c.origin, "log"));
	CHECK(c.size == 7);
	CHECK(c.root.raw[31] == 31);
	CHECK(view_eq(c.text, "log\n7\n" ROOT_HASH "\nmore\n\nmore\n"));
	CHECK(view_eq(c.signatures, SIGNED_BY));
}

TEST(every_missing_part_is_named)
{
	static const struct {
		const char *note, *why;
	} bad[] = {
		{ "", "the checkpoint's end cannot be read" },
		{ "log\n7\n" ROOT_HASH "\n\n" SIGNED_BY "x",
		  "the checkpoint's end cannot be read" },
		{ "log\n7\n" ROOT_HASH "\n", "the checkpoint has no signatures" },
		{ "log\n7\n" ROOT_HASH "\n\n", "the checkpoint has no signatures" },
		{ "\n7\n" ROOT_HASH "\n\n" SIGNED_BY, "the checkpoint's origin cannot be read" },
		{ "log\n" ROOT_HASH "\n\n" SIGNED_BY, "the checkpoint's size cannot be read" },
		{ "log\n-1\n" ROOT_HASH "\n\n" SIGNED_BY, "the checkpoint's size cannot be read" },
		{ "log\n07\n" ROOT_HASH "\n\n" SIGNED_BY, "the checkpoint's size cannot be read" },
		{ "log\n9223372036854775808\n" ROOT_HASH "\n\n" SIGNED_BY,
		  "the checkpoint's size cannot be read" },
		{ "log\n7\n\n" SIGNED_BY, "the checkpoint's root hash cannot be read" },
		{ "log\n7\nAAAA\n\n" SIGNED_BY, "the checkpoint's root hash cannot be read" },
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct err e = { 0 };

		CHECK(parse(bad[i].note, &e) == -1);
		CHECK(e.code == ERR_DATA);
		CHECK_STR(e.msg, bad[i].why);
	}
}

UNIT_MAIN
