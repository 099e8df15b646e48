/*
 * bars N FILE: N bars, a quarter of each is done; when FILE is there, a record
 * on standard output and a warning, and only the second bar goes on; when
 * FILE.end is there, the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"

#define BARS_MAX 100
#define TOTAL	 4000000
#define POLL_MS	 10

static void
wait_for(const char *file)
{
	while (access(file, F_OK) != 0)
		clock_sleep_ms(POLL_MS, NULL);
}

int
main(int argc, char **argv)
{
	static struct progress_bar bars[BARS_MAX];
	char label[PROGRESS_LABEL_MAX], end[4096];
	int n = argc == 3 ? atoi(argv[1]) : 0;

	if (n < 1 || n > BARS_MAX)
		return 64;
	log_init(argv[0]);
	(void)snprintf(end, sizeof(end), "%s.end", argv[2]);
	for (int i = 0; i < n; i++) {
		(void)snprintf(label, sizeof(label), "layer\033-%d", i + 1);
		progress_start(&bars[i], label, TOTAL);
		progress_expect(TOTAL);
		progress_add(&bars[i], TOTAL / 4);
	}
	wait_for(argv[2]);
	progress_hide();
	(void)printf("record\n");
	(void)fflush(stdout);
	progress_show();
	log_warn("words");
	/* out of order, and one does not end at all */
	progress_end(&bars[0]);
	for (int i = n - 1; i > 1; i--)
		progress_end(&bars[i]);
	wait_for(end);
	return 0;
}
