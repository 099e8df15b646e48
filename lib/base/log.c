#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/jsn.h"
#include "base/progress.h"

#define LINE_MAX_BYTES (64U << 10)
#define FILE_MODE      0640

static const char *program = "gantry";
static enum log_level shown = LOG_INFO;
static enum log_format format = LOG_TEXT;
static bool colour, level_is_set;
static int file = -1;

static const char *const names[] = { "error", "warn", "info", "debug" };

void
log_init(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *no = getenv("NO_COLOR");

	program = slash != NULL ? slash + 1 : name;
	colour = isatty(STDERR_FILENO) && (no == NULL || no[0] == '\0');
}

void
log_set_level(enum log_level level)
{
	shown = level;
	level_is_set = true;
}

void
log_set_default(enum log_level level)
{
	if (!level_is_set)
		shown = level;
}

void
log_set_format(enum log_format f)
{
	format = f;
}

int
log_to_file(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, FILE_MODE);

	if (fd < 0)
		return errno == EACCES || errno == EROFS ? 0 : err_sys(e, "open '%s'", path);
	if (file >= 0)
		(void)close(file);
	file = fd;
	return 0;
}

bool
log_parse_level(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const char *
log_program(void)
{
	return program;
}

static void
add_visible(struct buf *line, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			buf_addf(line, "\\x%02x", c);
		else
			buf_addc(line, (char)c);
	}
}

static void
add_text(struct buf *line, enum log_level level, const char *msg)
{
	add_visible(line, program);
	buf_adds(line, level == LOG_WARN ? ": warning: " : ": ");
	add_visible(line, msg);
}

static void
add_json(struct buf *line, enum log_level level, const char *now, const char *msg)
{
	buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":", now, names[level]);
	jsn_quote(line, program);
	buf_adds(line, ",\"msg\":");
	jsn_quote(line, msg);
	buf_addc(line, '}');
}

static void
add_painted(struct buf *line, enum log_level level, const char *msg)
{
	static const char *const paint[] = { "\033[31m", "\033[33m", "", "\033[2m" };
	bool painted = colour && paint[level][0] != '\0';

	if (painted)
		buf_adds(line, paint[level]);
	add_text(line, level, msg);
	if (painted)
		buf_adds(line, "\033[0m");
}

/* One write, so that lines of several processes do not mix. */
static void
put(int fd, struct buf *line)
{
	buf_addc(line, '\n');
	(void)!write(fd, buf_cstr(line), line->len);
}

__attribute__((format(printf, 2, 0))) static void
say(enum log_level level, const char *fmt, va_list ap)
{
	AUTO_BUF
	struct buf shows = BUF_INIT(LINE_MAX_BYTES);
	AUTO_BUF struct buf keeps = BUF_INIT(LINE_MAX_BYTES);
	AUTO_FREE
	char *msg = NULL;
	char now[CLOCK_RFC3339_MAX];

	if (level > shown)
		return;
	if (vasprintf(&msg, fmt, ap) < 0) {
		msg = NULL;
		return;
	}
	clock_rfc3339(clock_wall_ns(), now);
	if (format == LOG_JSON) {
		add_json(&shows, level, now, msg);
		add_json(&keeps, level, now, msg);
	} else {
		add_painted(&shows, level, msg);
		buf_addf(&keeps, "%s ", now);
		add_text(&keeps, level, msg);
	}
	progress_hide();
	put(STDERR_FILENO, &shows);
	progress_show();
	if (file >= 0)
		put(file, &keeps);
}

#define SAY(level)           \
	va_list ap;          \
	va_start(ap, fmt);   \
	say(level, fmt, ap); \
	va_end(ap)

void
log_error(const char *fmt, ...)
{
	SAY(LOG_ERROR);
}

void
log_warn(const char *fmt, ...)
{
	SAY(LOG_WARN);
}

void
log_info(const char *fmt, ...)
{
	SAY(LOG_INFO);
}

void
log_debug(const char *fmt, ...)
{
	SAY(LOG_DEBUG);
}
