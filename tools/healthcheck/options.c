#include "options.h"

#include <getopt.h>
#include <string.h>

#define TIMEOUT_MS   5000
#define INTERVAL_MS  1000
#define HOUR_MS	     3600000
#define DAY_MS	     (24 * HOUR_MS)
#define TRIES_MAX    100000
#define TLS_DAYS_MAX 36500

static const char synopsis[] =
	"healthcheck [-hVvq] [-t S] [-i S] [-r N] [--wait S] [--successes N]\n"
	"       [--status LIST] [--body RE] [--json-path PATH=VALUE]\n"
	"       [--max-time-ms N] [--tls-days N] [--header H] [--ca F] [--cert F] [--insecure]\n"
	"       [--watch] [--metrics-file F] [--json] [--log-format text|json] TARGET...";

static const char help[] =
	"usage: healthcheck [options] TARGET...\n"
	"\n"
	"Asks every TARGET at once and prints, in their order,\n"
	"    healthy|unhealthy TARGET STATUS MILLISECONDS [reason]\n"
	"\n"
	"  TARGET   http(s)://…, http+unix://SOCKET:/path, tcp://HOST:PORT,\n"
	"           docker:CONTAINER (its own HEALTHCHECK),\n"
	"           docker:CONTAINER/http://… (asked in that container's network)\n"
	"\n"
	"How long, how often\n"
	"  -t, --timeout S        of one try (5)\n"
	"  -i, --interval S       between two tries (1)\n"
	"  -r, --retries N        give up after N failed tries (1)\n"
	"      --wait S           go on trying for so long (without -r: only that counts)\n"
	"      --successes N      healthy is N good answers in a row (1)\n"
	"      --watch            go on until SIGTERM, and print what changes\n"
	"What is healthy\n"
	"      --status LIST      HTTP statuses, like 200-299,304 (200-399)\n"
	"      --body RE          POSIX extended expression for the whole body\n"
	"      --json-path PATH=VALUE   the body is JSON that has VALUE at PATH; "
	"repeatable\n"
	"      --max-time-ms N    an answer that takes longer is unhealthy\n"
	"      --tls-days N       so is a certificate that ends in fewer days\n"
	"How to ask\n"
	"      --header H         'Name: value', repeatable\n"
	"      --ca F, --cert F   PEM: whom to trust; client certificate with its key\n"
	"      --insecure         do not check the server's certificate\n"
	"Common\n"
	"      --metrics-file F   write what was found for Prometheus\n"
	"      --json             records as JSON objects\n"
	"      --log-format F     text or json, on standard error\n"
	"  -v, --verbose, -q, --quiet, -V, --version, -h, --help\n"
	"\n"
	"example: healthcheck -t 2 --wait 30 --json-path status=healthy "
	"http://localhost:5001/health\n"
	"\n"
	"exit: 0 all are healthy, 1 one is not, 64 wrong usage, 71 this machine is at "
	"fault,\n"
	"      78 a certificate file or DOCKER_HOST cannot be used\n";

enum {
	OPT_WAIT = CLI_OWN,
	OPT_SUCCESSES,
	OPT_STATUS,
	OPT_BODY,
	OPT_JSON_PATH,
	OPT_MAX_TIME,
	OPT_HEADER,
	OPT_CA,
	OPT_CERT,
	OPT_INSECURE,
	OPT_TLS_DAYS,
	OPT_WATCH,
	OPT_METRICS,
};

static const struct option longs[] = {
	CLI_LONG,
	{ "timeout", required_argument, NULL, 't' },
	{ "interval", required_argument, NULL, 'i' },
	{ "retries", required_argument, NULL, 'r' },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "successes", required_argument, NULL, OPT_SUCCESSES },
	{ "status", required_argument, NULL, OPT_STATUS },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "json-path", required_argument, NULL, OPT_JSON_PATH },
	{ "max-time-ms", required_argument, NULL, OPT_MAX_TIME },
	{ "header", required_argument, NULL, OPT_HEADER },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "insecure", no_argument, NULL, OPT_INSECURE },
	{ "tls-days", required_argument, NULL, OPT_TLS_DAYS },
	{ "watch", no_argument, NULL, OPT_WATCH },
	{ "metrics-file", required_argument, NULL, OPT_METRICS },
	{ NULL, 0, NULL, 0 },
};

static int
add(const char **list, const char *what, const char *value, struct err *e)
{
	for (size_t i = 0; i < OPTIONS_LIST_MAX; i++) {
		if (list[i] == NULL) {
			list[i] = value;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "more than %d times --%s", OPTIONS_LIST_MAX, what);
}

static int
option(struct options *o, int c, const char *arg, struct err *e)
{
	switch (c) {
	case 't':
		return cli_seconds(arg, "-t", 1, HOUR_MS, &o->ask.probe.timeout_ms, e);
	case 'i':
		return cli_seconds(arg, "-i", 0, HOUR_MS, &o->ask.interval_ms, e);
	case 'r':
		return cli_number(arg, "-r", 1, TRIES_MAX, &o->ask.tries, e);
	case OPT_WAIT:
		return cli_seconds(arg, "--wait", 1, DAY_MS, &o->ask.wait_ms, e);
	case OPT_SUCCESSES:
		return cli_number(arg, "--successes", 1, TRIES_MAX, &o->ask.successes, e);
	case OPT_STATUS:
		o->ask.probe.status = arg;
		return 0;
	case OPT_BODY:
		o->ask.probe.body_re = arg;
		return 0;
	case OPT_JSON_PATH:
		return add(o->json, "json-path", arg, e);
	case OPT_MAX_TIME:
		return cli_number(arg, "--max-time-ms", 1, HOUR_MS, &o->ask.probe.max_time_ms, e);
	case OPT_HEADER:
		return add(o->headers, "header", arg, e);
	case OPT_CA:
		o->ask.probe.ca_file = arg;
		return 0;
	case OPT_CERT:
		o->ask.probe.cert_file = arg;
		return 0;
	case OPT_TLS_DAYS:
		return cli_number(arg, "--tls-days", 1, TLS_DAYS_MAX, &o->ask.probe.tls_days, e);
	case OPT_WATCH:
		o->ask.watch = true;
		return 0;
	case OPT_METRICS:
		o->metrics_file = arg;
		return 0;
	default:
		o->ask.probe.insecure = true;
		return 0;
	}
}

static int
check(struct options *o, int n, char **targets, struct err *e)
{
	if (n == 0)
		return err_set(e, ERR_USAGE, "want a target");
	if (n > ASK_TARGETS_MAX)
		return err_set(e, ERR_USAGE, "more than %d targets", ASK_TARGETS_MAX);
	if (o->ask.watch && o->ask.interval_ms == 0)
		return err_set(e, ERR_USAGE, "--watch needs an interval above 0");
	for (int i = 0; i < n; i++)
		if (probe_check(targets[i], e) < 0)
			return -1;
	return probe_check_opts(&o->ask.probe, e);
}

int
options_parse(int argc, char **argv, struct options *o)
{
	struct err e = { 0 };
	int c, status;

	*o = (struct options){ .cli = { .synopsis = synopsis, .help = help },
			       .ask = { .probe = { .timeout_ms = TIMEOUT_MS },
					.interval_ms = INTERVAL_MS,
					.successes = 1 } };
	while ((c = getopt_long(argc, argv, CLI_SHORT "t:i:r:", longs, NULL)) != -1) {
		if (c != '?' && strchr("tir", c) == NULL && c < CLI_OWN) {
			status = cli_common(&o->cli, c, optarg);
			if (status != CLI_GO_ON)
				return status;
		} else if (c == '?') {
			return cli_common(&o->cli, c, NULL);
		} else if (option(o, c, optarg, &e) < 0) {
			return cli_usage(&o->cli, "%s", e.msg);
		}
	}
	if (o->ask.tries == 0 && (o->ask.wait_ms == 0 || o->ask.watch))
		o->ask.tries = 1;
	o->ask.probe.json = o->json;
	o->ask.probe.headers = o->headers;
	if (check(o, argc - optind, argv + optind, &e) < 0)
		return cli_usage(&o->cli, "%s", e.msg);
	return CLI_GO_ON;
}
