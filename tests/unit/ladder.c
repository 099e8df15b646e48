#include "fleet/ladder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsn.h"
#include "unit.h"

#define DAY_MS 86400000LL

/* The rung of digest "a" after these lines, if it takes a day to be stable; day 20 is
 * long ago. */
static const char *
rung(const char *lines)
{
	char dir[] = "/tmp/gantry-ladder-XXXXXX", path[64];
	AUTO_JOURNAL struct journal *j = NULL;
	enum rung r;

	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, JOURNAL_FILE);
	CHECK(file_replace(AT_FDCWD, path, lines, strlen(lines), 0644, NULL) == 0);
	CHECK(journal_open(dir, &j, NULL) == 0);
	r = ladder_now(j, "a", DAY_MS);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
	return ladder_name(r);
}

#define LINE(day, event, digest)                                                                 \
	"{\"time\":\"" day "T12:00:00.000Z\",\"event\":\"" event "\",\"digest\":\"" digest "\"," \
	"\"txn\":\"t\"}\n"
#define AT_0  "2026-01-20"
#define AT_1  "2026-01-21"
#define LATER "2026-01-22"
#define NEVER "2999-01-01"

TEST(it_climbs_rung_by_rung)
{
	CHECK_STR(rung(""), "-");
	CHECK_STR(rung(LINE(AT_0, "proven", "b")), "-");
	CHECK_STR(rung(LINE(AT_0, "staged", "a")), "candidate");
	CHECK_STR(rung(LINE(AT_0, "begin", "a")), "candidate");
	CHECK_STR(rung(LINE(AT_0, "begin", "a") LINE(AT_0, "healthy", "a")), "healthy");
	CHECK_STR(rung(LINE(AT_0, "begin", "a") LINE(AT_0, "moved", "a")), "healthy");
	CHECK_STR(rung(LINE(NEVER, "moved", "a") LINE(NEVER, "proven", "a")), "soaked");
	CHECK_STR(rung(LINE(AT_0, "moved", "a") LINE(AT_0, "proven", "a")), "stable");
}

TEST(what_was_left_too_soon_is_not_stable)
{
	CHECK_STR(rung(LINE(AT_0, "proven", "a") LINE(AT_0, "moved", "b")), "soaked");
	CHECK_STR(rung(LINE(AT_0, "proven", "a") LINE(AT_1, "moved", "b")), "stable");
}

TEST(what_was_gone_back_to_runs_from_then_on)
{
	CHECK_STR(rung(LINE(AT_0, "proven", "a") LINE(AT_0, "moved", "b") LINE(AT_0, "moved", "a")
			       LINE(LATER, "moved", "b")),
		  "stable");
	CHECK_STR(rung(LINE(AT_0, "proven", "a") LINE(AT_0, "moved", "b") LINE(LATER, "moved", "a")
			       LINE(LATER, "moved", "b")),
		  "soaked");
}

TEST(a_quarantine_is_the_end_of_it)
{
	CHECK_STR(rung(LINE(AT_0, "proven", "a") LINE(LATER, "quarantine", "a")), "candidate");
	CHECK_STR(rung(LINE(AT_0, "proven", "a") LINE(LATER, "quarantine", "a")
			       LINE(NEVER, "proven", "a")),
		  "soaked");
}

/* Of a machine's start, this one if boot is "", and so long after it (before now, if it is this
 * one). */
static const char *
rung_after(const char *day, const char *boot, int64_t up, const char *next)
{
	char line[1024], mine[CLOCK_BOOT_MAX];
	int n;

	clock_boot(mine);
	CHECK(mine[0] != '\0');
	n = snprintf(line, sizeof(line),
		     "{\"time\":\"%sT12:00:00.000Z\",\"boot\":\"%s\",\"up\":%lld,"
		     "\"event\":\"proven\",\"digest\":\"a\",\"txn\":\"t\"}\n%s",
		     day, boot[0] != '\0' ? boot : mine,
		     (long long)(boot[0] != '\0' ? up : clock_mono_ms() - up), next);
	CHECK(n > 0 && (size_t)n < sizeof(line));
	return rung(line);
}

TEST(what_a_clock_that_is_set_adds_is_no_time)
{
	CHECK_STR(rung_after("1970-01-01", "", DAY_MS / 2, ""), "soaked");
	CHECK_STR(rung_after("1970-01-01", "", DAY_MS, ""), "stable");
	CHECK_STR(rung_after(AT_0, "", DAY_MS / 2, ""), "soaked");
	CHECK_STR(rung_after(NEVER, "", DAY_MS / 2, ""), "soaked");
	CHECK_STR(rung_after(NEVER, "", DAY_MS, ""), "stable");
}

#define LEFT(day, up)                                                                           \
	"{\"time\":\"" day "T12:00:00.000Z\",\"boot\":\"b\",\"up\":" up ",\"event\":\"moved\"," \
	"\"digest\":\"b\",\"txn\":\"u\"}\n"

TEST(between_two_starts_of_the_machine_the_wall_counts_if_it_can)
{
	CHECK_STR(rung_after(AT_0, "a", 1, LEFT(AT_1, "1")), "stable");
	CHECK_STR(rung_after(AT_0, "a", 1, LEFT(AT_0, "86400000")), "soaked");
	/* as long as the second start has lasted */
	CHECK_STR(rung_after("1970-01-01", "a", 1, LEFT(AT_1, "86399999")), "soaked");
	CHECK_STR(rung_after("1970-01-01", "a", 1, LEFT(AT_1, "86400000")), "stable");
	CHECK_STR(rung_after(NEVER, "a", 1, LEFT(AT_1, "86399999")), "soaked");
	CHECK_STR(rung_after(NEVER, "a", 1, LEFT(AT_1, "86400000")), "stable");
	/* and as nobody knows, where an older version wrote it */
	CHECK_STR(rung(LINE("1970-01-01", "proven", "a")), "soaked");
}

UNIT_MAIN
