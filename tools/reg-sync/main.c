#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "oci/auth.h"
#include "oci/platform.h"
#include "oci/upload.h"
#include "run.h"

#define SYNOPSIS                                    \
	"reg-sync [options] SOURCE DEST\n"          \
	"       reg-sync [options] --list SOURCE\n" \
	"       reg-sync [options] --stdin DEST\n"

static const char help[] =
	"usage: " SYNOPSIS "\n"
	"Copy image tags between registries, with their signatures.\n"
	"SOURCE is HOST/REPO[:TAG], DEST is HOST/REPO or HOST.\n"
	"\n"
	"      --list             print HOST/REPO:TAG@sha256:HEX for each of SOURCE's tags\n"
	"      --stdin            copy the references read, each by digest, tagged as given\n"
	"Which tags:\n"
	"      --tags PATTERN     glob, regex:RE or semver:RANGE; repeatable (all)\n"
	"      --exclude PATTERN  but not these; repeatable\n"
	"      --newest N         of those, the N newest\n"
	"      --platform OS/ARCH[/VARIANT]  of indexes only these children; repeatable\n"
	"      --no-referrers     leave signatures, attestations and SBOMs behind\n"
	"Whose (SOURCE DEST is refused without one of these):\n"
	"      --key FILE         copy only what this public key has signed; repeatable\n"
	"      --policy FILE      who must have signed which repositories, gantry-policy(5)\n"
	"      --insecure-skip-verify  copy whatever is there\n"
	"How:\n"
	"  -n, --dry-run          say what would be copied\n"
	"      --jobs N           blobs to move at once (4)\n"
	"      --retry N          of each request (3)\n"
	"      --timeout S        without a byte (30)\n"
	"      --authfile FILE    credentials, in the form of Docker's config.json\n"
	"      --plain-http HOST  speaks no TLS; repeatable\n"
	"      --src-ca FILE, --dest-ca FILE  PEM, instead of the system's authorities\n"
	"  -c, --config FILE      gantry.conf, for VERIFY_KEY and POLICY\n"
	"      --json             records as JSON objects\n"
	"      --log-format text|json  of standard error\n"
	"  -v, --verbose, -q, --quiet, -h, --help, -V, --version\n"
	"\n"
	"Records: copied REF, current REF, refused REF REASON, failed REF REASON.\n"
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
	OPT_PLATFORM,
	OPT_NO_REFERRERS,
	OPT_KEY,
	OPT_POLICY,
	OPT_SKIP_VERIFY,
	OPT_JOBS,
	OPT_RETRY,
	OPT_TIMEOUT,
	OPT_AUTHFILE,
	OPT_PLAIN_HTTP,
	OPT_SRC_CA,
	OPT_DEST_CA,
};

static const struct option options[] = {
	CLI_LONG,
	{ "list", no_argument, NULL, OPT_LIST },
	{ "stdin", no_argument, NULL, OPT_STDIN },
	{ "tags", required_argument, NULL, OPT_TAGS },
	{ "exclude", required_argument, NULL, OPT_EXCLUDE },
	{ "newest", required_argument, NULL, OPT_NEWEST },
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "no-referrers", no_argument, NULL, OPT_NO_REFERRERS },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "insecure-skip-verify", no_argument, NULL, OPT_SKIP_VERIFY },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "retry", required_argument, NULL, OPT_RETRY },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "authfile", required_argument, NULL, OPT_AUTHFILE },
	{ "plain-http", required_argument, NULL, OPT_PLAIN_HTTP },
	{ "src-ca", required_argument, NULL, OPT_SRC_CA },
	{ "dest-ca", required_argument, NULL, OPT_DEST_CA },
	{ "config", required_argument, NULL, 'c' },
	{ 0 },
};

struct settings {
	struct run run;
	const char *config, *authfile;
	struct policy_flags trust;
	struct policy *policy;
	bool skip_verify;
	char uploads[4096];
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
	case OPT_PLATFORM:
		return add_platform(r, arg, e);
	case OPT_NO_REFERRERS:
		r->no_referrers = true;
		return 0;
	case OPT_KEY:
		if (s->trust.n_keys == VERIFY_KEYS_MAX)
			return err_set(e, ERR_USAGE, "more than %d keys", VERIFY_KEYS_MAX);
		s->trust.keys[s->trust.n_keys++] = arg;
		return 0;
	case OPT_POLICY:
		s->trust.file = arg;
		return 0;
	case OPT_SKIP_VERIFY:
		s->skip_verify = true;
		return 0;
	case 'n':
		r->dry_run = true;
		return 0;
	case OPT_JOBS:
		return cli_number(arg, "--jobs", 1, RUN_JOBS_MAX, &r->jobs, e);
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
	case 'c':
		s->config = arg;
		return 0;
	default:
		return CLI_GO_ON - 1;
	}
}

/* Where interrupted uploads are remembered: below STATE_DIR, or for those who
 * may not write there, where XDG has state.  None is no error. */
static void
find_uploads(struct settings *s, const struct conf *conf)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *at = s->uploads;

	(void)snprintf(at, sizeof(s->uploads), "%s/uploads", conf_get(conf, "STATE_DIR"));
	if (file_mkdirs(at, 0700, NULL) < 0 || access(at, W_OK) < 0) {
		if (xdg != NULL && xdg[0] == '/')
			(void)snprintf(at, sizeof(s->uploads), "%s/gantry/uploads", xdg);
		else
			(void)snprintf(at, sizeof(s->uploads), "%s/.local/state/gantry/uploads",
				       home != NULL ? home : "");
		if (file_mkdirs(at, 0700, NULL) < 0) {
			log_debug("no folder to remember interrupted uploads in");
			return;
		}
	}
	upload_tidy(at);
	s->run.uploads = at;
}

static int
check_trust(struct settings *s, const struct conf *conf)
{
	struct err e = { 0 };

	if (s->skip_verify) {
		log_warn("signatures are not checked (--insecure-skip-verify)");
		return 0;
	}
	if (policy_choose(&s->trust, conf, &s->policy, &e) < 0)
		return cli_fail(&e);
	if (s->policy == NULL) {
		log_error("whom to trust? give --key or --policy, or --insecure-skip-verify");
		return 78;
	}
	s->run.policy = s->policy;
	return 0;
}

static int
copy(struct settings *s, char **argv, char **environment)
{
	AUTO_CONF struct conf *conf = NULL;
	struct err e = { 0 };
	int status = 0;

	if (settings_load(s->config, environment, &conf, &e) < 0)
		return cli_fail(&e);
	if (!s->run.from_stdin)
		status = check_trust(s, conf);
	if (status != 0)
		return status;
	if (!s->run.dry_run)
		find_uploads(s, conf);
	return s->run.from_stdin ? run_stdin(&s->run, argv[0])
				 : run_mirror(&s->run, argv[0], argv[1]);
}

static int
work(struct settings *s, int argc, char **argv, char **environment)
{
	struct run *r = &s->run;
	bool one = r->list || r->from_stdin;

	if (r->list && r->from_stdin)
		return cli_usage(&r->cli, "--list and --stdin do not go together");
	if (argc != (one ? 1 : 2))
		return cli_usage(&r->cli, one ? "one %s is needed" : "SOURCE and DEST are needed%s",
				 r->list	 ? "SOURCE"
				 : r->from_stdin ? "DEST"
						 : "");
	if (s->trust.file != NULL && s->trust.n_keys > 0)
		return cli_usage(&r->cli, "--key and --policy exclude each other");
	if (one && (s->skip_verify || s->trust.file != NULL || s->trust.n_keys > 0))
		return cli_usage(&r->cli,
				 "--key, --policy and --insecure-skip-verify are for SOURCE DEST: "
				 "put img-verify before --stdin");
	return r->list ? run_list(r, argv[0]) : copy(s, argv, environment);
}

static int
parse(struct settings *s, int argc, char **argv)
{
	struct err e = { 0 };
	int opt, status;

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

int
main(int argc, char **argv)
{
	struct settings s = { .run = { .cli = { .synopsis = SYNOPSIS, .help = help },
				       .retries = 3,
				       .jobs = 4,
				       .timeout_ms = 30000 } };
	int status;

	log_init(argv[0]);
	cli_catch_signals();
	status = parse(&s, argc, argv);
	if (status == CLI_GO_ON) {
		auth_find(s.authfile, environ, &s.run.auth);
		status = work(&s, argc - optind, argv + optind, environ);
	}
	for (size_t i = 0; i < s.run.ntags; i++)
		tags_free(&s.run.tags[i]);
	for (size_t i = 0; i < s.run.nexclude; i++)
		tags_free(&s.run.exclude[i]);
	policy_free(&s.policy);
	return cli_flush(status);
}
