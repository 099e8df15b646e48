#include "trust/sct.h"

#include "unit.h"

static struct view
list_of(const char *bytes, size_t n)
{
	return (struct view){ bytes, n };
}

#define LIST(text) list_of(text, sizeof(text) - 1)
#define ID	   "0123456789abcdef0123456789abcdef"
#define MS	   "\0\0\1\x8b\xcf\xe5\x68\0" /* 1700000000000 */
#define ONE                 \
	"\0" ID MS "\0\2xy" \
	"\4\3"              \
	"\0\3sig"

TEST(is_taken_apart)
{
	struct sct s[SCT_LIST_MAX];
	size_t n = 0;

	CHECK(sct_parse_list(LIST("\0\x36\0\x34" ONE), s, &n, NULL) == 0);
	CHECK(n == 1);
	CHECK(view_eq(s[0].log_id, ID));
	CHECK(s[0].ms == 1700000000000);
	CHECK(view_eq(s[0].extensions, "xy"));
	CHECK(view_eq(s[0].signature, "sig"));
	CHECK(sct_parse_list(LIST("\0\x6c\0\x34" ONE "\0\x34" ONE), s, &n, NULL) == 0);
	CHECK(n == 2);
	CHECK(sct_parse_list(LIST("\0\0"), s, &n, NULL) == 0);
	CHECK(n == 0);
}

TEST(every_wrong_length_is_refused)
{
	static const char good[] = "\0\x36\0\x34" ONE;
	struct sct s[SCT_LIST_MAX];
	char bad[sizeof(good)];
	size_t n;

	for (size_t cut = 0; cut < sizeof(good) - 1; cut++)
		CHECK(sct_parse_list(list_of(good, cut), s, &n, NULL) == -1);
	memcpy(bad, good, sizeof(good));
	/* its own length, the list's, the extensions', the signature's */
	for (size_t i = 0; i < 4; i++) {
		static const size_t at[] = { 1, 3, 46, 52 };

		bad[at[i]]++;
		CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, NULL) == -1);
		bad[at[i]] -= 2;
		CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, NULL) == -1);
		bad[at[i]]++;
	}
	CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, NULL) == 0);
}

TEST(other_versions_and_algorithms_are_refused)
{
	char bad[] = "\0\x36\0\x34" ONE;
	struct sct s[SCT_LIST_MAX];
	struct err e = { 0 };
	size_t n;

	bad[4] = 1;
	CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, &e) == -1);
	CHECK_STR(e.msg, "certificate timestamp 1 cannot be read");
	bad[4] = 0;
	bad[49] = 2; /* SHA-1 */
	CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, NULL) == -1);
	bad[49] = 4;
	bad[50] = 2; /* DSA */
	CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, NULL) == -1);
	bad[50] = 1; /* RSA */
	CHECK(sct_parse_list(list_of(bad, sizeof(bad) - 1), s, &n, NULL) == 0);
}

UNIT_MAIN
