#include "base/file.h"

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit.h"

static char dir[] = "/tmp/gantry-file-XXXXXX";
static int folder = -1;

static void
in_a_folder(void)
{
	if (folder < 0) {
		CHECK(mkdtemp(dir) != NULL);
		folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
}

static bool
holds(const char *path, const char *want)
{
	AUTO_BUF
	struct buf b = BUF_INIT(1000);

	return file_read(folder, path, &b, NULL) == 0 && strcmp(buf_cstr(&b), want) == 0;
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit r = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &r) == 0);
}

/* Files in the folder whose names end in .tmp. */
static int
leftovers(void)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int n = 0;

	while (d != NULL && (entry = readdir(d)) != NULL)
		n += strstr(entry->d_name, ".tmp") != NULL;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

TEST(replace_is_whole_or_not_at_all)
{
	struct err e = { 0 };
	struct stat st;

	in_a_folder();
	CHECK(file_replace(folder, "a", "one", 3, 0640, NULL) == 0);
	CHECK(file_replace(folder, "a", "two", 3, 0644, NULL) == 0);
	CHECK(holds("a", "two"));
	CHECK(fstatat(folder, "a", &st, 0) == 0 && (st.st_mode & 0777) == 0644);
	limit_files(2);
	CHECK(file_replace(folder, "a", "three", 5, 0644, &e) == -1);
	limit_files(RLIM_INFINITY);
	CHECK(strstr(e.msg, "File too large") != NULL);
	CHECK(holds("a", "two"));
	CHECK(file_replace(folder, "nosuch/a", "x", 1, 0644, &e) == -1 && e.code == ERR_SYS);
	CHECK(leftovers() == 0);
}

TEST(append_cuts_off_what_it_could_not_finish)
{
	struct err e = { 0 };

	in_a_folder();
	CHECK(file_append(folder, "j", "line 1\n", 7, 0644, NULL) == 0);
	limit_files(10);
	CHECK(file_append(folder, "j", "line 2\n", 7, 0644, &e) == -1);
	limit_files(RLIM_INFINITY);
	CHECK(holds("j", "line 1\n"));
	CHECK(file_append(folder, "j", "line 2\n", 7, 0644, NULL) == 0);
	CHECK(holds("j", "line 1\nline 2\n"));
}

TEST(read_has_a_limit_and_knows_what_is_not_there)
{
	AUTO_BUF
	struct buf b = BUF_INIT(2);
	struct err e = { 0 };

	in_a_folder();
	CHECK(file_replace(folder, "big", "123", 3, 0644, NULL) == 0);
	CHECK(file_read(folder, "big", &b, &e) == -1 && e.code == ERR_DATA);
	CHECK_STR(e.msg, "'big' is larger than 2 bytes");
	CHECK(file_read(folder, "nosuch", &b, &e) == -1 && e.code == ERR_NOTFOUND);
	CHECK_STR(e.msg, "open 'nosuch': No such file or directory");
}

TEST(a_lock_names_its_holder_and_dies_with_it)
{
	struct err e = { 0 };
	int fd = -1, ready[2], status;
	char c;
	pid_t child;

	in_a_folder();
	CHECK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		if (file_lock(folder, "lock", "deploy, pid 7", &fd, NULL) < 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(file_lock(folder, "lock", "me", &fd, &e) == -1 && e.code == ERR_TEMP);
	CHECK_STR(e.msg, "'lock' is held by deploy, pid 7");
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
	CHECK(file_lock(folder, "lock", "me", &fd, NULL) == 0);
	(void)close(fd);
}

TEST(nothing_leads_out_of_a_folder)
{
	struct err e = { 0 };
	int fd = -1;

	in_a_folder();
	CHECK(symlinkat("/etc", folder, "ln") == 0);
	CHECK(file_open_beneath(folder, "ln/passwd", O_RDONLY, 0, &fd, &e) == -1);
	CHECK(e.code == ERR_DATA);
	CHECK_STR(e.msg, "'ln/passwd' leaves its directory");
	CHECK(file_open_beneath(folder, "../etc", O_RDONLY, 0, &fd, &e) == -1);
	CHECK(file_open_beneath(folder, "/etc/passwd", O_RDONLY, 0, &fd, &e) == -1);
	CHECK(file_open_beneath(folder, "in", O_WRONLY | O_CREAT, 0600, &fd, &e) == 0);
	(void)close(fd);
}

TEST(mkdirs_makes_all_and_is_content_with_what_is_there)
{
	char path[100];
	struct stat st;

	in_a_folder();
	(void)snprintf(path, sizeof(path), "%s/x/y/z", dir);
	CHECK(file_mkdirs(path, 0755, NULL) == 0 && file_mkdirs(path, 0755, NULL) == 0);
	CHECK(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

TEST(leaves_nothing_behind)
{
	CHECK(nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

UNIT_MAIN
