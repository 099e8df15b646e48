#include "fleet/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/jsn.h"
#include "fleet/ladder.h"
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

static void
line(struct buf *text, int minute, const char *fields)
{
	buf_addf(text,
		 "{\"time\":\"2026-01-%02dT%02d:%02d:00Z\",\"txn\":\"d%d\",\"service\":\"r%d\",%s}"
		 "\n",
		 1 + minute / 1440, minute / 60 % 24, minute % 60, minute, minute % 3, fields);
}

/* One deployment a minute: first of OLD, then of 40 images in turn. */
#define OLD "sha256:old"

static void
deploy(struct buf *text, int i)
{
	char image[64] = OLD, fields[256];
	static const char *const events[] = { "begin", "moved", "proven" };

	if (i > 0)
		(void)snprintf(image, sizeof(image), "sha256:%d", i % 40);
	(void)snprintf(fields, sizeof(fields), "\"event\":\"service\",\"id\":\"%d\",\"spec\":{}",
		       i);
	line(text, i, fields);
	line(text, i, "\"event\":\"step\"");
	for (size_t k = 0; k < COUNT_OF(events); k++) {
		(void)snprintf(fields, sizeof(fields), "\"event\":\"%s\",\"digest\":\"%s\"",
			       events[k], image);
		line(text, i, fields);
	}
	line(text, i, "\"event\":\"end\",\"result\":\"done\"");
}

static ino_t
shortened(size_t *ret_bytes)
{
	AUTO_JOURNAL struct journal *j = NULL;
	struct stat st;

	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_prepare(j, NULL) == 0);
	CHECK(stat(path, &st) == 0);
	*ret_bytes = (size_t)st.st_size;
	return st.st_ino;
}

TEST(the_oldest_deployments_go_and_leave_what_decides)
{
	AUTO_BUF struct buf text = BUF_INIT(4U << 20);
	AUTO_JOURNAL struct journal *j = NULL;
	const char *last;
	size_t bytes, again, images = 0;
	char bad[] = "sha256:bad";
	int n = 0;
	ino_t file;

	fresh();
	buf_addf(&text, "{\"event\":\"quarantine\",\"digest\":\"%s\"}\n", bad);
	buf_addf(&text, "{\"event\":\"quarantine\",\"digest\":\"sha256:good\"}\n"
			"{\"event\":\"lift\",\"digest\":\"sha256:good\"}\n");
	while (text.len <= 2 * JOURNAL_COMPACT)
		deploy(&text, n++);
	put(text.data, text.len);
	file = shortened(&bytes);
	CHECK(bytes > JOURNAL_COMPACT / 3 && bytes < JOURNAL_COMPACT / 2 + 200);
	CHECK(shortened(&again) == file && again == bytes);

	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_unfinished(j) == NULL);
	CHECK(journal_quarantined(j, bad) != NULL);
	CHECK(journal_quarantined(j, "sha256:good") == NULL);
	while (journal_proven(j, images) != NULL)
		images++;
	CHECK(images == 41);
	CHECK(ladder_now(j, OLD, 600000) == RUNG_SOAKED);
	last = jsn_str_or(journal_last(j, NULL, "service", "r2"), "id", "");
	CHECK(strtol(last, NULL, 10) > n - 4);
	CHECK(jsn_get(journal_last(j, NULL, "service", "r2"), "spec") != NULL);
	CHECK(journal_last(j, NULL, "step", NULL) == NULL);
	/* history: the newest ones whole, and what is not told of any more is counted */
	CHECK(journal_count(j, NULL, "begin") > 100 && journal_count(j, NULL, "begin") < (size_t)n);
	CHECK(jsn_int(journal_at(j, 0), "done", 0) + (int64_t)journal_count(j, NULL, "end") == n);
	wipe();
}

TEST(a_journal_that_is_shortened_again_counts_on)
{
	AUTO_BUF struct buf text = BUF_INIT(4U << 20);
	AUTO_JOURNAL struct journal *j = NULL;
	size_t bytes;
	int n = 0;

	fresh();
	for (int round = 0; round < 2; round++) {
		buf_reset(&text);
		(void)file_read(AT_FDCWD, path, &text, NULL);
		while (text.len <= JOURNAL_COMPACT)
			deploy(&text, n++);
		put(text.data, text.len);
		(void)shortened(&bytes);
		CHECK(bytes < JOURNAL_COMPACT);
	}
	CHECK(journal_open(dir, &j, NULL) == 0);
	CHECK(journal_count(j, NULL, "shortened") == 1);
	CHECK(jsn_int(journal_at(j, 0), "done", 0) + (int64_t)journal_count(j, NULL, "end") == n);
	wipe();
}

TEST(what_is_needed_may_be_long_and_is_not_rewritten_every_time)
{
	AUTO_BUF struct buf text = BUF_INIT(4U << 20);
	size_t bytes, again;
	ino_t file;

	fresh();
	for (int i = 0; text.len <= 2 * JOURNAL_COMPACT; i++)
		buf_addf(&text,
			 "{\"event\":\"service\",\"service\":\"r%d\",\"spec\":{\"a\":\"%01000d\"}}"
			 "\n",
			 i, 0);
	put(text.data, text.len);
	file = shortened(&bytes);
	CHECK(bytes > 2 * JOURNAL_COMPACT);
	CHECK(shortened(&again) == file && again == bytes);
	wipe();
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
	char name[24];
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
