#include "fleet/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsn.h"
#include "fleet/journal_short.h"

#define MODE_PUBLIC 0644

struct journal {
	int dir;
	pthread_mutex_t lock; /* of the array of records; a record never changes */
	struct json_t *records;
	size_t size, whole; /* bytes of the file, and of its whole lines */
};

void
journal_close(struct journal **j)
{
	if (*j == NULL)
		return;
	if ((*j)->dir >= 0)
		(void)close((*j)->dir);
	(void)pthread_mutex_destroy(&(*j)->lock);
	jsn_free(&(*j)->records);
	free(*j);
	*j = NULL;
}

int
journal_parse(struct view bytes, struct json_t **ret, size_t *ret_len, struct err *e)
{
	struct json_t *all = jsn_array();
	struct view rest = bytes, line;

	if (all == NULL)
		return err_nomem(e);
	while (view_cut(&rest, '\n', &line)) {
		struct json_t *record = line.n > 0 ? jsn_parse(line, "journal", NULL) : NULL;

		if (jsn_is_object(record))
			jsn_push(all, record);
		else
			jsn_free(&record);
	}
	*ret = all;
	*ret_len = bytes.n - rest.n;
	return 0;
}

static const char *
field(const struct json_t *record, const char *key)
{
	return jsn_str_or(record, key, "");
}

static bool
is_event(const struct json_t *record, const char *event)
{
	return strcmp(field(record, "event"), event) == 0;
}

/* A torn line is cut off, so that the next one does not become part of it. */
static int
cut_torn(int dir, size_t whole, struct err *e)
{
	AUTO_FD int fd = openat(dir, JOURNAL_FILE, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)whole) < 0 || fsync(fd) < 0)
		return err_sys(e, "cut '%s'", JOURNAL_FILE);
	return 0;
}

static int
compact(struct journal *j, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(JOURNAL_MAX);
	struct json_t *kept;

	if (journal_short(j, &kept, &out, e) < 0)
		return -1;
	if (file_replace(j->dir, JOURNAL_FILE, buf_cstr(&out), out.len, MODE_PUBLIC, e) < 0) {
		jsn_free(&kept);
		return -1;
	}
	jsn_free(&j->records);
	j->records = kept;
	j->size = j->whole = out.len;
	return 0;
}

/* The end of a file that is too long to be read whole. */
static int
read_end(int dir, struct buf *ret, off_t *ret_skipped, struct err *e)
{
	AUTO_FD int fd = openat(dir, JOURNAL_FILE, O_RDONLY | O_CLOEXEC);
	char chunk[64U << 10];
	struct stat st;
	ssize_t n;

	*ret_skipped = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open '%s'", JOURNAL_FILE);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat '%s'", JOURNAL_FILE);
	if (st.st_size > (off_t)ret->max) {
		*ret_skipped = st.st_size - (off_t)ret->max;
		if (lseek(fd, *ret_skipped, SEEK_SET) < 0)
			return err_sys(e, "read '%s'", JOURNAL_FILE);
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(ret, chunk, (size_t)n);
	return n < 0 ? err_sys(e, "read '%s'", JOURNAL_FILE) : buf_ok(ret, JOURNAL_FILE, e);
}

static int
load(struct journal *j, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(JOURNAL_MAX);
	off_t skipped;

	if (read_end(j->dir, &text, &skipped, e) < 0 ||
	    journal_parse(view_buf(&text), &j->records, &j->whole, e) < 0)
		return -1;
	j->size = (size_t)skipped + text.len;
	j->whole += (size_t)skipped;
	return 0;
}

int
journal_open(const char *dir, struct journal **ret, struct err *e)
{
	AUTO_JOURNAL struct journal *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return err_nomem(e);
	(void)pthread_mutex_init(&j->lock, NULL);
	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0 && errno == ENOENT) {
		j->records = jsn_array();
		*ret = TAKE_PTR(j);
		return 0;
	}
	if (j->dir < 0)
		return err_sys(e, "open folder '%s'", dir);
	if (load(j, e) < 0)
		return err_wrap(e, "journal in '%s'", dir);
	*ret = TAKE_PTR(j);
	return 0;
}

int
journal_prepare(struct journal *j, struct err *e)
{
	if (j->whole < j->size && cut_torn(j->dir, j->whole, e) < 0)
		return -1;
	j->size = j->whole;
	return journal_is_long(j, j->size) ? compact(j, e) : 0;
}

/* In memory as on disk, in the same order. */
static int
append(struct journal *j, struct json_t *record, const struct buf *line, struct err *e)
{
	int status;

	(void)pthread_mutex_lock(&j->lock);
	jsn_push(j->records, record);
	status = file_append(j->dir, JOURNAL_FILE, buf_cstr(line), line->len, MODE_PUBLIC, e);
	(void)pthread_mutex_unlock(&j->lock);
	return status < 0 ? err_wrap(e, "journal") : 0;
}

int
journal_write(struct journal *j, const char *event, const char *txn, struct json_t *fields,
	      struct err *e)
{
	AUTO_JSN struct json_t *more = fields;
	AUTO_JSN struct json_t *record = jsn_object();
	AUTO_BUF struct buf line = BUF_INIT(JOURNAL_MAX);
	char now[CLOCK_RFC3339_MAX], boot[CLOCK_BOOT_MAX];
	AUTO_FREE char *text = NULL;

	clock_rfc3339(clock_wall_ns(), now);
	clock_boot(boot);
	jsn_set_str(record, "time", now);
	jsn_set_str(record, "boot", boot);
	jsn_set_int(record, "up", clock_mono_ms());
	if (txn != NULL)
		jsn_set_str(record, "txn", txn);
	jsn_set_str(record, "event", event);
	for (void *it = jsn_first(more); it != NULL; it = jsn_next(more, it))
		jsn_set(record, jsn_key(it), jsn_copy(jsn_value(it)));
	text = jsn_dump(record);
	if (text == NULL)
		return err_nomem(e);
	buf_addf(&line, "%s\n", text);
	if (buf_ok(&line, "journal record", e) < 0)
		return err_wrap(e, "journal");
	return append(j, TAKE_PTR(record), &line, e);
}

void
journal_new_txn(char out[JOURNAL_TXN_MAX])
{
	(void)snprintf(out, JOURNAL_TXN_MAX, "%016" PRIx64, (uint64_t)(clock_wall_ns() / 1000));
}

/* Nobody's journal is const, only what a reader sees of it. */
static pthread_mutex_t *
lock_of(const struct journal *j)
{
	return &((struct journal *)j)->lock;
}

size_t
journal_len(const struct journal *j)
{
	size_t n;

	(void)pthread_mutex_lock(lock_of(j));
	n = jsn_len(j->records);
	(void)pthread_mutex_unlock(lock_of(j));
	return n;
}

const struct json_t *
journal_at(const struct journal *j, size_t i)
{
	const struct json_t *r;

	(void)pthread_mutex_lock(lock_of(j));
	r = jsn_at(j->records, i);
	(void)pthread_mutex_unlock(lock_of(j));
	return r;
}

static bool
matches(const struct json_t *r, const char *txn, const char *event, const char *service)
{
	return (txn == NULL || strcmp(field(r, "txn"), txn) == 0) &&
	       (event == NULL || is_event(r, event)) &&
	       (service == NULL || strcmp(field(r, "service"), service) == 0);
}

const struct json_t *
journal_first(const struct journal *j, const char *txn, const char *event, const char *service)
{
	for (size_t i = 0; i < journal_len(j); i++)
		if (matches(journal_at(j, i), txn, event, service))
			return journal_at(j, i);
	return NULL;
}

const struct json_t *
journal_last(const struct journal *j, const char *txn, const char *event, const char *service)
{
	for (size_t i = journal_len(j); i > 0; i--)
		if (matches(journal_at(j, i - 1), txn, event, service))
			return journal_at(j, i - 1);
	return NULL;
}

size_t
journal_count(const struct journal *j, const char *txn, const char *event)
{
	size_t n = 0;

	for (size_t i = 0; i < journal_len(j); i++)
		n += matches(journal_at(j, i), txn, event, NULL);
	return n;
}

const struct json_t *
journal_unfinished(const struct journal *j)
{
	const struct json_t *begin = journal_last(j, NULL, "begin", NULL);
	const char *txn = jsn_str(begin, "txn");

	if (txn == NULL || journal_last(j, txn, "end", NULL) != NULL)
		return NULL;
	return begin;
}

const struct json_t *
journal_quarantined(const struct journal *j, const char *digest)
{
	for (size_t i = journal_len(j); i > 0; i--) {
		const struct json_t *r = journal_at(j, i - 1);

		if (strcmp(field(r, "digest"), digest) != 0)
			continue;
		if (is_event(r, "lift"))
			return NULL;
		if (is_event(r, "quarantine"))
			return r;
	}
	return NULL;
}

static bool
proven_again_later(const struct journal *j, size_t i)
{
	const char *digest = field(journal_at(j, i), "digest");

	for (i++; i < journal_len(j); i++)
		if (is_event(journal_at(j, i), "proven") &&
		    strcmp(field(journal_at(j, i), "digest"), digest) == 0)
			return true;
	return false;
}

const struct json_t *
journal_proven(const struct journal *j, size_t n)
{
	for (size_t i = journal_len(j); i > 0; i--) {
		const struct json_t *r = journal_at(j, i - 1);

		if (!is_event(r, "proven") || proven_again_later(j, i - 1))
			continue;
		if (n-- == 0)
			return r;
	}
	return NULL;
}

/* What a service ran before or runs since, in the last deployment that knows
 * it; what was staged last. */
static bool
is_latest(const struct journal *j, size_t i)
{
	const struct json_t *r = journal_at(j, i);
	const char *event = field(r, "event"), *service = jsn_str(r, "service");

	if (strcmp(event, "staged") == 0)
		return journal_last(j, NULL, event, NULL) == r;
	if (service == NULL || (strcmp(event, "moved") != 0 && strcmp(event, "service") != 0))
		return false;
	return journal_last(j, NULL, event, service) == r;
}

static bool
is_unfinished(const struct json_t *open, const struct json_t *r)
{
	return open != NULL && strcmp(field(open, "txn"), jsn_str_or(r, "txn", "-")) == 0;
}

int
journal_needed(const struct journal *j, struct digest **ret, size_t *n, struct err *e)
{
	const struct json_t *open = journal_unfinished(j);
	AUTO_FREE struct digest *all = calloc(journal_len(j) + 1, sizeof(*all));
	size_t found = 0;

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < journal_len(j); i++) {
		const struct json_t *r = journal_at(j, i);
		const char *event = field(r, "event");

		if (strcmp(event, "proven") != 0 && !is_latest(j, i) && !is_unfinished(open, r))
			continue;
		/* what ran without a digest is in no registry */
		if (digest_parse(view_of(jsn_str_or(r, "digest", "")), &all[found], NULL) == 0)
			found++;
	}
	*ret = TAKE_PTR(all);
	*n = found;
	return 0;
}
