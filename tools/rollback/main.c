#include <getopt.h>
#include <string.h>

#include "base/cli.h"
#include "base/jsn.h"
#include "base/log.h"
#include "engine/engine.h"
#include "fleet/images.h"
#include "fleet/report.h"
#include "fleet/site.h"
#include "fleet/target.h"

extern char **environ;

static const char synopsis[] = "rollback [-hnVvq] [-c FILE] [--to TAG|DIGEST] [--json]\n"
			       "                [--log-format text|json] [SERVICE...]\n"
			       "       rollback --list [-c FILE] [--json]";

static const char help[] =
	"usage: rollback [options] [SERVICE...]\n"
	"       rollback --list [options]\n"
	"\n"
	"Move services back to an image that has proven itself here; no registry is needed.\n"
	"The image that they leave goes into quarantine.\n"
	"\n"
	"  --to TAG|DIGEST         to this one; default: the newest proven one that is neither\n"
	"                          running nor in quarantine\n"
	"  --list                  what can be gone back to, newest first\n"
	"  -n, --dry-run           say what would be done\n"
	"  -c, --config FILE       settings; default /etc/gantry/gantry.conf, ./gantry.conf\n"
	"  --json                  records as JSON, one a line\n"
	"  --log-format FORMAT     text or json, for standard error\n"
	"  -v, --verbose           say more\n"
	"  -q, --quiet             say less\n"
	"  -h, --help              this text\n"
	"  -V, --version           name and version\n"
	"\n"
	"Example: rollback --to 0.0.1\n"
	"\n"
	"Exit status: 0 done or nothing to do; 1 failed, nothing changed; 3 an unfinished\n"
	"deployment was rolled back first; 5 failed, look at the services; 6 nothing to go back\n"
	"to; 7 disk full; 64 wrong usage; 71 this machine is at fault; 75 not now; 78 wrong\n"
	"configuration\n";

enum { OPT_LIST = CLI_OWN, OPT_TO };

struct options {
	struct cli cli;
	bool list, dry_run;
	const char *config, *to;
};

static int
parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "dry-run", no_argument, NULL, 'n' },
						 { "list", no_argument, NULL, OPT_LIST },
						 { "to", required_argument, NULL, OPT_TO },
						 CLI_LONG,
						 { 0 } };
	int opt, status;

	*o = (struct options){ .cli = { .synopsis = synopsis, .help = help } };
	while ((opt = getopt_long(argc, argv, CLI_SHORT "c:n", options, NULL)) != -1) {
		if (opt == 'c')
			o->config = optarg;
		else if (opt == 'n')
			o->dry_run = true;
		else if (opt == OPT_LIST)
			o->list = true;
		else if (opt == OPT_TO)
			o->to = optarg;
		else if ((status = cli_common(&o->cli, opt, optarg)) != CLI_GO_ON)
			return status;
	}
	return CLI_GO_ON;
}

static void
print_result(void *arg, enum rollout_result result, const char *service,
	     const struct move_goal *image, const char *reason)
{
	const struct options *o = arg;
	AUTO_JSN struct json_t *r = report_result(result, service, image, reason);

	report_print(r, o->cli.json);
}

static const struct table_column columns[] = { { "tag", "VERSION" },
					       { "digest", "DIGEST" },
					       { "state", "STATE" },
					       { "rung", "RUNG" },
					       { "since", "SINCE" } };

/* What runs by the engine, or where that does not answer, by the journal. */
static int
list(const struct options *o, struct site_opts *so, struct err *e)
{
	AUTO_SITE struct site s = { .lock = -1 };
	AUTO_JSN struct json_t *all = NULL;
	AUTO_FREE struct digest *runs = NULL;
	struct err why = { 0 };
	size_t n;

	so->look = true;
	if (site_open(so, &s, &why) < 0 ||
	    target_digests(s.fleet, s.journal, &runs, &n, &why) < 0) {
		if (why.code == ERR_CONFIG || why.code == ERR_USAGE)
			return err_set(e, why.code, "%s", why.msg);
		log_warn("%s; from the journal alone", why.msg);
		site_close(&s);
		so->offline = true;
		if (site_open(so, &s, e) < 0 ||
		    target_digests(s.fleet, s.journal, &runs, &n, e) < 0)
			return -1;
	}
	if (report_targets(s.journal, runs, n, s.stable_ms, &all, e) < 0)
		return -1;
	report_print_all(all, columns, COUNT_OF(columns), o->cli.json);
	return 0;
}

static int
go_back(struct options *o, const struct site *s, const struct rollout *r, struct err *e)
{
	const struct images_opts io = { .auth = &s->auth,
					.stop = &cli_stopped,
					.min_free = s->min_free };
	AUTO_FREE struct digest *runs = NULL;
	struct move_goal goal;
	size_t behind = 0, n;

	if (target_digests(s->fleet, s->journal, &runs, &n, e) < 0 ||
	    target_back(s->journal, o->to, runs, n, &goal, e) < 0)
		return -1;
	for (size_t i = 0; i < s->fleet->n; i++) {
		int there = move_is_there(&s->fleet->services[i], &goal, e);

		if (there < 0)
			return -1;
		behind += !there;
		if (o->dry_run)
			print_result(o, there ? ROLLOUT_CURRENT : ROLLOUT_WOULD,
				     s->fleet->services[i].name, &goal, NULL);
	}
	if (behind == 0)
		log_info("every service runs %s already",
			 goal.tag[0] != '\0' ? goal.tag : goal.ref);
	if (behind == 0 || o->dry_run)
		return 0;
	if (images_pull(r->fleet, &goal, &io, e) < 0 || rollout_lift(s->journal, &goal, e) < 0)
		return -1;
	if (rollout_run(r, &goal, e) == 0)
		return 0;
	/* back where it started is not where it should have gone */
	if (e->code == ERR_ROLLED_BACK)
		e->code = ERR_STUCK;
	return -1;
}

static int
rollback(struct options *o, struct site_opts *so, struct err *e)
{
	AUTO_SITE struct site s = { .lock = -1 };
	struct rollout r = { .kind = "rollback", .record = print_result, .arg = o };
	size_t before;
	int status;

	so->change = !o->dry_run;
	if (site_open(so, &s, e) < 0)
		return -1;
	for (size_t i = 0; s.all != NULL && i < s.all->nengines; i++)
		log_debug("engine at '%s': %s, API %s", engine_host(s.all->engines[i]),
			  engine_version(s.all->engines[i]), engine_api(s.all->engines[i]));
	s.move.stop = &cli_stopped;
	s.move.say = cli_say;
	r.journal = s.journal;
	r.auth = &s.auth;
	r.move = s.move;
	r.batch = (size_t)s.batch;
	r.fleet = s.all;
	before = journal_len(s.journal);
	status = so->change ? rollout_recover(&r, e) : 0;
	r.fleet = s.fleet;
	if (status == 0)
		status = go_back(o, &s, &r, e);
	if (status == 0)
		status = site_away(&s, e);
	if (!so->change)
		return status;
	site_leave(&s, before, NULL, status < 0 ? err_exit(e) : status);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct site_opts so;
	struct err e = { 0 };
	int status;

	log_init(argv[0]);
	status = parse(argc, argv, &o);
	if (status != CLI_GO_ON)
		return status;
	cli_catch_signals();
	so = (struct site_opts){ .config = o.config,
				 .environment = environ,
				 .names = (const char *const *)argv + optind,
				 .n = (size_t)(argc - optind),
				 .program = log_program() };
	status = o.list ? list(&o, &so, &e) : rollback(&o, &so, &e);
	return cli_flush(status < 0 ? cli_fail(&e) : status);
}
