/*
 * file: the few things that Gantry does with files, each of them whole or not
 * at all.  Paths are relative to a directory that the caller holds (dirfd, or
 * AT_FDCWD).
 */
#ifndef GANTRY_BASE_FILE_H
#define GANTRY_BASE_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* All of a file into ret, up to its limit.  "-" is standard input.
 * ERR_NOTFOUND if it is not there, ERR_DATA if it is larger. */
int file_read(int dirfd, const char *path, struct buf *ret, struct err *e);

/* Replace path by these bytes: a temporary file beside it, written, fsync'd,
 * closed, renamed, and the folder fsync'd.  After a power loss the old bytes
 * or the new ones are there, nothing else.  A failure leaves path as it was. */
int file_replace(int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e);

/* Append the bytes with one write and fsync; a partial write is cut off
 * again, so that the file never keeps half a record that this process wrote. */
int file_append(int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e);

/* An exclusive kernel lock on path (made if missing), which ends with the
 * process however it ends.  who is written into the file; if another process
 * holds the lock, ERR_TEMP with what that one wrote.  The lock is held until
 * *ret is closed. */
int file_lock(int dirfd, const char *path, const char *who, int *ret, struct err *e);

/* Open path below dir and nowhere else: no "..", no symbolic link and no
 * mount leads out of it.  ERR_DATA if path would leave. */
int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode, int *ret, struct err *e);

/* mkdir -p; existing folders are left as they are. */
int file_mkdirs(const char *path, mode_t mode, struct err *e);

#endif
