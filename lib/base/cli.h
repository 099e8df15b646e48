/*
 * cli: what all command lines of the suite share.
 *
 * A program declares a struct of options of its own with a struct cli in it,
 * calls getopt_long with CLI_SHORT and CLI_LONG spliced into its tables, and
 * hands what it does not know itself to cli_common.  Long-only options of a
 * program start at CLI_OWN.
 */
#ifndef GANTRY_BASE_CLI_H
#define GANTRY_BASE_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CLI_SHORT "hVvq"
enum { CLI_JSON = 1000, CLI_LOG_FORMAT, CLI_OWN = 1100 };
#define CLI_LONG                                                                            \
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },          \
		{ "verbose", no_argument, NULL, 'v' }, { "quiet", no_argument, NULL, 'q' }, \
		{ "json", no_argument, NULL, CLI_JSON },                                    \
	{                                                                                   \
		"log-format", required_argument, NULL, CLI_LOG_FORMAT                       \
	}

struct cli {
	const char *synopsis; /* the lines after "usage: ", for mistakes */
	const char *help;     /* one screen: all that --help prints */
	bool json;	      /* --json */
	int verbosity;	      /* -v adds one, -q takes one */
};

#define CLI_GO_ON (-1)

/* One option that the program does not know: CLI_GO_ON if it was a common one
 * (log level and format are set), otherwise the exit status to end with:
 * 0 after --help or --version, 64 for everything unknown. */
int cli_common(struct cli *c, int opt, const char *arg);

/* "program: words", the synopsis and a pointer to --help on stderr; 64. */
int cli_usage(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Say an error once; the exit status for it. */
int cli_fail(const struct err *e);

/* What the library tells while it works, for its say callbacks: "SUBJECT: words"
 * on stderr, the words alone if subject is "".  arg is not used. */
void cli_say(void *arg, const char *subject, const char *words);

/* A record on stdout as it happens, for who reads along; cli_flush sees what
 * went wrong. */
void cli_record(const char *line);

/* The last thing a program does: what was printed must have arrived.
 * status, or 71 if standard output could not take it all. */
int cli_flush(int status);

/* Numbers by name and range; ERR_USAGE "NAME must be a number from A to B, not
 * 'x'".  cli_seconds also takes 1.5 and the suffixes ms, s, m, h, and gives
 * milliseconds.  cli_bytes takes the suffixes k, M and G (1024, as curl's), in
 * either case; its min is at least 0. */
int cli_number(const char *arg, const char *name, int64_t min, int64_t max, int64_t *ret,
	       struct err *e);
int cli_seconds(const char *arg, const char *name, int64_t min_ms, int64_t max_ms, int64_t *ret_ms,
		struct err *e);
int
cli_bytes(const char *arg, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *e);

/* Set by SIGINT and SIGTERM once cli_catch_signals was called; a second signal
 * ends the process at once. */
extern volatile bool cli_stopped;
void cli_catch_signals(void);

#endif
