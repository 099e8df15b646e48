#include "options.h"

#include <getopt.h>
#include <string.h>

#include "oci/platform.h"
#include "oci/ref.h"

#define TIMEOUT_MS 30000
#define RETRIES	   3
#define HOUR_MS	   3600000

#define TRUST                                                                                     \
	"       [--key FILE|-]... [--certificate-identity ID] [--certificate-identity-regexp "    \
	"RE]\n"                                                                                   \
	"       [--certificate-oidc-issuer URL] [--certificate-oidc-issuer-regexp RE]\n"          \
	"       [--certificate-github-workflow-repository R] [--certificate-github-workflow-ref " \
	"R]\n"                                                                                    \
	"       [--certificate-github-workflow-sha S] [--certificate-github-workflow-name N]\n"   \
	"       [--certificate-github-workflow-trigger T] [--trusted-root FILE]\n"                \
	"       [--type PREDICATE] [--insecure-ignore-tlog] [--insecure-ignore-sct]\n"

static const char synopsis[] =
	"img-verify [-hVvq]\n" TRUST
	"       [--policy FILE] [--platform OS/ARCH[/VARIANT]] [--deep]\n"
	"       [-c FILE] [--authfile FILE] [--plain-http HOST]... [--timeout S] [--retry N]\n"
	"       [--metrics-file FILE] [--json] [--log-format text|json] REF...|-\n"
	"       img-verify [-hVvq] --blob FILE|sha256:HEX --bundle FILE\n" TRUST
	"       [-c FILE] [--json] [--log-format text|json]";

static const char help[] =
	"usage: img-verify [options] REF...|-\n"
	"       img-verify [options] --blob FILE|sha256:HEX --bundle FILE\n"
	"\n"
	"Prints HOST/REPO:TAG@sha256:HEX for each image that carries a signature by whom we "
	"trust,\n"
	"in the order given, and says on standard error why the others do not.\n"
	"With --blob, prints sha256:HEX if the Sigstore bundle proves who signed the file.\n"
	"\n"
	"  REF      [docker://]HOST[:PORT]/REPO[:TAG][@sha256:HEX]\n"
	"  -        references on standard input, one a line; blank lines and # lines are left "
	"out\n"
	"\n"
	"Whom to trust\n"
	"      --key FILE|-       public key, PEM: ECDSA P-256, P-384, P-521, Ed25519, RSA;\n"
	"                         repeatable, one of them is enough (VERIFY_KEY)\n"
	"      --certificate-identity ID, --certificate-identity-regexp RE\n"
	"      --certificate-oidc-issuer URL, --certificate-oidc-issuer-regexp RE\n"
	"                         or who it was by the certificate of a keyless signature; a\n"
	"                         pattern matches the whole name (CERTIFICATE_IDENTITY, ...)\n"
	"      --certificate-github-workflow-repository R, --certificate-github-workflow-ref R,\n"
	"      --certificate-github-workflow-sha S, --certificate-github-workflow-name N,\n"
	"      --certificate-github-workflow-trigger T   what the certificate must say too\n"
	"      --trusted-root FILE      Sigstore trusted_root.json (TRUSTED_ROOT)\n"
	"      --insecure-ignore-tlog, --insecure-ignore-sct   leave out these checks\n"
	"      --policy FILE      instead: who must have signed which repositories,\n"
	"                         gantry-policy(5) (POLICY)\n"
	"What must be there\n"
	"      --type PREDICATE   not a signature, but an attestation of this type (a URI, or\n"
	"                         slsaprovenance1, spdxjson, cyclonedx, vuln, ...); repeatable\n"
	"      --platform OS/ARCH[/VARIANT]   of an index this image, and print its digest\n"
	"      --deep             read every blob, and compare what layers unpack to\n"
	"Files\n"
	"      --blob FILE|sha256:HEX   what was signed\n"
	"      --bundle FILE            the proof, a Sigstore bundle 0.1 to 0.3\n"
	"Registries\n"
	"      --authfile FILE    credentials, as docker login writes them\n"
	"      --plain-http HOST  speaks no TLS; repeatable (loopback is found out)\n"
	"      --timeout S        a silence that is a failure (30)\n"
	"      --retry N          times to try again (3)\n"
	"Common\n"
	"  -c, --config FILE      gantry.conf(5)\n"
	"      --metrics-file F   count in it what was found, for Prometheus' node_exporter\n"
	"      --json             records as JSON objects\n"
	"      --log-format F     text or json, on standard error\n"
	"  -v, --verbose, -q, --quiet, -V, --version, -h, --help\n"
	"\n"
	"example: img-verify --key release.pub registry.example/robot-app:1.4.0\n"
	"\n"
	"exit: 0 all pass, 1 one does not, 64 wrong usage, 71 this machine is at fault,\n"
	"      75 could not find out (a registry is out of reach), 78 nobody to trust, or a bad "
	"key\n";

enum {
	OPT_PLATFORM = CLI_OWN,
	OPT_DEEP,
	OPT_AUTHFILE,
	OPT_PLAIN,
	OPT_TIMEOUT,
	OPT_RETRY,
	OPT_BLOB,
	OPT_BUNDLE,
	OPT_METRICS_FILE,
};

static const struct option longs[] = {
	CLI_LONG,
	{ "config", required_argument, NULL, 'c' },
	VERIFY_FLAGS_LONG,
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "deep", no_argument, NULL, OPT_DEEP },
	{ "authfile", required_argument, NULL, OPT_AUTHFILE },
	{ "plain-http", required_argument, NULL, OPT_PLAIN },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "metrics-file", required_argument, NULL, OPT_METRICS_FILE },
	{ "retry", required_argument, NULL, OPT_RETRY },
	{ "blob", required_argument, NULL, OPT_BLOB },
	{ "bundle", required_argument, NULL, OPT_BUNDLE },
	{ NULL, 0, NULL, 0 },
};

static int
option(struct options *o, int c, const char *arg, struct err *e)
{
	if (c >= VERIFY_FLAGS)
		return verify_flags_take(&o->trust, c, arg, e);
	switch (c) {
	case 'c':
		o->config = arg;
		return 0;
	case OPT_BLOB:
		o->blob.what = arg;
		return 0;
	case OPT_BUNDLE:
		o->blob.bundle = arg;
		return 0;
	case OPT_PLATFORM:
		o->platform = arg;
		return platform_check(arg, e) < 0 ? err_wrap(e, "--platform") : 0;
	case OPT_DEEP:
		o->deep = true;
		return 0;
	case OPT_AUTHFILE:
		o->authfile = arg;
		return 0;
	case OPT_PLAIN:
		if (o->nplain == OPTIONS_PLAIN_MAX)
			return err_set(e, ERR_USAGE, "more than %d times --plain-http",
				       OPTIONS_PLAIN_MAX);
		o->plain[o->nplain++] = arg;
		return 0;
	case OPT_METRICS_FILE:
		o->metrics_file = arg;
		return 0;
	case OPT_TIMEOUT:
		return cli_seconds(arg, "--timeout", 100, HOUR_MS, &o->timeout_ms, e);
	default:
		return cli_number(arg, "--retry", 0, 100, &o->retries, e);
	}
}

static int
check_blob(struct options *o, int arguments)
{
	struct err e = { 0 };

	o->blob.trust = o->trust;
	o->blob.json = o->cli.json;
	if (o->blob.what != NULL &&
	    (o->trust.policy != NULL || o->platform != NULL || o->deep || o->metrics_file != NULL))
		return cli_usage(&o->cli, "--policy, --platform, --deep and --metrics-file are for "
					  "images, not for --blob");
	if (blob_check(&o->blob, &e) < 0)
		return cli_usage(&o->cli, "%s", e.msg);
	if (arguments > 0)
		return cli_usage(&o->cli, "references and --blob exclude each other");
	return CLI_GO_ON;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	struct err e = { 0 };
	bool lists = false;
	int c, status;

	*o = (struct options){ .cli = { .synopsis = synopsis, .help = help },
			       .timeout_ms = TIMEOUT_MS,
			       .retries = RETRIES };
	while ((c = getopt_long(argc, argv, CLI_SHORT "c:", longs, NULL)) != -1) {
		if (c == 'c' || c >= CLI_OWN) {
			if (option(o, c, optarg, &e) < 0)
				return cli_usage(&o->cli, "%s", e.msg);
			continue;
		}
		status = cli_common(&o->cli, c, optarg);
		if (status != CLI_GO_ON)
			return status;
	}
	if (verify_flags_check(&o->trust, &e) < 0)
		return cli_usage(&o->cli, "%s", e.msg);
	if (o->blob.what != NULL || o->blob.bundle != NULL)
		return check_blob(o, argc - optind);
	if (optind == argc)
		return cli_usage(&o->cli, "want a reference, or - for a list on standard input");
	for (int i = optind; i < argc; i++) {
		struct ref ref;

		if (strcmp(argv[i], "-") == 0)
			lists = true;
		else if (ref_parse(view_of(argv[i]), &ref, &e) < 0)
			return cli_usage(&o->cli, "%s", e.msg);
	}
	for (size_t i = 0; i < o->trust.n_keys; i++)
		if (lists && strcmp(o->trust.keys[i], "-") == 0)
			return cli_usage(&o->cli, "standard input cannot be both key and list");
	return CLI_GO_ON;
}
