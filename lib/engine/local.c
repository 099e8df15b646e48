#include "engine/local.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/file.h"

#define CGROUP_MAX 16384
#define ID_HEX	   64

static bool
is_in_container(int64_t pid, const char *container_id)
{
	AUTO_BUF struct buf groups = BUF_INIT(CGROUP_MAX);
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/cgroup", pid);
	return strlen(container_id) == ID_HEX && file_read(AT_FDCWD, path, &groups, NULL) == 0 &&
	       strstr(buf_cstr(&groups), container_id) != NULL;
}

bool
local_signal(int64_t pid, const char *container_id, int signal)
{
	/* held before it is looked at, so that it cannot become another one */
	AUTO_FD int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;

	return fd >= 0 && is_in_container(pid, container_id) &&
	       syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0;
}

int
local_network(int64_t pid, const char *container_id, int *ret, struct err *e)
{
	/* held before it is looked at, so that it cannot become another one */
	AUTO_FD int process = pid > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
	AUTO_FD int fd = -1;
	char path[64];

	if (pid <= 0)
		errno = ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/ns/net", pid);
	if (process >= 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return err_sys(e, "enter the container's network");
	if (fd < 0 || !is_in_container(pid, container_id) ||
	    syscall(SYS_pidfd_send_signal, process, 0, NULL, 0) < 0)
		return err_set(e, ERR_TEMP, "the container's process is not on this machine");
	*ret = TAKE_FD(fd);
	return 0;
}
