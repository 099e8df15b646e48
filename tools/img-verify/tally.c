#include "tally.h"

#include <stdio.h>

#include "obs/textfile.h"

#define FAMILY "gantry_verify_total"

int
tally_write(const struct run *r, const char *path, struct err *e)
{
	const struct {
		const char *result;
		int64_t n;
	} all[] = { { "passed", r->passed }, { "refused", r->refused }, { "unknown", r->unknown } };
	AUTO_TEXTFILE struct textfile old = TEXTFILE_INIT;
	AUTO_METRICS struct metrics m = METRICS_INIT;

	textfile_read(&old, path);
	metrics_family(&m, FAMILY, METRICS_COUNTER,
		       "References that img-verify was asked about, by what it found.");
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		char sample[64];
		double before = 0;

		(void)snprintf(sample, sizeof(sample), FAMILY "{result=\"%s\"}", all[i].result);
		(void)textfile_value(&old, sample, &before);
		metrics_value(&m, METRICS_LABELS("result", all[i].result),
			      before + (double)all[i].n);
	}
	return textfile_write(&m, path, e) < 0 ? err_wrap(e, "metrics file") : 0;
}
