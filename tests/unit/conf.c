#include "base/conf.h"
#include "unit.h"

static const struct conf_key keys[] = {
	{ "NAME", "none" }, { "COUNT", "3" }, { "ON", "true" }, { "SERVICE_*_HOST", NULL }, { 0 }
};

static struct conf *
fresh(void)
{
	struct conf *c = NULL;

	CHECK(conf_new(keys, &c, NULL) == 0);
	return c;
}

/* What parsing says of text: "" if it is well. */
static const char *
says(const char *text)
{
	AUTO_CONF struct conf *c = fresh();
	static struct err e;

	e = (struct err){ 0 };
	if (conf_parse(c, text, "f", &e) < 0)
		CHECK(e.code == ERR_CONFIG);
	return e.msg;
}

TEST(values_bare_quoted_and_commented)
{
	AUTO_CONF struct conf *c = fresh();

	CHECK(conf_parse(c,
			 "# a comment\n\nexport NAME='a b' # why\nCOUNT=7\r\n"
			 "SERVICE_robot_1_HOST=\"unix:///x\"",
			 "f", NULL) == 0);
	CHECK_STR(conf_get(c, "NAME"), "a b");
	CHECK_STR(conf_get(c, "COUNT"), "7");
	CHECK_STR(conf_get_for(c, "SERVICE_*_HOST", "robot-1"), "unix:///x");
	CHECK(conf_get_for(c, "SERVICE_*_HOST", "robot-2") == NULL);
	CHECK_STR(conf_get(c, "ON"), "true");
}

TEST(errors_name_file_and_line)
{
	CHECK_STR(says("NAME=x\nNAM=y\n"), "f:2: unknown key 'NAM'");
	CHECK_STR(says("just words"), "f:1: not a KEY=value line");
	CHECK_STR(says("NA ME=x"), "f:1: not a KEY=value line");
	CHECK_STR(says("NAME='x"), "f:1: a quote is not closed");
	CHECK_STR(says("NAME=a b"), "f:1: a value with spaces must stand in quotes");
	CHECK_STR(says("NAME=x\nCOUNT=1\nNAME=y"), "f:3: 'NAME' is set twice, first in line 1");
	CHECK_STR(says("SERVICE__HOST=x"), "f:1: unknown key 'SERVICE__HOST'");
}

TEST(what_a_shell_would_read_otherwise_is_refused)
{
	CHECK_STR(says("NAME=$HOME"), "f:1: '$' must stand in single quotes");
	CHECK_STR(says("NAME=\"`id`\""), "f:1: '`' must stand in single quotes");
	CHECK_STR(says("NAME=a;b"), "f:1: ';' must stand in quotes");
	CHECK_STR(says("NAME='$HOME;`id`'"), "");
}

TEST(later_settings_win_and_say_where_they_came_from)
{
	AUTO_CONF struct conf *c = fresh();
	static char count[] = "COUNT=many", other[] = "OTHER=1", name[] = "NAME=";
	char *env[] = { count, other, name, NULL };
	struct err e = { 0 };
	int64_t n;

	CHECK(conf_parse(c, "COUNT=5\nNAME=file", "f", NULL) == 0);
	CHECK(conf_number(c, "COUNT", 1, 10, &n, NULL) == 0 && n == 5);
	CHECK(conf_env(c, env, NULL) == 0);
	CHECK_STR(conf_get(c, "NAME"), "file");
	CHECK(conf_number(c, "COUNT", 1, 10, &n, &e) == -1);
	CHECK_STR(e.msg, "environment: COUNT: must be a number from 1 to 10, not 'many'");
	CHECK(e.code == ERR_CONFIG);
}

TEST(booleans_and_what_must_be_set)
{
	AUTO_CONF struct conf *c = fresh();
	struct err e = { 0 };
	const char *s;
	bool b = false;

	CHECK(conf_bool(c, "ON", &b, NULL) == 0 && b);
	CHECK(conf_set(c, "ON", "off", "flag", NULL) == 0);
	CHECK(conf_bool(c, "ON", &b, NULL) == 0 && !b);
	CHECK(conf_set(c, "ON", "maybe", "flag", NULL) == 0);
	CHECK(conf_bool(c, "ON", &b, &e) == -1);
	CHECK_STR(e.msg, "flag: ON: must be true or false, not 'maybe'");
	CHECK(conf_need(c, "NAME", &s, NULL) == 0);
	CHECK(conf_need(c, "SERVICE_x_HOST", &s, &e) == -1);
	CHECK_STR(e.msg, "SERVICE_x_HOST is not set (see gantry.conf(5))");
}

UNIT_MAIN
