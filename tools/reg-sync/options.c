#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "oci/platform.h"

#define SYNOPSIS                                    \
	"reg-sync [options] SOURCE DEST\n"          \
	"       reg-sync [options] --list SOURCE\n" \
	"       reg-sync [options] --stdin DEST\n"  \
	"       reg-sync [options] --prune DEST\n"

static const char help[] =
	"usage: " SYNOPSIS "\n"
	"Copy image tags between registries, layouts and archives, with their signatures.\n"
	"SOURCE is HOST/REPO[:TAG], DEST is HOST/REPO or HOST; both may be oci:DIR,\n"
	"oci-archive:FILE or docker-archive:FILE (SOURCE with :TAG, and - for standard input).\n"
	"\n"
	"      --list             print HOST/REPO:TAG@sha256:HEX for each of SOURCE's tags\n"
	"      --stdin            copy the references read, each by digest, tagged as given\n"
	"      --prune            only take away what the rules below say\n"
	"Which tags:\n"
	"      --tags PATTERN     glob, regex:RE or semver:RANGE; repeatable (all)\n"
	"      --exclude PATTERN  but not these; repeatable\n"
	"      --newest N         of those, the N newest\n"
	"      --platform OS/ARCH[/VARIANT]  of indexes only these children; repeatable\n"
	"      --no-referrers     leave signatures, attestations and SBOMs behind\n"
	"Which of DEST's tags go (never what runs or may be rolled back to):\n"
	"      --keep N           versions, or what --tags takes in: all but the N newest\n"
	"      --delete-extra     those that SOURCE does not have\n"
	"      --keep-tags PATTERN  stay in any case; repeatable\n"
	"Whose (SOURCE DEST is refused without one of these):\n"
	"      --key FILE         copy only what this public key has signed; repeatable\n"
	"      --policy FILE      who must have signed which repositories, gantry-policy(5)\n"
	"      --certificate-identity ID, --certificate-identity-regexp RE\n"
	"      --certificate-oidc-issuer URL, --certificate-oidc-issuer-regexp RE\n"
	"      --certificate-github-workflow-repository R, --certificate-github-workflow-ref R,\n"
	"      --certificate-github-workflow-sha S, --certificate-github-workflow-name N,\n"
	"      --certificate-github-workflow-trigger T   what its certificate says\n"
	"      --trusted-root FILE, --type PREDICATE\n"
	"      --insecure-ignore-tlog, --insecure-ignore-sct   as for img-verify(1)\n"
	"      --insecure-skip-verify  copy whatever is there\n"
	"How:\n"
	"  -n, --dry-run          say what would be copied and deleted\n"
	"      --jobs N           blobs to move at once (4)\n"
	"      --limit-rate RATE  of all together: bytes a second, 512k, 2M\n"
	"      --retry N          of each request (3)\n"
	"      --timeout S        without a byte (30)\n"
	"      --authfile FILE    credentials, in the form of Docker's config.json\n"
	"      --plain-http HOST  speaks no TLS; repeatable\n"
	"      --src-ca FILE, --dest-ca FILE  PEM, instead of the system's authorities\n"
	"  -c, --config FILE      gantry.conf, for VERIFY_KEY, POLICY and STATE_DIR\n"
	"      --metrics-file FILE  what the run did, for Prometheus' node_exporter\n"
	"      --json             records as JSON objects\n"
	"      --log-format text|json  of standard error\n"
	"  -v, --verbose, -q, --quiet, -h, --help, -V, --version\n"
	"\n"
	"Records: copied REF, current REF, refused REF REASON, failed REF REASON,\n"
	"         deleted REF.\n"
	"Example: reg-sync --list ghcr.io/acme/robot-app | img-verify --key cosign.pub - |\n"
	"         reg-sync --stdin localhost:5000\n"
	"Exit status: 0 all there, 1 some refused or failed, 64 usage, 71 this machine,\n"
	"             75 out of reach, 78 configuration.\n";

enum {
	OPT_LIST = CLI_OWN,
	OPT_STDIN,
	OPT_TAGS,
	OPT_EXCLUDE,
	OPT_NEWEST,
	OPT_PRUNE,
	OPT_KEEP,
	OPT_KEEP_TAGS,
	OPT_DELETE_EXTRA,
	OPT_PLATFORM,
	OPT_NO_REFERRERS,
	OPT_SKIP_VERIFY,
	OPT_JOBS,
	OPT_LIMIT_RATE,
	OPT_RETRY,
	OPT_TIMEOUT,
	OPT_AUTHFILE,
	OPT_PLAIN_HTTP,
	OPT_SRC_CA,
	OPT_DEST_CA,
	OPT_METRICS_FILE,
};

static const struct option options[] = {
	CLI_LONG,
	{ "list", no_argument, NULL, OPT_LIST },
	{ "stdin", no_argument, NULL, OPT_STDIN },
	{ "tags", required_argument, NULL, OPT_TAGS },
	{ "exclude", required_argument, NULL, OPT_EXCLUDE },
	{ "newest", required_argument, NULL, OPT_NEWEST },
	{ "prune", no_argument, NULL, OPT_PRUNE },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "keep-tags", required_argument, NULL, OPT_KEEP_TAGS },
	{ "delete-extra", no_argument, NULL, OPT_DELETE_EXTRA },
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "no-referrers", no_argument, NULL, OPT_NO_REFERRERS },
	VERIFY_FLAGS_LONG,
	{ "insecure-skip-verify", no_argument, NULL, OPT_SKIP_VERIFY },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "limit-rate", required_argument, NULL, OPT_LIMIT_RATE },
	{ "retry", required_argument, NULL, OPT_RETRY },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "authfile", required_argument, NULL, OPT_AUTHFILE },
	{ "plain-http", required_argument, NULL, OPT_PLAIN_HTTP },
	{ "src-ca", required_argument, NULL, OPT_SRC_CA },
	{ "dest-ca", required_argument, NULL, OPT_DEST_CA },
	{ "metrics-file", required_argument, NULL, OPT_METRICS_FILE },
	{ "config", required_argument, NULL, 'c' },
	{ 0 },
};

static int
add_pattern(struct tags_pattern **all, size_t *n, const char *pattern, struct err *e)
{
	if (*n == RUN_PATTERNS_MAX)
		return err_set(e, ERR_USAGE, "more than %d patterns", RUN_PATTERNS_MAX);
	if (tags_compile(pattern, &all[*n], e) < 0)
		return -1;
	(*n)++;
	return 0;
}

/* "linux/arm64", "linux/arm/v7" */
static int
add_platform(struct run *r, const char *platform, struct err *e)
{
	if (platform_check(platform, e) < 0)
		return err_wrap(e, "--platform");
	if (r->nplatforms == RUN_PLATFORMS_MAX)
		return err_set(e, ERR_USAGE, "more than %d --platform", RUN_PLATFORMS_MAX);
	r->platforms[r->nplatforms++] = platform;
	return 0;
}

/* One option of our own: 0, -1 with *e, or CLI_GO_ON - 1 if it is not ours. */
static int
take_option(struct settings *s, int opt, const char *arg, struct err *e)
{
	struct run *r = &s->run;

	if (opt >= VERIFY_FLAGS)
		return verify_flags_take(&s->trust, opt, arg, e);
	switch (opt) {
	case OPT_LIST:
		r->list = true;
		return 0;
	case OPT_STDIN:
		r->from_stdin = true;
		return 0;
	case OPT_TAGS:
		return add_pattern(r->tags, &r->ntags, arg, e);
	case OPT_EXCLUDE:
		return add_pattern(r->exclude, &r->nexclude, arg, e);
	case OPT_NEWEST:
		return cli_number(arg, "--newest", 1, REGISTRY_TAGS_MAX, &r->newest, e);
	case OPT_PRUNE:
		r->prune = true;
		return 0;
	case OPT_KEEP:
		return cli_number(arg, "--keep", 1, REGISTRY_TAGS_MAX, &r->keep, e);
	case OPT_KEEP_TAGS:
		return add_pattern(r->keep_tags, &r->nkeep_tags, arg, e);
	case OPT_DELETE_EXTRA:
		r->delete_extra = true;
		return 0;
	case OPT_PLATFORM:
		return add_platform(r, arg, e);
	case OPT_NO_REFERRERS:
		r->no_referrers = true;
		return 0;
	case OPT_SKIP_VERIFY:
		s->skip_verify = true;
		return 0;
	case 'n':
		r->dry_run = true;
		return 0;
	case OPT_JOBS:
		return cli_number(arg, "--jobs", 1, RUN_JOBS_MAX, &r->jobs, e);
	case OPT_LIMIT_RATE:
		return cli_bytes(arg, "--limit-rate", 1, RUN_RATE_MAX, &r->limit_rate, e);
	case OPT_RETRY:
		return cli_number(arg, "--retry", 0, 100, &r->retries, e);
	case OPT_TIMEOUT:
		return cli_seconds(arg, "--timeout", 100, 86400000, &r->timeout_ms, e);
	case OPT_AUTHFILE:
		s->authfile = arg;
		return 0;
	case OPT_PLAIN_HTTP:
		if (r->nplain == RUN_HOSTS_MAX)
			return err_set(e, ERR_USAGE, "more than %d --plain-http", RUN_HOSTS_MAX);
		r->plain_http[r->nplain++] = arg;
		return 0;
	case OPT_SRC_CA:
		r->src_ca = arg;
		return 0;
	case OPT_DEST_CA:
		r->dst_ca = arg;
		return 0;
	case OPT_METRICS_FILE:
		s->metrics_file = arg;
		return 0;
	case 'c':
		s->config = arg;
		return 0;
	default:
		return CLI_GO_ON - 1;
	}
}

int
options_parse(struct settings *s, int argc, char **argv)
{
	struct err e = { 0 };
	int opt, status;

	*s = (struct settings){ .run = { .cli = { .synopsis = SYNOPSIS, .help = help },
					 .retries = 3,
					 .jobs = 4,
					 .timeout_ms = 30000 } };
	s->run.tally = &s->tally;
	while ((opt = getopt_long(argc, argv, CLI_SHORT "nc:", options, NULL)) != -1) {
		status = take_option(s, opt, optarg, &e);
		if (status == -1)
			return e.code == ERR_USAGE ? cli_usage(&s->run.cli, "%s", e.msg)
						   : cli_fail(&e);
		if (status == 0)
			continue;
		status = cli_common(&s->run.cli, opt, optarg);
		if (status != CLI_GO_ON)
			return status;
	}
	return CLI_GO_ON;
}

static void
free_patterns(struct tags_pattern **all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tags_free(&all[i]);
}

void
options_clear(struct settings *s)
{
	free_patterns(s->run.tags, s->run.ntags);
	free_patterns(s->run.exclude, s->run.nexclude);
	free_patterns(s->run.keep_tags, s->run.nkeep_tags);
	policy_free(&s->policy);
}
