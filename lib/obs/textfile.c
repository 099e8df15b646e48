#include "obs/textfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MODE_PUBLIC 0644

void
textfile_read(struct textfile *f, const char *path)
{
	if (file_read(AT_FDCWD, path, &f->old, NULL) < 0)
		buf_reset(&f->old);
}

void
textfile_clear(struct textfile *f)
{
	buf_clear(&f->old);
}

bool
textfile_value(const struct textfile *f, const char *sample, double *ret)
{
	struct view rest = view_buf(&f->old), line;
	size_t n = strlen(sample);

	while (view_cut(&rest, '\n', &line)) {
		char *end;
		double x;

		if (line.n <= n + 1 || !view_starts(line, sample) || line.p[n] != ' ')
			continue;
		/* the line ends in a newline, and the text in a NUL */
		x = strtod(line.p + n + 1, &end);
		if (end != line.p + line.n || !isfinite(x))
			return false;
		*ret = x;
		return true;
	}
	return false;
}

int
textfile_write(const struct metrics *m, const char *path, struct err *e)
{
	if (metrics_ok(m, e) < 0)
		return -1;
	return file_replace(AT_FDCWD, path, buf_cstr(&m->text), m->text.len, MODE_PUBLIC, e);
}
