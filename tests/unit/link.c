#include "oci/link.h"
#include "unit.h"

#define PAGE "/v2/a/tags/list?n=1000"

/* The next page, "" if there is none, or what is wrong. */
static const char *
next_of(const char *value)
{
	static char out[LINK_MAX];
	static struct err e;

	e = (struct err){ 0 };
	switch (link_parse(view_of(value), PAGE, out, &e)) {
	case 1:
		return out;
	case 0:
		return "";
	default:
		CHECK(e.code == ERR_DATA);
		return e.msg;
	}
}

TEST(a_target_may_be_relative_or_absolute)
{
	CHECK_STR(next_of("</v2/a/tags/list?last=b&n=2>; rel=\"next\""),
		  "/v2/a/tags/list?last=b&n=2");
	CHECK_STR(next_of("<https://h.io:5000/v2/a/tags/list?last=b>; rel=next"),
		  "/v2/a/tags/list?last=b");
	CHECK_STR(next_of("<http://inside.lan/v2/x>; rel=next"), "/v2/x");
	CHECK_STR(next_of("<//h.io/v2/x>; rel=next"), "/v2/x");
	CHECK_STR(next_of("<?last=b>; rel=next"), "/v2/a/tags/list?last=b");
	CHECK_STR(next_of("<list?last=b>; rel=next"), "/v2/a/tags/list?last=b");
	CHECK_STR(next_of("<?at=http://x/y>; rel=next"), "/v2/a/tags/list?at=http://x/y");
}

TEST(only_the_next_page_counts)
{
	CHECK_STR(next_of(""), "");
	CHECK_STR(next_of("</first>; rel=\"first\""), "");
	CHECK_STR(next_of("</x>; title=\"next\""), "");
	CHECK_STR(next_of("</x>; rel=\"nextish\""), "");
	CHECK_STR(next_of("</a,b>; rel=first; title=\"x, \\\"y\\\"\", </c> ; REL=\"prev Next\""),
		  "/c");
}

TEST(what_cannot_be_followed_is_an_error_and_not_the_end)
{
	CHECK_STR(next_of("/v2/x; rel=next"), "next page: no '<' in Link");
	CHECK_STR(next_of("</v2/x; rel=next"), "next page: no '>' in Link");
	CHECK_STR(next_of("</v2/x>; rel=\"next"), "next page: bad parameters in Link");
	CHECK_STR(next_of("<>; rel=next"), "next page: '' has no path");
	CHECK_STR(next_of("<https://h.io>; rel=next"), "next page: 'https://h.io' has no path");
	CHECK_STR(next_of("<https://h.io?x=1>; rel=next"),
		  "next page: 'https://h.io?x=1' has no path");
	CHECK_STR(next_of("</v2/a b>; rel=next"), "next page: not an address");
}

TEST(a_list_that_goes_round_ends)
{
	char headers[] = "link: <?n=1>; rel=next\n";
	struct http_resp resp = { .headers = headers };
	char page[LINK_MAX] = PAGE;
	size_t pages = 0;
	struct err e = { 0 };

	CHECK(link_next(&resp, page, &pages, &e) == 1);
	CHECK_STR(page, "/v2/a/tags/list?n=1");
	CHECK(link_next(&resp, page, &pages, &e) == -1 && e.code == ERR_DATA);
	CHECK_STR(e.msg, "the page after '/v2/a/tags/list?n=1' is the same again");
	(void)snprintf(page, sizeof(page), "%s", PAGE);
	pages = LINK_PAGES_MAX - 1;
	CHECK(link_next(&resp, page, &pages, &e) == -1);
}

UNIT_MAIN
