#include "fleet/pins.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/file.h"

#define PINS_MAX 65536
#define KEY_MAX	 160

static void
add_key(struct buf *b, const char *service)
{
	for (; *service != '\0'; service++)
		buf_addc(b, isalnum((unsigned char)*service)
				    ? (char)toupper((unsigned char)*service)
				    : '_');
	buf_adds(b, "_IMAGE=");
}

int
pins_edit(struct view text, const char *service, const char *image, struct buf *ret, struct err *e)
{
	AUTO_BUF struct buf key = BUF_INIT(KEY_MAX);
	struct view line;
	bool done = false;

	add_key(&key, service);
	while (text.n > 0) {
		if (!view_cut(&text, '\n', &line)) {
			line = text;
			text.n = 0;
		}
		if (view_starts(line, buf_cstr(&key))) {
			if (!done)
				buf_addf(ret, "%s%s\n", buf_cstr(&key), image);
			done = true;
			continue;
		}
		buf_add(ret, line.p, line.n);
		buf_addc(ret, '\n');
	}
	if (!done)
		buf_addf(ret, "%s%s\n", buf_cstr(&key), image);
	return buf_ok(&key, service, e) < 0 ? -1 : buf_ok(ret, "pins file", e);
}

static int
set(const char *path, const char *service, const char *image, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PINS_MAX);
	AUTO_BUF struct buf made = BUF_INIT(2 * PINS_MAX);
	struct err why = { 0 };

	if (file_read(AT_FDCWD, path, &text, &why) < 0 && why.code != ERR_NOTFOUND)
		return err_set(e, why.code, "%s", why.msg);
	if (pins_edit(view_buf(&text), service, image, &made, e) < 0)
		return -1;
	if (made.len == text.len && text.len > 0 && view_eq(view_buf(&text), buf_cstr(&made)))
		return 0;
	return file_replace(AT_FDCWD, path, buf_cstr(&made), made.len, 0644, e);
}

int
pins_set(const char *path, const char *service, const char *image, struct err *e)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int status;

	(void)pthread_mutex_lock(&lock);
	status = set(path, service, image, e);
	(void)pthread_mutex_unlock(&lock);
	return status;
}
