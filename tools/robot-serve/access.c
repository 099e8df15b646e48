#include "access.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jsn.h"

#define LINE_MAX_BYTES (16U << 10)
#define PATH_MAX_BYTES 4096
#define ROOM_MIN       (16U << 20) /* a day of a busy robot */

struct access_log {
	const char *dir;
	pthread_mutex_t lock;
	int fd;		/* -1 until the file could be opened */
	struct err bad; /* of the last write; code ERR_NONE if it was fine */
};

int
access_new(const char *dir, struct access_log **ret, struct err *e)
{
	struct access_log *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->dir = dir;
	a->fd = -1;
	(void)pthread_mutex_init(&a->lock, NULL);
	*ret = a;
	return 0;
}

void
access_free(struct access_log **a)
{
	if (*a == NULL)
		return;
	if ((*a)->fd >= 0)
		(void)close((*a)->fd);
	(void)pthread_mutex_destroy(&(*a)->lock);
	free(*a);
	*a = NULL;
}

/* With the lock held. */
static int
open_log(struct access_log *a, struct err *e)
{
	char path[PATH_MAX_BYTES];

	if (a->fd >= 0)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/access.log", a->dir) >= sizeof(path))
		return err_set(e, ERR_CONFIG, "LOG_DIR is longer than %d bytes", PATH_MAX_BYTES);
	a->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	if (a->fd < 0)
		return err_sys(e, "open '%s'", path);
	a->bad = (struct err){ 0 };
	return 0;
}

/* With the lock held.  A folder that has gone took its file along. */
static int
look(struct access_log *a, struct err *e)
{
	if (access(a->dir, W_OK | X_OK) < 0) {
		(void)err_sys(e, "LOG_DIR '%s'", a->dir);
		if (a->fd >= 0)
			(void)close(TAKE_FD(a->fd));
		return -1;
	}
	if (open_log(a, e) < 0)
		return -1;
	if (a->bad.code != ERR_NONE)
		return err_set(e, a->bad.code, "%s", a->bad.msg);
	return 0;
}

static void
format_line(struct buf *b, const struct access_line *line)
{
	char now[CLOCK_RFC3339_MAX], trace[CONTEXT_HEX_MAX], span[CONTEXT_HEX_MAX];

	context_hex(line->context->trace_id, CONTEXT_TRACE_BYTES, trace);
	context_hex(line->context->span_id, CONTEXT_SPAN_BYTES, span);
	clock_rfc3339(clock_wall_ns(), now);
	buf_addf(b, "{\"time\":\"%s\",\"remote\":", now);
	jsn_quote(b, line->remote);
	buf_adds(b, ",\"method\":");
	jsn_quote(b, line->method);
	buf_adds(b, ",\"path\":");
	jsn_quote(b, line->path);
	buf_addf(b, ",\"status\":%d,\"bytes\":%llu,\"ms\":%.3f", line->status,
		 (unsigned long long)line->bytes, (double)line->ns / 1e6);
	buf_addf(b, ",\"trace_id\":\"%s\",\"span_id\":\"%s\"}\n", trace, span);
}

void
access_write(struct access_log *a, const struct access_line *line)
{
	AUTO_BUF struct buf b = BUF_INIT(LINE_MAX_BYTES);
	struct err bad = { 0 };

	if (a->dir == NULL)
		return;
	format_line(&b, line);
	(void)pthread_mutex_lock(&a->lock);
	if (buf_ok(&b, "a line of the access log", &bad) == 0 && open_log(a, &bad) == 0 &&
	    write(a->fd, b.data, b.len) != (ssize_t)b.len)
		(void)err_sys(&bad, "write '%s/access.log'", a->dir);
	a->bad = bad;
	(void)pthread_mutex_unlock(&a->lock);
}

int
access_check(struct access_log *a, struct err *e)
{
	int status;

	if (a->dir == NULL)
		return 0;
	(void)pthread_mutex_lock(&a->lock);
	status = look(a, e);
	(void)pthread_mutex_unlock(&a->lock);
	return status;
}

int
access_room(const struct access_log *a, struct err *e)
{
	struct statvfs fs;
	uint64_t left;

	if (a->dir == NULL || statvfs(a->dir, &fs) < 0)
		return 0;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left >= ROOM_MIN)
		return 0;
	return err_set(e, ERR_TEMP, "LOG_DIR '%s' has only %llu MiB left", a->dir,
		       (unsigned long long)(left >> 20));
}
