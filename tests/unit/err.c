#include <errno.h>

#include "base/err.h"
#include "unit.h"

TEST(set_returns_minus_one_and_fills)
{
	struct err e = { 0 };

	CHECK(err_set(&e, ERR_NO, "no '%s'", "x") == -1);
	CHECK(e.code == ERR_NO);
	CHECK_STR(e.msg, "no 'x'");
	CHECK(err_set(NULL, ERR_NO, "x") == -1);
}

TEST(wrap_puts_the_outer_context_first_and_keeps_the_code)
{
	struct err e = { 0 };

	err_set(&e, ERR_TEMP, "timed out");
	CHECK(err_wrap(&e, "pull '%s'", "a:1") == -1);
	CHECK(e.code == ERR_TEMP);
	CHECK_STR(e.msg, "pull 'a:1': timed out");
	CHECK(err_wrap(NULL, "x") == -1);
}

TEST(sys_adds_the_reason_and_knows_a_full_disk)
{
	struct err e = { 0 };

	errno = ENOENT;
	err_sys(&e, "open '%s'", "x");
	CHECK(e.code == ERR_SYS);
	CHECK_STR(e.msg, "open 'x': No such file or directory");
	errno = ENOSPC;
	err_sys(&e, "write");
	CHECK(e.code == ERR_SPACE);
}

TEST(long_messages_are_cut_and_terminated)
{
	struct err e = { 0 };
	char big[2 * ERR_MSG_MAX];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_NO, "%s", big);
	CHECK(strlen(e.msg) == ERR_MSG_MAX - 1);
	err_wrap(&e, "%s", big);
	CHECK(strlen(e.msg) == ERR_MSG_MAX - 1);
}

TEST(every_code_has_its_exit_status)
{
	static const struct {
		enum err_code code;
		int status;
	} want[] = { { ERR_NONE, 0 },	  { ERR_NO, 1 },       { ERR_DATA, 1 },
		     { ERR_NOTFOUND, 1 }, { ERR_AUTH, 1 },     { ERR_ROLLED_BACK, 3 },
		     { ERR_STUCK, 5 },	  { ERR_NOTARGET, 6 }, { ERR_SPACE, 7 },
		     { ERR_USAGE, 64 },	  { ERR_SYS, 71 },     { ERR_TEMP, 75 },
		     { ERR_CONFIG, 78 } };

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct err e = { .code = want[i].code };

		CHECK(err_exit(&e) == want[i].status);
	}
}

UNIT_MAIN
