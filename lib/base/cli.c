#include "base/cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/progress.h"

#define STATUS_USAGE  64
#define STATUS_SYSTEM 71

volatile bool cli_stopped;

int
cli_usage(const struct cli *c, const char *fmt, ...)
{
	char words[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	log_error("%s", words);
	(void)fprintf(stderr, "usage: %s\n", c->synopsis);
	return STATUS_USAGE;
}

int
cli_common(struct cli *c, int opt, const char *arg)
{
	switch (opt) {
	case 'h':
		(void)fputs(c->help, stdout);
		return cli_flush(0);
	case 'V':
		(void)printf("%s (gantry) %s\n", log_program(), GANTRY_VERSION);
		return cli_flush(0);
	case 'v':
		c->verbosity++;
		break;
	case 'q':
		c->verbosity--;
		progress_off();
		break;
	case CLI_JSON:
		c->json = true;
		return CLI_GO_ON;
	case CLI_LOG_FORMAT:
		if (strcmp(arg, "json") == 0) {
			log_set_format(LOG_JSON);
			progress_off();
		} else if (strcmp(arg, "text") == 0) {
			log_set_format(LOG_TEXT);
		} else {
			return cli_usage(c, "--log-format must be text or json, not '%s'", arg);
		}
		return CLI_GO_ON;
	default:
		/* getopt_long has said what is wrong */
		(void)fprintf(stderr, "usage: %s\n", c->synopsis);
		return STATUS_USAGE;
	}
	log_set_level(c->verbosity < 0 ? LOG_ERROR : c->verbosity > 0 ? LOG_DEBUG : LOG_INFO);
	return CLI_GO_ON;
}

int
cli_fail(const struct err *e)
{
	log_error("%s", e->msg);
	return err_exit(e);
}

void
cli_say(void *arg, const char *subject, const char *words)
{
	(void)arg;
	if (subject[0] != '\0')
		log_info("%s: %s", subject, words);
	else
		log_info("%s", words);
}

void
cli_record(const char *line)
{
	(void)fputs(line, stdout);
	(void)fflush(stdout);
}

int
cli_flush(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("write to standard output failed");
		return STATUS_SYSTEM;
	}
	return status;
}

int
cli_number(const char *arg, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(arg, &end, 10);
	if (errno != 0 || end == arg || *end != '\0' || n < min || n > max)
		return err_set(e, ERR_USAGE,
			       "%s must be a number from %" PRId64 " to %" PRId64 ", not '%s'",
			       name, min, max, arg);
	*ret = n;
	return 0;
}

int
cli_seconds(const char *arg, const char *name, int64_t min_ms, int64_t max_ms, int64_t *ret_ms,
	    struct err *e)
{
	static const struct {
		const char *suffix;
		double ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *end;
	double x;

	errno = 0;
	x = strtod(arg, &end);
	if (errno == 0 && end != arg && isfinite(x)) {
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strcmp(end, units[i].suffix) != 0)
				continue;
			x *= units[i].ms;
			if (x < (double)min_ms || x > (double)max_ms)
				break;
			*ret_ms = (int64_t)x;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "%s must be from %g to %g seconds, not '%s'", name,
		       (double)min_ms / 1000, (double)max_ms / 1000, arg);
}

int
cli_bytes(const char *arg, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
	static const char units[] = "kmg";
	const char *unit = NULL;
	char *end;
	long long n;

	errno = 0;
	n = strtoll(arg, &end, 10);
	if (*end != '\0' && end[1] == '\0')
		unit = strchr(units, tolower((unsigned char)*end));
	/* no sign and no blank before it */
	if (errno != 0 || !isdigit((unsigned char)arg[0]) || (*end != '\0' && unit == NULL) ||
	    n > max >> (unit != NULL ? 10 * (unit - units + 1) : 0))
		n = -1;
	else if (unit != NULL)
		n <<= 10 * (unit - units + 1);
	if (n < min)
		return err_set(e, ERR_USAGE,
			       "%s must be a number of bytes from %" PRId64 " to %" PRId64
			       ", with k, M or G for 1024, not '%s'",
			       name, min, max, arg);
	*ret = n;
	return 0;
}

static void
on_signal(int sig)
{
	(void)sig;
	cli_stopped = true;
}

void
cli_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}
