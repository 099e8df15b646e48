#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/scope.h"

/* Headers are older than kernels: rights by the version that brought them. */
#define FS_1	      ((UINT64_C(1) << 13) - 1) /* execute to make_sym */
#define FS_2	      (UINT64_C(1) << 13)	/* refer */
#define FS_3	      (UINT64_C(1) << 14)	/* truncate */
#define FS_5	      (UINT64_C(1) << 15)	/* ioctl_dev */
#define NET_BIND      (UINT64_C(1) << 0)	/* version 4 */
#define NET_CONNECT   (UINT64_C(1) << 1)
#define SCOPE_SIGNALS (UINT64_C(1) << 1) /* version 6 */

struct ruleset {
	uint64_t fs, net, scoped;
};

/* A right that a kernel does not know makes it refuse. */
static struct ruleset
rights(long version, bool connect)
{
	struct ruleset r = { .fs = FS_1 };

	if (version >= 2)
		r.fs |= FS_2;
	if (version >= 3)
		r.fs |= FS_3;
	if (version >= 4)
		r.net = NET_BIND | (connect ? 0 : NET_CONNECT);
	if (version >= 5)
		r.fs |= FS_5;
	if (version >= 6)
		r.scoped = SCOPE_SIGNALS;
	return r;
}

#define REPLACE                                                        \
	(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE)

static int
allow(int rules, const char *path, uint64_t more, struct err *e)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr a = { .allowed_access =
							LANDLOCK_ACCESS_FS_READ_FILE | more,
						.parent_fd = fd };
	struct stat st;

	/* what cannot be found now could not be read either */
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "sandbox: '%s'", path);
	if (S_ISDIR(st.st_mode))
		a.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		return err_sys(e, "sandbox: '%s'", path);
	return 0;
}

int
sandbox_no_new_privs(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "sandbox: no_new_privs");
	return 0;
}

int
sandbox_enter(const struct sandbox *s, struct err *e)
{
	AUTO_FD int rules = -1;
	struct ruleset r;
	long version;

	if (sandbox_no_new_privs(e) < 0)
		return -1;
	version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	/* the question alone is never refused by landlock itself: EPERM is a container's filter */
	if (version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM))
		return 0;
	if (version < 0)
		return err_sys(e, "sandbox: landlock");
	r = rights(version, s->connect);
	rules = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (rules < 0)
		return err_sys(e, "sandbox: landlock");
	for (size_t i = 0; i < s->n; i++)
		if (allow(rules, s->read[i], 0, e) < 0)
			return -1;
	if (s->replace != NULL && allow(rules, s->replace, REPLACE, e) < 0)
		return -1;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(e, "sandbox: landlock");
	return 1;
}
