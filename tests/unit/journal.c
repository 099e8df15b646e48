#include "fleet/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/jsn.h"
#include "unit.h"

#define STORY "tests/fuzz/corpus/journal/story.jsonl"

static char dir[64], path[128];

static void
fresh(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/gantry-journal-XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, JOURNAL_FILE);
}

static void
wipe(void)
{
	(void)unlink(path);
	CHECK(rmdir(dir) == 0);
}

static void
put(const char *p, size_t n)
{
	CHECK(file_replace(AT_FDCWD, path, p, n, 0644, NULL) == 0);
}

TEST(what_was_written_is_read_again)
{
	AUTO_JOURNAL struct journal *j = NULL;
	AUTO_JOURNAL struct journal *again = NULL;
	struct json_t *fields = jsn_object();

	fresh();
	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_prepare(j, NULL) == 0);
	jsn_set_str(fields, "digest", "sha256:1");
	CHECK(journal_write(j, "quarantine", "t1", fields, NULL) == 0);
	CHECK(journal_quarantined(j, "sha256:1") != NULL);
	CHECK(journal_open(dir, &again, NULL) == 0);
	CHECK(journal_len(again) == 1);
	CHECK_STR(jsn_str(journal_quarantined(again, "sha256:1"), "txn"), "t1");
	wipe();
}

TEST(every_prefix_of_a_journal_parses)
{
	AUTO_BUF struct buf text = BUF_INIT(1U << 20);
	size_t lines = 0;

	CHECK(file_read(AT_FDCWD, STORY, &text, NULL) == 0);
	for (size_t n = 0; n <= text.len; n++) {
		AUTO_JSN struct json_t *all = NULL;
		size_t whole = 0;

		if (n > 0 && text.data[n - 1] == '\n')
			lines++;
		CHECK(journal_parse((struct view){ text.data, n }, &all, &whole, NULL) == 0);
		CHECK(jsn_len(all) == lines);
		CHECK(whole <= n && (whole == 0 || text.data[whole - 1] == '\n'));
	}
	CHECK(lines == 9);
}

TEST(a_torn_line_is_cut_before_the_next_is_written)
{
	static const char torn[] = "{\"event\":\"begin\",\"txn\":\"t1\"}\n{\"event\":\"en";
	AUTO_JOURNAL struct journal *j = NULL;
	AUTO_JOURNAL struct journal *again = NULL;

	fresh();
	put(torn, sizeof(torn) - 1);
	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_len(j) == 1);
	CHECK(journal_prepare(j, NULL) == 0);
	CHECK(journal_write(j, "end", "t1", NULL, NULL) == 0);
	CHECK(journal_open(dir, &again, NULL) == 0);
	CHECK(journal_len(again) == 2);
	CHECK(journal_unfinished(again) == NULL);
	wipe();
}

TEST(a_story_answers_all_questions)
{
	AUTO_BUF struct buf text = BUF_INIT(1U << 20);
	AUTO_JOURNAL struct journal *j = NULL;

	fresh();
	CHECK(file_read(AT_FDCWD, STORY, &text, NULL) == 0);
	put(text.data, text.len);
	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK_STR(jsn_str(journal_unfinished(j), "txn"), "t2");
	CHECK_STR(jsn_str(journal_quarantined(j, "sha256:3333"), "reason"), "unhealthy: 503");
	CHECK(journal_quarantined(j, "sha256:2222") == NULL);
	CHECK_STR(jsn_str(journal_proven(j, 0), "digest"), "sha256:2222");
	CHECK_STR(jsn_str(journal_proven(j, 1), "digest"), "sha256:1111");
	CHECK(journal_proven(j, 2) == NULL);
	CHECK_STR(jsn_str(journal_last(j, "t1", "service", "robot-service-1"), "id"), "aa");
	CHECK(journal_last(j, "t2", "service", NULL) == NULL);
	wipe();
}

TEST(quarantine_is_lifted)
{
	AUTO_JOURNAL struct journal *j = NULL;
	struct json_t *fields = jsn_object();

	fresh();
	CHECK(journal_open(dir, &j, NULL) == 0);
	jsn_set_str(fields, "digest", "sha256:1");
	CHECK(journal_write(j, "quarantine", NULL, jsn_copy(fields), NULL) == 0);
	CHECK(journal_write(j, "lift", NULL, fields, NULL) == 0);
	CHECK(journal_quarantined(j, "sha256:1") == NULL);
	wipe();
}

TEST(a_long_journal_is_made_short_and_keeps_its_answers)
{
	AUTO_BUF struct buf text = BUF_INIT(4U << 20);
	AUTO_JOURNAL struct journal *j = NULL;
	AUTO_JOURNAL struct journal *again = NULL;
	struct stat st;

	fresh();
	CHECK(file_read(AT_FDCWD, STORY, &text, NULL) == 0);
	while (text.len <= JOURNAL_COMPACT)
		buf_adds(&text, "{\"txn\":\"t1\",\"event\":\"step\",\"step\":\"create\"}\n"
				"{\"txn\":\"t2\",\"event\":\"step\",\"step\":\"create\"}\n");
	put(text.data, text.len);
	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_prepare(j, NULL) == 0);
	CHECK(stat(path, &st) == 0 && st.st_size < JOURNAL_COMPACT);
	CHECK(journal_open(dir, &again, NULL) == 0);
	CHECK(journal_len(again) == journal_len(j));
	CHECK_STR(jsn_str(journal_unfinished(again), "txn"), "t2");
	CHECK(journal_quarantined(again, "sha256:3333") != NULL);
	CHECK(journal_count(again, "t1", "step") == 0);
	wipe();
}

static void
record(struct journal *j, const char *event, const char *txn, const char *service, char digit)
{
	struct json_t *fields = jsn_object();
	char digest[DIGEST_STR_MAX] = "sha256:";

	memset(digest + strlen(digest), digit, 64);
	jsn_set_str(fields, "digest", digest);
	if (service != NULL)
		jsn_set_str(fields, "service", service);
	CHECK(journal_write(j, event, txn, fields, NULL) == 0);
}

TEST(what_deploy_and_rollback_may_need)
{
	AUTO_JOURNAL struct journal *j = NULL;
	AUTO_FREE struct digest *all = NULL;
	char digits[32] = "";
	size_t n = 0;

	fresh();
	CHECK(journal_open(dir, &j, NULL) == 0);
	record(j, "staged", NULL, NULL, '9');
	record(j, "begin", "t1", NULL, '9');
	record(j, "service", "t1", "r1", '8');
	record(j, "moved", "t1", "r1", '7');
	record(j, "proven", "t1", NULL, '1');
	record(j, "end", "t1", NULL, '6');
	record(j, "service", "t2", "r1", '2');
	record(j, "moved", "t2", "r1", '3');
	record(j, "quarantine", "t2", NULL, '9');
	record(j, "staged", NULL, NULL, '6');
	record(j, "begin", "t3", NULL, '4');
	record(j, "service", "t3", "r2", '5');
	CHECK(journal_needed(j, &all, &n, NULL) == 0);
	for (size_t i = 0; i < n && i < sizeof(digits) - 1; i++)
		digits[i] = *digest_hex(&all[i]);
	CHECK_STR(digits, "123645");
	wipe();
}

TEST(no_folder_is_an_empty_journal)
{
	AUTO_JOURNAL struct journal *j = NULL;

	CHECK(journal_open("/nonexistent/gantry", &j, NULL) == 0);
	CHECK(journal_len(j) == 0);
	CHECK(journal_unfinished(j) == NULL);
	CHECK(journal_write(j, "end", NULL, NULL, NULL) == -1);
}

#define WRITERS 4
#define EACH	50

struct writer {
	struct journal *j;
	char name[16];
	pthread_t thread;
	size_t wrong;
};

/* Writes, and finds what it wrote, whatever the others do. */
static void *
write_and_read(void *arg)
{
	struct writer *w = arg;
	const struct json_t *first = NULL;

	for (int i = 0; i < EACH; i++) {
		struct json_t *f = jsn_object();

		jsn_set_str(f, "service", w->name);
		jsn_set_int(f, "n", i);
		w->wrong += journal_write(w->j, "step", "t1", f, NULL) < 0;
		w->wrong += jsn_int(journal_last(w->j, "t1", "step", w->name), "n", -1) != i;
		if (first == NULL)
			first = journal_first(w->j, "t1", NULL, w->name);
		/* still the same, and still there */
		w->wrong += first != journal_first(w->j, "t1", NULL, w->name);
		w->wrong += jsn_int(first, "n", -1) != 0;
	}
	return NULL;
}

TEST(several_threads_write_and_read_at_once)
{
	AUTO_JOURNAL struct journal *j = NULL;
	AUTO_JOURNAL struct journal *again = NULL;
	struct writer w[WRITERS] = { 0 };

	fresh();
	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_prepare(j, NULL) == 0);
	for (int i = 0; i < WRITERS; i++) {
		w[i].j = j;
		(void)snprintf(w[i].name, sizeof(w[i].name), "robot-%d", i);
		CHECK(pthread_create(&w[i].thread, NULL, write_and_read, &w[i]) == 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		CHECK(pthread_join(w[i].thread, NULL) == 0);
		CHECK(w[i].wrong == 0);
	}
	/* the file has the same records in the same order */
	CHECK(journal_open(dir, &again, NULL) == 0);
	CHECK(journal_len(j) == (size_t)WRITERS * EACH);
	CHECK(journal_len(again) == journal_len(j));
	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *a = journal_at(j, i), *b = journal_at(again, i);

		CHECK_STR(jsn_str(a, "service"), jsn_str_or(b, "service", ""));
		CHECK(jsn_int(a, "n", -1) == jsn_int(b, "n", -2));
	}
	wipe();
}

UNIT_MAIN
