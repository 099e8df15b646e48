#include "engine/ending.h"

#include "base/view.h"
#include "unit.h"

#define EVENT(id, action, more, ms)                                                       \
	"{\"Type\":\"container\",\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id "\"," \
	"\"Attributes\":{" more "}},\"timeNano\":" #ms "000000}\n"

/* What is known after these lines; *ret_read (may be NULL): how many of them were read. */
static enum engine_end
after(const char *lines, int64_t finished_ms, int *ret_read)
{
	struct ending d = { .id = "ab", .finished_ms = finished_ms };
	struct view rest = view_of(lines), line;
	int read = 0;

	while (view_cut(&rest, '\n', &line)) {
		read++;
		if (ending_take(&d, line, NULL) < 0)
			break;
	}
	if (ret_read != NULL)
		*ret_read = read;
	return ending_judge(&d);
}

TEST(one_that_ends_without_a_signal_ends_by_itself)
{
	int read;

	CHECK(after(EVENT("ab", "start", "", 5) EVENT("ab", "die", "\"exitCode\":\"1\"", 9)
			    EVENT("ab", "start", "", 10),
		    8, &read) == ENGINE_END_ITSELF);
	CHECK(read == 2);
}

TEST(a_signal_to_end_is_somebodys_and_ours_are_none)
{
	CHECK(after(EVENT("ab", "kill", "\"signal\":\"15\"", 5) EVENT("ab", "die", "", 9), 8,
		    NULL) == ENGINE_END_KILLED);
	CHECK(after(EVENT("ab", "kill", "\"signal\":\"9\"", 9), 8, NULL) == ENGINE_END_KILLED);
	CHECK(after(EVENT("ab", "kill", "\"signal\":\"10\"", 5)
			    EVENT("ab", "kill", "\"signal\":\"12\"", 6) EVENT("ab", "die", "", 9),
		    8, NULL) == ENGINE_END_ITSELF);
	CHECK(after(EVENT("ab", "kill", "", 5) EVENT("ab", "die", "", 9), 8, NULL) ==
	      ENGINE_END_ITSELF);
	CHECK(after(EVENT("cd", "kill", "\"signal\":\"15\"", 5) EVENT("ab", "die", "", 9), 8,
		    NULL) == ENGINE_END_ITSELF);
}

TEST(what_was_in_a_life_before_does_not_count)
{
	int read;

	CHECK(after(EVENT("ab", "kill", "\"signal\":\"15\"", 2) EVENT("ab", "die", "", 3)
			    EVENT("ab", "start", "", 4) EVENT("ab", "die", "", 9),
		    8, &read) == ENGINE_END_ITSELF);
	CHECK(read == 4);
}

TEST(an_end_that_an_engine_cannot_have_forgotten_was_not_seen)
{
	struct ending d = { .id = "ab", .finished_ms = 8 };
	static const char other[] = EVENT("cd", "exec_die", "", 9);

	CHECK(after(EVENT("cd", "start", "", 9) EVENT("ab", "start", "", 10), 8, NULL) ==
	      ENGINE_END_UNSEEN);
	for (int i = 0; i < ENDING_EVENTS; i++) {
		CHECK(ending_judge(&d) == (i == 0 ? ENGINE_END_ITSELF : ENGINE_END_UNSEEN));
		CHECK(ending_take(&d, view_of(other), NULL) == 0);
	}
	CHECK(ending_judge(&d) == ENGINE_END_ITSELF);
}

TEST(what_ended_before_its_engine_answered_it_ended_itself_or_another_did)
{
	static const char *const lives[] = {
		EVENT("ab", "kill", "\"signal\":\"15\"", 5) EVENT("ab", "die", "", 9),
		EVENT("ab", "die", "", 9),
		EVENT("ab", "kill", "\"signal\":\"15\"", 5),
		"",
	};

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		struct ending d = { .id = "ab", .finished_ms = 8, .up_ms = 9 };
		struct view rest = view_of(lives[i]), line;

		CHECK(ending_is_past(&d));
		while (view_cut(&rest, '\n', &line))
			(void)ending_take(&d, line, NULL);
		CHECK(ending_judge(&d) == (i == 0 ? ENGINE_END_STARTING : ENGINE_END_UNSEEN));
		d.up_ms = 8;
		CHECK(!ending_is_past(&d));
	}
}

TEST(what_is_no_event_says_nothing)
{
	CHECK(after("", 8, NULL) == ENGINE_END_ITSELF);
	CHECK(after("no\n[1]\n7\n", 8, NULL) == ENGINE_END_ITSELF);
}

UNIT_MAIN
