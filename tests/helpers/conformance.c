/*
 * conformance: judge_bundle for tests, spoken to as the sigstore-conformance
 * client protocol does (tests/conformance-client), with the options of
 * img-verify besides.
 *
 *     conformance verify-bundle --bundle F (--certificate-identity I
 *         --certificate-oidc-issuer O | --key K) [--trusted-root R] FILE|sha256:HEX
 *
 * Without --trusted-root, $GANTRY_TRUSTED_ROOT.
 */
#include <getopt.h>
#include <string.h>

#include "base/cli.h"
#include "base/file.h"
#include "base/log.h"
#include "trust/bundle.h"
#include "trust/judge.h"

enum {
	OPT_BUNDLE = 1,
	OPT_IDENTITY,
	OPT_IDENTITY_RE,
	OPT_ISSUER,
	OPT_ISSUER_RE,
	OPT_KEY,
	OPT_ROOT,
	OPT_TYPE,
	OPT_NO_TLOG,
	OPT_NO_SCT
};

static const struct option table[] = {
	{ "bundle", required_argument, NULL, OPT_BUNDLE },
	{ "certificate-identity", required_argument, NULL, OPT_IDENTITY },
	{ "certificate-identity-regexp", required_argument, NULL, OPT_IDENTITY_RE },
	{ "certificate-oidc-issuer", required_argument, NULL, OPT_ISSUER },
	{ "certificate-oidc-issuer-regexp", required_argument, NULL, OPT_ISSUER_RE },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "trusted-root", required_argument, NULL, OPT_ROOT },
	{ "type", required_argument, NULL, OPT_TYPE },
	{ "insecure-ignore-tlog", no_argument, NULL, OPT_NO_TLOG },
	{ "insecure-ignore-sct", no_argument, NULL, OPT_NO_SCT },
	{ 0 },
};

struct given {
	const char *bundle, *key, *root, *what, *type;
	struct identity_rule rule;
	bool no_tlog, no_sct;
};

static bool
parse(int argc, char **argv, struct given *g)
{
	int opt;

	if (argc < 2 || strcmp(argv[1], "verify-bundle") != 0)
		return false;
	g->root = getenv("GANTRY_TRUSTED_ROOT");
	optind = 2;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (opt) {
		case OPT_BUNDLE:
			g->bundle = optarg;
			break;
		case OPT_IDENTITY:
			g->rule.subject = optarg;
			break;
		case OPT_ISSUER:
			g->rule.issuer = optarg;
			break;
		case OPT_IDENTITY_RE:
			g->rule.subject_re = optarg;
			break;
		case OPT_ISSUER_RE:
			g->rule.issuer_re = optarg;
			break;
		case OPT_TYPE:
			g->type = optarg;
			break;
		case OPT_NO_TLOG:
			g->no_tlog = true;
			break;
		case OPT_NO_SCT:
			g->no_sct = true;
			break;
		case OPT_KEY:
			g->key = optarg;
			break;
		case OPT_ROOT:
			g->root = optarg;
			break;
		default:
			return false;
		}
	}
	g->what = argv[optind];
	return g->bundle != NULL && g->what != NULL && argv[optind + 1] == NULL;
}

static int
read_key(const char *path, struct spki **ret, struct err *e)
{
	AUTO_BUF
	struct buf text = BUF_INIT(SPKI_PEM_MAX);

	return file_read(AT_FDCWD, path, &text, e) < 0 ? -1
						       : spki_from_pem(view_buf(&text), ret, e);
}

static int
read_root(const char *path, struct root **ret, struct err *e)
{
	AUTO_BUF
	struct buf text = BUF_INIT(ROOT_TEXT_MAX);

	return file_read(AT_FDCWD, path, &text, e) < 0 ? -1
						       : root_parse(view_buf(&text), path, ret, e);
}

static int
judge(const struct given *g, struct artifact *a, struct view bundle, struct err *e)
{
	AUTO_IDENTITY struct identity *identity = NULL;
	AUTO_ROOT struct root *root = NULL;
	AUTO_SPKI struct spki *key = NULL;
	const struct spki *lent;
	struct judge_rules rules = { .identities = &identity, .keys = &lent };

	if (g->root != NULL && read_root(g->root, &root, e) < 0)
		return -1;
	rules.root = root;
	rules.predicate_type = g->type;
	rules.ignore_tlog = g->no_tlog;
	rules.ignore_sct = g->no_sct;
	rules.n_keys = g->key != NULL;
	rules.n_identities = g->key == NULL;
	if ((g->key != NULL ? read_key(g->key, &key, e) : identity_new(&g->rule, &identity, e)) < 0)
		return -1;
	lent = key;
	return judge_bundle(bundle, a, &rules, NULL, e);
}

static int
run(const struct given *g, struct err *e)
{
	AUTO_BUF
	struct buf bundle = BUF_INIT(BUNDLE_TEXT_MAX);
	AUTO_BUF
	struct buf bytes = BUF_INIT(256U << 20);
	struct artifact a;

	if (file_read(AT_FDCWD, g->bundle, &bundle, e) < 0)
		return -1;
	if (access(g->what, F_OK) == 0 || !artifact_from_digest(g->what, &a)) {
		if (file_read(AT_FDCWD, g->what, &bytes, e) < 0)
			return -1;
		artifact_from_bytes(view_buf(&bytes), &a);
	}
	return judge(g, &a, view_buf(&bundle), e);
}

int
main(int argc, char **argv)
{
	struct given g = { 0 };
	struct err e = { 0 };

	log_init(argv[0]);
	if (!parse(argc, argv, &g)) {
		log_error("wrong usage; see tests/helpers/conformance.c");
		return 64;
	}
	return run(&g, &e) < 0 ? cli_fail(&e) : 0;
}
