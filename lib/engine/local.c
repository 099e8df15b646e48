#include "engine/local.h"

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
