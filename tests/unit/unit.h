/*
 * unit: a test program in one header.  TEST(name) { CHECK(…); } in any number,
 * UNIT_MAIN at the end; prints TAP.
 */
#ifndef GANTRY_TESTS_UNIT_H
#define GANTRY_TESTS_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit_test {
	const char *name;
	void (*run)(void);
	struct unit_test *next;
};

static struct unit_test *unit_first, **unit_last = &unit_first;
static bool unit_failed;

#define TEST(name_)                                                     \
	static void name_(void);                                        \
	__attribute__((constructor)) static void name_##_register(void) \
	{                                                               \
		static struct unit_test t = { #name_, name_, NULL };    \
		*unit_last = &t;                                        \
		unit_last = &t.next;                                    \
	}                                                               \
	static void name_(void)

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			unit_failed = true;                                 \
		}                                                           \
	} while (0)

#define CHECK_STR(got, want)                                                         \
	do {                                                                         \
		const char *got_ = (got), *want_ = (want);                           \
		if (got_ == NULL || strcmp(got_, want_) != 0) {                      \
			printf("# %s:%d: got '%s', want '%s'\n", __FILE__, __LINE__, \
			       got_ != NULL ? got_ : "(null)", want_);               \
			unit_failed = true;                                          \
		}                                                                    \
	} while (0)

#define UNIT_MAIN                                                                        \
	int main(void)                                                                   \
	{                                                                                \
		int n = 0, bad = 0;                                                      \
		for (struct unit_test *t = unit_first; t != NULL; t = t->next) {         \
			unit_failed = false;                                             \
			t->run();                                                        \
			printf("%sok %d %s\n", unit_failed ? "not " : "", ++n, t->name); \
			bad += unit_failed;                                              \
		}                                                                        \
		printf("1..%d\n", n);                                                    \
		return bad != 0;                                                         \
	}

#endif
