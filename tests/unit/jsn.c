#include "base/jsn.h"
#include "unit.h"

static struct json_t *
parse(const char *text, struct err *e)
{
	return jsn_parse(view_of(text), "doc", e);
}

TEST(getters_never_fail)
{
	AUTO_JSN struct json_t *v =
		parse("{\"a\":{\"b\":\"x\",\"n\":5,\"t\":true},\"l\":[1,2],\"a.b\":1}", NULL);

	CHECK_STR(jsn_str(v, "a.b"), "x");
	CHECK(jsn_int(v, "a.n", -1) == 5);
	CHECK(jsn_int(v, "a.b", -1) == -1);
	CHECK(jsn_bool(v, "a.t", false));
	CHECK(jsn_str(v, "a.x.y") == NULL);
	CHECK(jsn_str(NULL, "a") == NULL);
	CHECK(jsn_len(jsn_get(v, "l")) == 2);
	CHECK(jsn_int(jsn_at(jsn_get(v, "l"), 1), "", 0) == 2);
	CHECK(jsn_at(v, 0) == NULL);
	CHECK(jsn_at_key(v, "a.b") != NULL);
}

TEST(what_could_be_read_two_ways_is_refused)
{
	AUTO_BUF
	struct buf deep = BUF_INIT(4096);
	struct err e = { 0 };

	CHECK(parse("{\"a\":1,\"a\":2}", &e) == NULL && e.code == ERR_DATA);
	CHECK(parse("{} x", &e) == NULL);
	CHECK(parse("{\"a\":\"\\u0000\"}", &e) == NULL);
	CHECK(parse("\"\xff\"", &e) == NULL);
	CHECK(parse("", &e) == NULL);
	for (int i = 0; i <= JSN_DEPTH_MAX; i++)
		buf_addc(&deep, '[');
	CHECK(parse(buf_cstr(&deep), &e) == NULL);
	CHECK_STR(e.msg, "doc: JSON is deeper than 64");
}

TEST(a_bracket_in_a_string_is_no_depth)
{
	AUTO_BUF
	struct buf text = BUF_INIT(4096);
	AUTO_JSN struct json_t *v = NULL;

	buf_adds(&text, "\"\\\"");
	for (int i = 0; i < 100; i++)
		buf_addc(&text, '[');
	buf_addc(&text, '"');
	v = parse(buf_cstr(&text), NULL);
	CHECK(v != NULL);
}

TEST(what_must_be_there_is_named)
{
	AUTO_JSN struct json_t *v = parse("{\"n\":500}", NULL);
	struct err e = { 0 };
	const char *s;
	int64_t n;

	CHECK(jsn_need_str(v, "s", "doc", &s, &e) == -1);
	CHECK_STR(e.msg, "doc: no string 's'");
	CHECK(jsn_need_int(v, "n", "doc", 0, 10, &n, &e) == -1);
	CHECK_STR(e.msg, "doc: 'n' is 500");
}

TEST(made_as_it_was_meant)
{
	AUTO_JSN struct json_t *o = jsn_object();
	AUTO_FREE
	char *s = NULL;
	AUTO_FREE
	char *sorted = NULL;

	jsn_set_str(o, "z", "a\"b");
	jsn_set_int(jsn_child(o, "c"), "n", 1);
	jsn_set(o, "l", jsn_array());
	jsn_push(jsn_mutable(jsn_get(o, "l")), jsn_string(NULL));
	s = jsn_dump(o);
	CHECK_STR(s, "{\"z\":\"a\\\"b\",\"c\":{\"n\":1},\"l\":[null]}");
	sorted = jsn_dump_sorted(o);
	CHECK_STR(sorted, "{\"c\":{\"n\":1},\"l\":[null],\"z\":\"a\\\"b\"}");
}

TEST(bytes_that_are_not_text_are_kept_as_far_as_they_go)
{
	AUTO_BUF
	struct buf b = BUF_INIT(100);
	AUTO_JSN struct json_t *v = jsn_string("a\xff\xc3\xa9\x01");

	jsn_quote(&b, "a\xff\xc3\xa9\n");
	CHECK_STR(buf_cstr(&b), "\"a\xef\xbf\xbd\xc3\xa9\\u000a\"");
	CHECK_STR(jsn_str(v, ""), "a\xef\xbf\xbd\xc3\xa9\x01");
}

UNIT_MAIN
