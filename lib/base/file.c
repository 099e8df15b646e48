#include "base/file.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define TMP_TRIES   16
#define HOLDER_MAX  256
#define CHUNK_BYTES (64U << 10)

static int
read_all(int fd, const char *path, struct buf *ret, struct err *e)
{
	char chunk[CHUNK_BYTES];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read '%s'", path);
		if (n == 0)
			return buf_ok(ret, path, e);
		buf_add(ret, chunk, (size_t)n);
		if (ret->state != BUF_OK)
			return buf_ok(ret, path, e);
	}
}

int
file_read(int dirfd, const char *path, struct buf *ret, struct err *e)
{
	AUTO_FD
	int fd = -1;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", ret, e);
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, "open '%s'", path);
		if (errno == ENOENT && e != NULL)
			e->code = ERR_NOTFOUND;
		return -1;
	}
	return read_all(fd, path, ret, e);
}

static int
write_all(int fd, const char *path, const void *p, size_t n, struct err *e)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(e, "write '%s'", path);
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* fsync the folder that path is in, so that the name survives too */
static int
sync_folder(int dirfd, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE
	char *dir = NULL;
	AUTO_FD
	int fd = -1;

	dir = slash == NULL ? strdup(".")
			    : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (dir == NULL)
		return err_nomem(e);
	fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", dir);
	if (fsync(fd) < 0)
		return err_sys(e, "fsync '%s'", dir);
	return 0;
}

/* A new file beside path under a name that no other writer has. */
static int
open_temporary(int dirfd, const char *path, mode_t mode, char **ret_name, struct err *e)
{
	unsigned int tag;
	int fd;

	for (int i = 0; i < TMP_TRIES; i++) {
		AUTO_FREE
		char *name = NULL;

		if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
			return err_sys(e, "getrandom");
		if (asprintf(&name, "%s.%08x.tmp", path, tag) < 0) {
			name = NULL;
			return err_nomem(e);
		}
		fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd >= 0) {
			*ret_name = TAKE_PTR(name);
			return fd;
		}
		if (errno != EEXIST)
			return err_sys(e, "create '%s'", name);
	}
	return err_set(e, ERR_SYS, "create '%s': no free temporary name", path);
}

int
file_replace(int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	AUTO_FREE
	char *tmp = NULL;
	AUTO_FD
	int fd = -1;

	fd = open_temporary(dirfd, path, mode, &tmp, e);
	if (fd < 0)
		return -1;
	if (write_all(fd, tmp, p, n, e) < 0)
		goto undo;
	/* the mode asked for, whatever the umask: other users read some of these */
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0) {
		err_sys(e, "write '%s'", tmp);
		goto undo;
	}
	/* close reports errors that NFS and quotas hold back until now */
	if (close(TAKE_FD(fd)) < 0 || renameat(dirfd, tmp, dirfd, path) < 0) {
		err_sys(e, "replace '%s'", path);
		goto undo;
	}
	return sync_folder(dirfd, path, e);
undo:
	(void)unlinkat(dirfd, tmp, 0);
	return -1;
}

int
file_append(int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	AUTO_FD
	int fd = -1;
	struct stat st;
	bool made;

	fd = openat(dirfd, path, O_WRONLY | O_APPEND | O_CLOEXEC);
	made = fd < 0 && errno == ENOENT;
	if (made)
		fd = openat(dirfd, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat '%s'", path);
	if (write_all(fd, path, p, n, e) < 0)
		goto undo;
	if (fsync(fd) < 0) {
		err_sys(e, "fsync '%s'", path);
		goto undo;
	}
	return made ? sync_folder(dirfd, path, e) : 0;
undo:
	if (ftruncate(fd, st.st_size) < 0)
		return err_wrap(e, "and what was written could not be cut off");
	return -1;
}

int
file_lock(int dirfd, const char *path, const char *who, int *ret, struct err *e)
{
	AUTO_FD
	int fd = -1;
	char holder[HOLDER_MAX];
	ssize_t n;

	fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_sys(e, "lock '%s'", path);
		n = pread(fd, holder, sizeof(holder) - 1, 0);
		holder[n > 0 ? n : 0] = '\0';
		holder[strcspn(holder, "\n")] = '\0';
		return err_set(e, ERR_TEMP, "'%s' is held by %s", path,
			       holder[0] != '\0' ? holder : "another process");
	}
	if (ftruncate(fd, 0) < 0)
		return err_sys(e, "write '%s'", path);
	if (write_all(fd, path, who, strlen(who), e) < 0 || write_all(fd, path, "\n", 1, e) < 0)
		return -1;
	*ret = TAKE_FD(fd);
	return 0;
}

int
file_open_beneath(int dirfd, const char *path, int flags, mode_t mode, int *ret, struct err *e)
{
	struct open_how how = {
		.flags = (unsigned long long)(flags | O_CLOEXEC),
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd < 0 && errno == EXDEV)
		return err_set(e, ERR_DATA, "'%s' leaves its directory", path);
	if (fd < 0) {
		err_sys(e, "open '%s'", path);
		if (errno == ENOENT && e != NULL)
			e->code = ERR_NOTFOUND;
		return -1;
	}
	*ret = (int)fd;
	return 0;
}

int
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	AUTO_FREE
	char *p = strdup(path);

	if (p == NULL)
		return err_nomem(e);
	for (char *s = p + 1; *s != '\0'; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, mode) < 0 && errno != EEXIST)
			return err_sys(e, "create folder '%s'", p);
		*s = '/';
	}
	if (mkdir(p, mode) < 0 && errno != EEXIST)
		return err_sys(e, "create folder '%s'", p);
	return 0;
}
