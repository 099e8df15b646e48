#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "oci/auth.h"
#include "oci/upload.h"
#include "options.h"

/* Where interrupted uploads are remembered: below STATE_DIR, or for those who
 * may not write there, where XDG has state.  None is no error. */
static void
find_uploads(struct settings *s, const struct conf *conf)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *at = s->uploads;

	(void)snprintf(at, sizeof(s->uploads), "%s/uploads", conf_get(conf, "STATE_DIR"));
	/* the state itself is for everybody to read, as deploy makes it */
	(void)file_mkdirs(conf_get(conf, "STATE_DIR"), 0755, NULL);
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
		log_error("whom to trust? give --key, --certificate-identity or --policy, or "
			  "--insecure-skip-verify");
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
	s->run.state_dir = conf_get(conf, "STATE_DIR");
	if (s->run.prune)
		return run_prune(&s->run, argv[0]);
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
	int modes = r->list + r->from_stdin + r->prune;
	bool one = modes > 0;
	struct err e = { 0 };

	if (modes > 1)
		return cli_usage(&r->cli, "--list, --stdin and --prune do not go together");
	if (argc != (one ? 1 : 2))
		return cli_usage(&r->cli, one ? "one %s is needed" : "SOURCE and DEST are needed%s",
				 r->list ? "SOURCE"
				 : one	 ? "DEST"
					 : "");
	if (r->delete_extra && one)
		return cli_usage(&r->cli, "--delete-extra is for SOURCE DEST");
	if (r->keep > 0 && (r->list || r->from_stdin))
		return cli_usage(&r->cli, "--keep is for SOURCE DEST and for --prune");
	if (r->prune && r->keep == 0)
		return cli_usage(&r->cli, "--prune needs a rule: --keep N");
	if (r->nkeep_tags > 0 && r->keep == 0 && !r->delete_extra)
		return cli_usage(&r->cli, "--keep-tags needs --keep or --delete-extra");
	if (verify_flags_check(&s->trust, &e) < 0)
		return cli_usage(&r->cli, "%s", e.msg);
	if (one && (s->skip_verify || verify_flags_given(&s->trust)))
		return cli_usage(&r->cli,
				 "--key, --policy and --insecure-skip-verify are for SOURCE DEST: "
				 "put img-verify before --stdin");
	return r->list ? run_list(r, argv[0]) : copy(s, argv, environment);
}

/* Where and how a run ended is told even if it failed. */
static int
leave_metrics(const struct settings *s, int status)
{
	struct err e = { 0 };
	/* who lists has copied nothing yet: only a failure is the whole run's */
	bool half = s->run.list && status == 0;

	if (s->metrics_file == NULL || s->run.dry_run || status == 64 || half ||
	    tally_write(&s->tally, status, s->metrics_file, &e) == 0)
		return status;
	(void)cli_fail(&e);
	return status != 0 ? status : err_exit(&e);
}

int
main(int argc, char **argv)
{
	struct settings s;
	int status;

	log_init(argv[0]);
	cli_catch_signals();
	status = options_parse(&s, argc, argv);
	if (status == CLI_GO_ON) {
		auth_find(s.authfile, environ, &s.run.auth);
		status = work(&s, argc - optind, argv + optind, environ);
		status = leave_metrics(&s, status);
	}
	options_clear(&s);
	return cli_flush(status);
}
