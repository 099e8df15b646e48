#include "engine/peek.h"

#include <string.h>

#include "base/scope.h"
#include "unit.h"

#define STATE(s) "{\"Id\":\"ab\",\"State\":{" s "}}"

TEST(the_state_of_one_that_is_unwell)
{
	static const char unwell[] = STATE(
		"\"Status\":\"running\",\"Pid\":7,\"Health\":{\"Status\":\"unhealthy\",\"Log\":["
		"{\"Output\":\"old\"},{\"Output\":\"\\n the motor\\nis hot\"}]}");
	struct peek p;

	CHECK(peek_read(view_of(unwell), &p, NULL) == 0);
	CHECK_STR(p.status, "running");
	CHECK(p.pid == 7);
	CHECK_STR(p.health, "unhealthy");
	CHECK_STR(p.words, "the motor"); /* of the last output the first line */
}

TEST(one_that_has_ended_and_was_never_checked)
{
	struct peek p;

	CHECK(peek_read(view_of(STATE("\"Status\":\"exited\",\"ExitCode\":137")), &p, NULL) == 0);
	CHECK(p.pid == 0 && p.exit_code == 137);
	CHECK_STR(p.health, "");
	CHECK_STR(p.words, "");
}

TEST(a_check_called_none_is_none)
{
	struct peek p;

	CHECK(peek_read(view_of(STATE("\"Status\":\"running\",\"Health\":{\"Status\":\"none\"}")),
			&p, NULL) == 0);
	CHECK_STR(p.health, "");
}

TEST(what_is_no_such_answer)
{
	static const char *const bad[] = { "", "[]", "{}", STATE("\"Pid\":1"),
					   "{\"State\":{\"Status\":\"running\"}}" };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct err e = { 0 };
		struct peek p;

		CHECK(peek_read(view_of(bad[i]), &p, &e) < 0 && e.code == ERR_DATA);
	}
}

TEST(names_of_containers)
{
	static const char *const bad[] = {
		"", "-a", ".a", "a/b", "a b", "a?x", "a%2f", "\xc3\xa4"
	};

	CHECK(peek_is_name(view_of("robot-service_1.x")));
	CHECK(peek_is_name(view_of("0f")));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!peek_is_name(view_of(bad[i])));
}

TEST(where_to_ask)
{
	char url[PEEK_URL_MAX];
	const char *socket = NULL;
	struct err e = { 0 };

	CHECK(peek_where("unix:///run/d.sock", "web", &socket, url, &e) == 0);
	CHECK_STR(socket, "/run/d.sock");
	CHECK_STR(url, "http://docker/containers/web/json");
	CHECK(peek_where("tcp://h:1", "web", &socket, url, &e) < 0 && e.code == ERR_CONFIG);
	CHECK(peek_where("unix://d.sock", "web", &socket, url, &e) < 0 && e.code == ERR_CONFIG);
}

TEST(a_refusal_in_the_engines_words)
{
	char words[PEEK_WORDS_MAX];

	peek_refusal(view_of("{\"message\":\"No such container: web\\n\"}"), words);
	CHECK_STR(words, "No such container: web");
	peek_refusal(view_of("<html>"), words);
	CHECK_STR(words, "");
}

UNIT_MAIN
