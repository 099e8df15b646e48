#include "oci/upload.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define FILE_MAX_BYTES (UPLOAD_LOCATION_MAX + 1024)
#define SYNC_MS	       1000
#define END	       ".upload"

/* The file's name says nothing by itself: it is made of all that tells one
 * upload from another. */
static bool
path_of(const char *dir, const char *name, const struct digest *d, char *out, size_t size)
{
	AUTO_BUF struct buf key = BUF_INIT(2048);
	struct digest sum;
	int n;

	if (dir == NULL)
		return false;
	buf_addf(&key, "%s@%s", name, d->str);
	if (buf_ok(&key, name, NULL) < 0)
		return false;
	digest_of(buf_cstr(&key), key.len, &sum);
	n = snprintf(out, size, "%s/%.32s" END, dir, digest_hex(&sum));
	return n > 0 && (size_t)n < size;
}

static bool
read_number(struct view v, int64_t *ret)
{
	int64_t n = 0;

	if (v.n == 0 || v.n > 18)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (v.p[i] - '0');
	}
	*ret = n;
	return true;
}

bool
upload_load(const char *dir, const char *name, const struct digest *d, struct upload *ret)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_MAX_BYTES);
	char path[4096];
	struct view rest, line;
	int64_t offset = 0;

	*ret = (struct upload){ 0 };
	if (!path_of(dir, name, d, path, sizeof(path)) ||
	    file_read(AT_FDCWD, path, &text, NULL) < 0)
		return false;
	rest = view_buf(&text);
	if (!view_cut(&rest, '\n', &line) || !read_number(line, &offset) ||
	    !view_cut(&rest, '\n', &line) || line.n == 0 || line.n >= sizeof(ret->location))
		return false;
	memcpy(ret->location, line.p, line.n);
	ret->offset = offset;
	return true;
}

void
upload_save(const char *dir, const char *name, const struct digest *d, struct upload *u)
{
	int64_t now = clock_mono_ms();
	char path[4096], tmp[4096 + 8];
	FILE *f;
	bool ok;

	if (!path_of(dir, name, d, path, sizeof(path)) || strchr(u->location, '\n') != NULL)
		return;
	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	f = fopen(tmp, "we");
	if (f == NULL)
		return;
	(void)fchmod(fileno(f), 0600);
	ok = fprintf(f, "%" PRId64 "\n%s\n", u->offset, u->location) > 0 && fflush(f) == 0;
	if (ok && now - u->synced_ms >= SYNC_MS) {
		ok = fsync(fileno(f)) == 0;
		u->synced_ms = now;
	}
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(tmp, path) < 0)
		(void)unlink(tmp);
}

void
upload_drop(const char *dir, const char *name, const struct digest *d)
{
	char path[4096];

	if (path_of(dir, name, d, path, sizeof(path)))
		(void)unlink(path);
}

void
upload_tidy(const char *dir)
{
	DIR *all = dir != NULL ? opendir(dir) : NULL;
	time_t old = time(NULL) - (time_t)UPLOAD_DAYS * 24 * 3600;
	const struct dirent *one;
	struct stat st;

	if (all == NULL)
		return;
	while ((one = readdir(all)) != NULL)
		if (strstr(one->d_name, END) != NULL &&
		    fstatat(dirfd(all), one->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < old)
			(void)unlinkat(dirfd(all), one->d_name, 0);
	(void)closedir(all);
}
