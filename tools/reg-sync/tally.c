#include "tally.h"

#include "base/clock.h"
#include "obs/textfile.h"

#define BYTES	     "gantry_sync_bytes_total"
#define LAST_RUN     "gantry_sync_last_run_timestamp_seconds"
#define LAST_SUCCESS "gantry_sync_last_success_timestamp_seconds"

const char *
tally_word(enum tally_state state)
{
	static const char *const words[] = { [TALLY_CURRENT] = "current",
					     [TALLY_COPIED] = "copied",
					     [TALLY_REFUSED] = "refused",
					     [TALLY_FAILED] = "failed",
					     [TALLY_DELETED] = "deleted" };

	return words[state];
}

int
tally_write(const struct tally *t, int status, const char *path, struct err *e)
{
	AUTO_TEXTFILE struct textfile old = TEXTFILE_INIT;
	AUTO_METRICS struct metrics m = METRICS_INIT;
	double now = (double)(clock_wall_ns() / 1000000) / 1000, before = 0, success = now;
	bool known = true;

	textfile_read(&old, path);
	(void)textfile_value(&old, BYTES, &before);
	if (status != 0)
		known = textfile_value(&old, LAST_SUCCESS, &success);
	metrics_family(&m, LAST_RUN, METRICS_GAUGE, "When reg-sync last ended.");
	metrics_value(&m, NULL, now);
	metrics_family(&m, LAST_SUCCESS, METRICS_GAUGE, "When reg-sync last ended with status 0.");
	if (known)
		metrics_value(&m, NULL, success);
	metrics_family(&m, BYTES, METRICS_COUNTER, "Bytes of blobs that came from sources.");
	metrics_value(&m, NULL, before + (double)t->bytes);
	metrics_family(&m, "gantry_sync_tags", METRICS_GAUGE, "References of the last run.");
	for (int i = 0; i < TALLY_STATES; i++)
		metrics_value(&m, METRICS_LABELS("state", tally_word((enum tally_state)i)),
			      (double)t->tags[i]);
	if (textfile_write(&m, path, e) < 0)
		return err_wrap(e, "metrics file");
	return 0;
}
