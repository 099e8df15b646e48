#include "options.h"

#include <getopt.h>

#include "fleet/site.h"

#define MS_MAX	   86400000
#define CANARY_MAX 10000

static const char synopsis[] =
	"deploy [-hnVvq] [-c FILE] [--image REF | --tag TAG] [--force]\n"
	"              [--strategy NAME] [--soak S] [--max-wait S] [--canary N]\n"
	"              [--batch N] [--on-failure WHAT] [--insecure-skip-verify] [--metrics-file "
	"FILE]\n"
	"              [--json] [--log-format text|json] [SERVICE...]\n"
	"       deploy --stage | --switch [options] [SERVICE...]\n"
	"       deploy --check | --status | --history [-c FILE] [--json] [SERVICE...]";

static const char help[] =
	"usage: deploy [options] [SERVICE...]\n"
	"       deploy --stage | --switch | --check | --status | --history [options] [SERVICE...]\n"
	"\n"
	"Move services to a new image, one after another; go back if it is not healthy.\n"
	"\n"
	"What:\n"
	"  --image REF             this image; default: the newest tag that TAGS allows\n"
	"  --tag TAG               this tag of REGISTRY_URL/IMAGE_NAME\n"
	"  --stage                 verify and pull it, and change nothing: at any time\n"
	"  --switch                move to what was staged last; needs no network\n"
	"  --force                 even if it is in quarantine, or updates are inhibited\n"
	"  --insecure-skip-verify  do not ask for a signature\n"
	"How:\n"
	"  --strategy NAME         auto, handover or recreate\n"
	"  --soak S                the new one must stay healthy for so many seconds\n"
	"  --max-wait S            wait so long for a robot that is busy; default 60\n"
	"  --canary N              if one of the first N fails, everything goes back\n"
	"  --batch N               then move so many at a time; default 1\n"
	"  --on-failure WHAT       rollback-all (default); rollback-failed: only the service\n"
	"                          that failed, the others go on; stop: leave it there\n"
	"  -n, --dry-run           say what would be done\n"
	"  -c, --config FILE       settings; default /etc/gantry/gantry.conf, ./gantry.conf\n"
	"Instead:\n"
	"  --check                 is there an update?  0 no; 10 yes, and REF@DIGEST\n"
	"  --status                what each service runs\n"
	"  --history               what was done, oldest first\n"
	"Output:\n"
	"  --metrics-file FILE     what deployments have come to, for node_exporter\n"
	"  --json                  records as JSON, one a line\n"
	"  --log-format FORMAT     text or json, for standard error\n"
	"  -v, --verbose           say more\n"
	"  -q, --quiet             say less\n"
	"  -h, --help              this text\n"
	"  -V, --version           name and version\n"
	"\n"
	"Example: */5 * * * * deploy -q -c /etc/gantry/gantry.conf\n"
	"\n"
	"Exit status: 0 done or nothing to do; 1 failed, nothing changed; 3 failed and rolled\n"
	"back; 5 a service needs a person; 7 disk full; 10 update available (--check); 64 wrong\n"
	"usage; 71 this machine is at fault; 75 not now; 78 wrong configuration\n";

enum {
	OPT_IMAGE = CLI_OWN,
	OPT_TAG,
	OPT_METRICS_FILE,
	OPT_CHECK,
	OPT_STAGE,
	OPT_SWITCH,
	OPT_CANARY,
	OPT_BATCH,
	OPT_ON_FAILURE,
	OPT_FORCE,
	OPT_SKIP_VERIFY,
	OPT_STRATEGY,
	OPT_SOAK,
	OPT_MAX_WAIT,
	OPT_HISTORY,
	OPT_STATUS,
};

static int
set_option(struct options *o, int opt, const char *arg, struct err *e)
{
	switch (opt) {
	case 'c':
		o->config = arg;
		return 0;
	case 'n':
		o->dry_run = true;
		return 0;
	case OPT_IMAGE:
		o->image = arg;
		return 0;
	case OPT_TAG:
		o->tag = arg;
		return 0;
	case OPT_CHECK:
		o->mode = MODE_CHECK;
		return 0;
	case OPT_METRICS_FILE:
		o->metrics_file = arg;
		return 0;
	case OPT_STAGE:
		o->mode = MODE_STAGE;
		return 0;
	case OPT_SWITCH:
		o->mode = MODE_SWITCH;
		return 0;
	case OPT_CANARY:
		return cli_number(arg, "--canary", 0, CANARY_MAX, &o->canary, e);
	case OPT_BATCH:
		return cli_number(arg, "--batch", 1, ROLLOUT_BATCH_MAX, &o->batch, e);
	case OPT_ON_FAILURE:
		o->has_on_failure = true;
		return rollout_parse_on_failure(arg, &o->on_failure, e) < 0
			       ? err_wrap(e, "--on-failure")
			       : 0;
	case OPT_STATUS:
		o->mode = MODE_STATUS;
		return 0;
	case OPT_HISTORY:
		o->mode = MODE_HISTORY;
		return 0;
	case OPT_FORCE:
		o->force = true;
		return 0;
	case OPT_SKIP_VERIFY:
		o->skip_verify = true;
		return 0;
	case OPT_STRATEGY:
		o->has_strategy = true;
		return site_strategy(arg, &o->strategy, e);
	case OPT_SOAK:
		return cli_seconds(arg, "--soak", 0, MS_MAX, &o->soak_ms, e);
	case OPT_MAX_WAIT:
		return cli_seconds(arg, "--max-wait", 0, MS_MAX, &o->max_wait_ms, e);
	default:
		return 1;
	}
}

int
options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "image", required_argument, NULL, OPT_IMAGE },
		{ "tag", required_argument, NULL, OPT_TAG },
		{ "metrics-file", required_argument, NULL, OPT_METRICS_FILE },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "stage", no_argument, NULL, OPT_STAGE },
		{ "switch", no_argument, NULL, OPT_SWITCH },
		{ "canary", required_argument, NULL, OPT_CANARY },
		{ "batch", required_argument, NULL, OPT_BATCH },
		{ "on-failure", required_argument, NULL, OPT_ON_FAILURE },
		{ "status", no_argument, NULL, OPT_STATUS },
		{ "history", no_argument, NULL, OPT_HISTORY },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "insecure-skip-verify", no_argument, NULL, OPT_SKIP_VERIFY },
		{ "strategy", required_argument, NULL, OPT_STRATEGY },
		{ "soak", required_argument, NULL, OPT_SOAK },
		{ "max-wait", required_argument, NULL, OPT_MAX_WAIT },
		CLI_LONG,
		{ 0 }
	};
	struct err e = { 0 };
	int opt, status;

	*o = (struct options){ .cli = { .synopsis = synopsis, .help = help },
			       .soak_ms = -1,
			       .max_wait_ms = -1,
			       .canary = -1,
			       .batch = -1 };
	while ((opt = getopt_long(argc, argv, CLI_SHORT "c:n", options, NULL)) != -1) {
		int own = set_option(o, opt, optarg, &e);

		if (own < 0)
			return cli_usage(&o->cli, "%s", e.msg);
		status = own > 0 ? cli_common(&o->cli, opt, optarg) : CLI_GO_ON;
		if (status != CLI_GO_ON)
			return status;
	}
	if (o->image != NULL && o->tag != NULL)
		return cli_usage(&o->cli, "--image and --tag exclude each other");
	if (o->mode == MODE_SWITCH && (o->image != NULL || o->tag != NULL))
		return cli_usage(&o->cli, "--switch takes what was staged, no --image or --tag");
	o->names = (const char *const *)argv + optind;
	o->n = (size_t)(argc - optind);
	return CLI_GO_ON;
}
