#include "oci/semver.h"
#include "oci/tags.h"
#include "unit.h"

static bool
in(const char *range, const char *version)
{
	struct semver_range *r = NULL;
	struct semver v;
	bool has;

	if (semver_range_parse(range, &r, NULL) < 0 || !semver_parse(version, &v))
		return false;
	has = semver_range_has(r, &v);
	semver_range_free(&r);
	return has;
}

static bool
is_range(const char *range)
{
	struct semver_range *r = NULL;
	bool ok = semver_range_parse(range, &r, NULL) == 0;

	semver_range_free(&r);
	return ok;
}

TEST(versions_are_parsed_strictly)
{
	struct semver v;

	CHECK(semver_parse("1.2.3", &v) && v.part[0] == 1 && v.part[2] == 3);
	CHECK(semver_parse("v1.2.3-rc.1+build.5", &v) && view_eq(v.pre, "rc.1"));
	CHECK(!semver_parse("1.2", &v));
	CHECK(!semver_parse("1.2.03", &v));
	CHECK(!semver_parse("1.2.3-", &v));
	CHECK(!semver_parse("1.2.3-01", &v));
	CHECK(!semver_parse("1.2.3+", &v));
	CHECK(!semver_parse("latest", &v));
	CHECK(!semver_parse("1.2.99999999999999999999", &v));
}

TEST(precedence_is_that_of_semver_org)
{
	static const char *const order[] = { "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
					     "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
					     "1.0.0-rc.1",  "1.0.0",	     "1.0.1",
					     "1.9.0",	    "1.10.0",	     "2.0.0" };

	for (size_t i = 0; i + 1 < COUNT_OF(order); i++) {
		CHECK(tags_compare(order[i], order[i + 1]) < 0);
		CHECK(tags_compare(order[i + 1], order[i]) > 0);
	}
	CHECK(tags_compare("latest", "0.0.1") < 0);
	CHECK(tags_compare("1.0.0+a", "1.0.0+b") < 0);
}

TEST(ranges_hold_what_node_semver_says)
{
	CHECK(in("*", "0.0.1") && in("", "3.2.1") && !in("*", "1.0.0-rc.1"));
	CHECK(in("1", "1.9.9") && !in("1", "2.0.0"));
	CHECK(in("1.2.x", "1.2.9") && !in("1.2.x", "1.3.0"));
	CHECK(in("=1.2.3", "1.2.3") && !in("1.2.3", "1.2.4"));
	CHECK(in(">=1.2 <2", "1.99.0") && !in(">=1.2 <2", "2.0.0") && !in(">=1.2 <2", "1.1.9"));
	CHECK(in(">1.2", "1.3.0") && !in(">1.2", "1.2.9"));
	CHECK(in("<=1.2", "1.2.9") && !in("<=1.2", "1.3.0"));
	CHECK(in(">= 1.2", "1.2.0"));
	CHECK(in("^1.2.3", "1.9.0") && !in("^1.2.3", "2.0.0") && !in("^1.2.3", "1.2.2"));
	CHECK(in("^0.2.3", "0.2.9") && !in("^0.2.3", "0.3.0"));
	CHECK(in("^0.0.3", "0.0.3") && !in("^0.0.3", "0.0.4"));
	CHECK(in("^0", "0.9.0") && !in("^0", "1.0.0"));
	CHECK(in("~1.2.3", "1.2.9") && !in("~1.2.3", "1.3.0"));
	CHECK(in("~1", "1.9.0") && !in("~1", "2.0.0"));
	CHECK(in("1.2 - 2.0", "2.0.5") && !in("1.2 - 2.0", "2.1.0"));
	CHECK(in("<1 || >=3", "0.9.0") && in("<1 || >=3", "3.0.0") && !in("<1 || >=3", "2.0.0"));
}

TEST(prereleases_only_where_one_was_named)
{
	CHECK(in(">=1.2.3-rc.1", "1.2.3-rc.2"));
	CHECK(!in(">=1.2.3-rc.1", "1.2.4-rc.1"));
	CHECK(in(">=1.2.3-rc.1", "1.2.4"));
	CHECK(!in("<2", "2.0.0-rc.1"));
	CHECK(!in("^1.0.0", "2.0.0-rc.1"));
}

TEST(what_is_no_range_is_refused)
{
	CHECK(!is_range("one") && !is_range("1.2.3.4") && !is_range(">>1") && !is_range("1.x.3"));
	CHECK(!is_range("1 - "));
}

static bool
matches(const char *pattern, const char *tag)
{
	AUTO_TAGS struct tags_pattern *p = NULL;

	return tags_compile(pattern, &p, NULL) == 0 && tags_match(p, tag);
}

TEST(patterns_of_three_kinds)
{
	AUTO_TAGS struct tags_pattern *p = NULL;
	struct err e = { 0 };

	CHECK(matches("1.*", "1.2") && !matches("1.*", "2.1"));
	CHECK(matches("regex:v[0-9]+", "v12") && !matches("regex:v[0-9]+", "xv12"));
	CHECK(!matches("regex:a|b", "ax"));
	CHECK(!matches("regex:a)|(b", "ax") && matches("regex:a|ab", "ab"));
	CHECK(matches("semver:*", "1.0.0") && !matches("semver:*", "latest"));
	CHECK(tags_compile("regex:(", &p, &e) == -1 && e.code == ERR_USAGE);
	CHECK(strncmp(e.msg, "pattern 'regex:(': '(' is not a regular expression: ", 52) == 0);
	CHECK(tags_compile("semver:one", &p, &e) == -1);
	CHECK_STR(e.msg, "pattern 'semver:one': 'one' is not a version range");
	CHECK(tags_compile("", &p, &e) == -1);
}

TEST(tool_tags_are_known)
{
	char tag[100];

	(void)snprintf(tag, sizeof(tag), "sha256-%064d", 0);
	CHECK(tags_is_referrer(tag));
	(void)snprintf(tag, sizeof(tag), "sha256-%064d.sig", 0);
	CHECK(tags_is_referrer(tag));
	(void)snprintf(tag, sizeof(tag), "sha256-%064d.exe", 0);
	CHECK(!tags_is_referrer(tag));
	CHECK(!tags_is_referrer("sha256-abc"));
}

TEST(newest_first)
{
	char a[] = "1.9.0", b[] = "1.10.0", c[] = "latest";
	char *tags[] = { c, a, b };

	tags_sort(tags, 3);
	CHECK_STR(tags[0], "1.10.0");
	CHECK_STR(tags[2], "latest");
}

TEST(corners_that_node_semver_has)
{
	/* a pre-release that was written counts, also the lowest one */
	CHECK(in("^1.1.1-0", "1.1.1-alpha") && in("~1.0.3-0", "1.0.3-0"));
	CHECK(!in(">1.2", "1.3.0-rc.1") && in(">1.2", "1.3.0") && !in("<=1.2", "1.3.0-0"));
	/* nothing is above or below everything */
	CHECK(is_range("<x") && !in("<x", "0.0.0") && !in(">*", "99.0.0") && in(">=*", "0.0.1"));
	CHECK(in("~>1.2", "1.2.9") && !in("~> 1.2.3", "1.3.0") && in("~> 1", "1.9.0"));
	/* beside "anything" what others say about pre-releases does not count */
	CHECK(!in("~1.2.2-a || *", "1.2.2-rc") && in("~1.2.2-a || 0", "1.2.2-rc"));
	CHECK(in("* <=0.0.0-b", "0.0.0-a") && in(">=0.0.0 <=0.0.0-b", "0.0.0-a"));
	CHECK(!is_range(">") && !is_range("^") && !is_range("1 || <="));
	CHECK(!is_range("1.2.3+b..c") && !is_range("1.2.3+") && in("1.2.3+b.c", "1.2.3"));
	CHECK(is_range("") && is_range("1 ||") && !is_range("x.1"));
}

UNIT_MAIN
