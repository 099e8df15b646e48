#include "obs/process.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

#define STAT_MAX (64U << 10)

static void
gauge(struct metrics *m, const char *name, const char *help, double value)
{
	metrics_family(m, name, METRICS_GAUGE, help);
	metrics_value(m, NULL, value);
}

/* The fields of /proc/self/stat that are asked for, by their number in
 * proc(5); the name in parentheses may hold anything, so count from its end. */
struct stat_fields {
	double utime, stime, threads, start, vsize, rss;
};

static bool
read_stat(struct stat_fields *ret)
{
	AUTO_BUF struct buf text = BUF_INIT(STAT_MAX);
	struct view rest, field;
	double at[25] = { 0 };

	if (file_read(AT_FDCWD, "/proc/self/stat", &text, NULL) < 0)
		return false;
	rest = view_buf(&text);
	if (!view_cut_last(&rest, ')', &field) || field.n < 2)
		return false;
	rest = (struct view){ field.p + 1, field.n - 1 };
	for (int n = 3; n < 25 && view_cut(&rest, ' ', &field); n++)
		at[n] = strtod(field.p, NULL);
	*ret = (struct stat_fields){ at[14], at[15], at[20], at[22], at[23], at[24] };
	return true;
}

static double
boot_time(void)
{
	AUTO_BUF struct buf text = BUF_INIT(1U << 20);
	const char *line;

	if (file_read(AT_FDCWD, "/proc/stat", &text, NULL) < 0)
		return 0;
	line = strstr(buf_cstr(&text), "\nbtime ");
	return line != NULL ? strtod(line + 7, NULL) : 0;
}

static long
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	long n = 0;

	if (dir == NULL)
		return -1;
	for (const struct dirent *d; (d = readdir(dir)) != NULL;)
		n += d->d_name[0] != '.';
	(void)closedir(dir);
	return n - 1; /* without the one that looks */
}

void
process_render(struct metrics *m)
{
	double tick = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
	struct stat_fields s;
	struct rlimit files;
	double booted = boot_time();
	long fds = open_fds();

	if (read_stat(&s)) {
		metrics_family(m, "process_cpu_seconds_total", METRICS_COUNTER,
			       "User and system time used.");
		metrics_value(m, NULL, (s.utime + s.stime) / tick);
		gauge(m, "process_resident_memory_bytes", "Memory held.", s.rss * page);
		gauge(m, "process_virtual_memory_bytes", "Address space.", s.vsize);
		gauge(m, "process_threads", "Threads.", s.threads);
		if (booted > 0)
			gauge(m, "process_start_time_seconds", "Start, in seconds since 1970.",
			      booted + s.start / tick);
	}
	if (fds >= 0)
		gauge(m, "process_open_fds", "Open file descriptors.", (double)fds);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		gauge(m, "process_max_fds", "File descriptors that may be open.",
		      (double)files.rlim_cur);
}
