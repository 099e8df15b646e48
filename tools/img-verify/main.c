#include <unistd.h>

#include "base/log.h"
#include "base/settings.h"
#include "confine.h"
#include "lazy/archive.h"
#include "lazy/curl.h"
#include "oci/auth.h"
#include "options.h"
#include "run.h"
#include "tally.h"

#define STATUS_NO      1
#define STATUS_UNKNOWN 75

static int
trust(const struct options *o, struct policy **ret, struct err *e)
{
	AUTO_CONF struct conf *c = NULL;

	if (settings_load(o->config, environ, &c, e) < 0 || policy_choose(&o->trust, c, ret, e) < 0)
		return -1;
	if (*ret == NULL)
		return err_set(e, ERR_CONFIG,
			       "nobody to trust: give --key, --certificate-identity or --policy, "
			       "or set VERIFY_KEY, CERTIFICATE_IDENTITY or POLICY");
	return 0;
}

static int
verify_blob(struct options *o, struct err *e)
{
	AUTO_CONF struct conf *c = NULL;

	return settings_load(o->config, environ, &c, e) < 0
		       ? -1
		       : blob_verify(&o->blob, conf_get(c, "VERIFY_KEY"), e);
}

/* What was judged counts, also where not all of it could be. */
static int
leave_metrics(const struct options *o, const struct run *r, int status)
{
	struct err e = { 0 };

	if (o->metrics_file == NULL || tally_write(r, o->metrics_file, &e) == 0)
		return status;
	(void)cli_fail(&e);
	return status != 0 ? status : err_exit(&e);
}

int
main(int argc, char **argv)
{
	AUTO(run_clear) struct run r = { 0 };
	struct options o;
	struct auth_files auth;
	struct err e = { 0 };
	int status;

	log_init(argv[0]);
	status = options_parse(&o, argc, argv);
	if (status != CLI_GO_ON)
		return status;
	if (o.blob.what != NULL)
		return cli_flush(verify_blob(&o, &e) < 0 ? cli_fail(&e) : 0);
	cli_catch_signals();
	auth_find(o.authfile, environ, &auth);
	r.json = o.cli.json;
	r.platform = o.platform;
	r.deep = o.deep;
	r.registry = (struct registry_opts){ .http = { .connect_ms = o.timeout_ms,
						       .idle_ms = o.timeout_ms,
						       .retries = (int)o.retries,
						       .stop = &cli_stopped },
					     .auth = &auth,
					     .plain_http = o.plain };
	if (trust(&o, &r.policy, &e) < 0 || lazy_curl(&e) < 0 || (o.deep && lazy_archive(&e) < 0) ||
	    confine_to_registries(&auth, o.metrics_file, &e) < 0 ||
	    run_all(&r, argv + optind, &e) < 0)
		status = cli_fail(&e);
	else
		status = r.refused > 0 ? STATUS_NO : r.unknown > 0 ? STATUS_UNKNOWN : 0;
	return cli_flush(leave_metrics(&o, &r, status));
}
