#include "trust/policy.h"

#include "trust/policy_pattern.h"
#include "unit.h"

TEST(a_star_stays_within_its_part)
{
	CHECK(policy_pattern_match("ghcr.io/acme/robot", "ghcr.io/acme/robot"));
	CHECK(!policy_pattern_match("ghcr.io/acme/robot", "ghcr.io/acme/robot2"));
	CHECK(!policy_pattern_match("ghcr.io/acme/robot", "ghcr.io/acme"));
	CHECK(!policy_pattern_match("ghcr.io/acme", "ghcr.io/acme/robot"));
	CHECK(policy_pattern_match("ghcr.io/acme/*", "ghcr.io/acme/robot"));
	CHECK(!policy_pattern_match("ghcr.io/acme/*", "ghcr.io/acme/robot/arm"));
	CHECK(!policy_pattern_match("ghcr.io/acme/*", "ghcr.io/acme"));
	CHECK(!policy_pattern_match("ghcr.io/acme/*", "ghcr.io/acme2/robot"));
	CHECK(policy_pattern_match("ghcr.io/*/robot", "ghcr.io/acme/robot"));
	CHECK(!policy_pattern_match("ghcr.io/*/robot", "ghcr.io/a/b/robot"));
	CHECK(policy_pattern_match("ghcr.io/a*b*c", "ghcr.io/aXbXbc"));
	CHECK(!policy_pattern_match("ghcr.io/a*b*c", "ghcr.io/aXbXbd"));
	CHECK(policy_pattern_match("ghcr.io/a*", "ghcr.io/a"));
	CHECK(policy_pattern_match("*:5000/robot", "gateway:5000/robot"));
	CHECK(policy_pattern_match("*.local/robot", "a.b.local/robot"));
	CHECK(!policy_pattern_match("*.local/robot", "local/robot"));
}

TEST(two_stars_take_the_rest)
{
	CHECK(policy_pattern_match("**", "ghcr.io/acme/robot"));
	CHECK(policy_pattern_match("ghcr.io/**", "ghcr.io/acme/robot/arm"));
	CHECK(policy_pattern_match("ghcr.io/**", "ghcr.io/robot"));
	CHECK(!policy_pattern_match("ghcr.io/**", "ghcr.iq/robot"));
	CHECK(policy_pattern_match("*/acme/**", "ghcr.io/acme/robot"));
	CHECK(!policy_pattern_match("*/acme/**", "ghcr.io/acme"));
}

TEST(the_more_specific_one_counts)
{
	static const char *const order[] = {
		"ghcr.io/acme/robot",
		"ghcr.io/acme/r*t",
		"ghcr.io/acme/r*",
		"ghcr.io/acme/*",
		"ghcr.io/acme/**",
		"ghcr.io/*/robot",
		"ghcr.io/*",
		"ghcr.io/**",
		"*/acme/robot",
		"*/*",
		"*/**",
		"**",
	};

	for (size_t i = 0; i < COUNT_OF(order); i++)
		for (size_t j = 0; j < COUNT_OF(order); j++) {
			int got = policy_pattern_compare(order[i], order[j]);

			CHECK(i < j ? got > 0 : i > j ? got < 0 : got == 0);
		}
	CHECK(policy_pattern_compare("a.b/x*y", "a.b/x*y*") > 0);
	CHECK(policy_pattern_compare("a.b/*x", "a.b/*y") == 0);
}

static void
never(const char *pattern, const char *why)
{
	struct err e = { 0 };

	CHECK(policy_pattern_check(pattern, &e) == -1);
	CHECK(e.code == ERR_CONFIG);
	if (strstr(e.msg, why) == NULL)
		CHECK_STR(e.msg, why);
}

TEST(a_pattern_that_no_reference_fits_is_refused)
{
	static const char *const good[] = {
		"**",
		"*/**",
		"*/*",
		"ghcr.io/acme/robot",
		"ghcr.io/acme/*",
		"ghcr.io/*-robot/**",
		"localhost:5000/robot-app",
		"localhost:*/robot-app",
		"*.local:5000/**",
		"[::1]:5000/robot",
		"docker.io/library/robot",
		"docker.io/acme/*",
	};
	char longer[POLICY_PATTERN_MAX + 2];

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct err e = { 0 };

		if (policy_pattern_check(good[i], &e) < 0)
			CHECK_STR(e.msg, good[i]);
	}
	never("", "it is not HOST/REPO");
	never("robot", "it is not HOST/REPO");
	never("*", "it is not HOST/REPO");
	never("acme/robot", "names without a host are under docker.io/");
	never("docker.io/robot", "under docker.io/library/");
	never("docker.io/*", "under docker.io/library/");
	never("docker://ghcr.io/robot", "it is not HOST/REPO");
	never("ghcr.io/Acme/*", "no repository has such a name");
	never("ghcr.io/acme/", "no repository has such a name");
	never("ghcr.io//robot", "no repository has such a name");
	never("GHCR.io/acme/*", "write the host in lower case");
	never("ghcr.io/robot:*", "a repository has no tag and no digest");
	never("ghcr.io/robot:1", "a repository has no tag and no digest");
	never("**/robot", "'**' stands at the end");
	never("ghcr.io/acme**", "'**' stands at the end");
	never("ghcr.io/**/robot", "'**' stands at the end");
	never("ghcr.io/a?b", "no repository has such a name");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	never(longer, "longer than 255 bytes");
}

static void
refused(const char *text, const char *why)
{
	struct policy *p = NULL;
	struct err e = { 0 };

	CHECK(policy_parse(view_of(text), "p.json", &p, &e) == -1);
	CHECK(p == NULL);
	CHECK(e.code == ERR_CONFIG);
	CHECK_STR(e.msg, why);
}

#define RULE(more) "{\"rules\": [{\"repositories\": [\"a.b/*\"], \"keys\": [\"k\"]" more "}]}"

TEST(whatever_is_unknown_or_wrong_is_named)
{
	struct policy *p = NULL;

	CHECK(policy_parse(view_of(RULE("")), "p.json", &p, NULL) == 0);
	policy_free(&p);
	refused("", "policy 'p.json': not JSON: line 1: unexpected token near end of file");
	refused("{\"rules\": [],\n\"rules\": []}",
		"policy 'p.json': not JSON: line 2: duplicate object key near '\"rules\"'");
	refused("[]", "policy 'p.json': is not an object");
	refused("{}", "policy 'p.json': no list 'rules'");
	refused("{\"rules\": {}}", "policy 'p.json': no list 'rules'");
	refused("{\"rules\": [], \"default\": 1}", "policy 'p.json': unknown field 'default'");
	refused("{\"rules\": [1]}", "policy 'p.json': rule 1: is not an object");
	refused(RULE(", \"key\": \"x\""), "policy 'p.json': rule 1: unknown field 'key'");
	refused(RULE(", \"threshold\": 0"),
		"policy 'p.json': rule 1: 'threshold' is not a number from 1 to 1");
	refused(RULE(", \"threshold\": \"1\""),
		"policy 'p.json': rule 1: 'threshold' is not a number from 1 to 1");
	refused(RULE(", \"threshold\": 2"),
		"policy 'p.json': rule 1: 'threshold' is not a number from 1 to 1");
	refused("{\"rules\": [{\"keys\": [\"k\"]}]}", "policy 'p.json': rule 1: no 'repositories'");
	refused("{\"rules\": [{\"repositories\": [], \"keys\": [\"k\"]}]}",
		"policy 'p.json': rule 1: 'repositories' is not a list, or empty");
	refused("{\"rules\": [{\"repositories\": \"a.b/*\", \"keys\": [\"k\"]}]}",
		"policy 'p.json': rule 1: 'repositories' is not a list, or empty");
	refused("{\"rules\": [{\"repositories\": [7], \"keys\": [\"k\"]}]}",
		"policy 'p.json': rule 1: 'repositories' has an entry that is not a text");
	refused("{\"rules\": [{\"repositories\": [\"a.b/*\"], \"keys\": [\"\"]}]}",
		"policy 'p.json': rule 1: 'keys' has an entry that is not a text");
	refused("{\"rules\": [{\"repositories\": [\"a.b/*\"]}]}",
		"policy 'p.json': rule 1: nobody to trust: no 'keys' and no 'identities'");
}

TEST(the_same_pattern_again_could_never_match)
{
	refused("{\"rules\": [{\"repositories\": [\"a.b/*\", \"a.b/c\", \"a.b/*\"], \"keys\": "
		"[\"k\"]}]}",
		"policy 'p.json': rule 1: 'a.b/*' can never match: rule 1 has it");
	refused("{\"rules\": [{\"repositories\": [\"a.b/*\"], \"keys\": [\"k\"]}, "
		"{\"repositories\": [\"a.b/c\", \"a.b/*\"], \"keys\": [\"k\"]}]}",
		"policy 'p.json': rule 2: 'a.b/*' can never match: rule 1 has it");
	refused("{\"rules\": [{\"repositories\": [\"robot\"], \"keys\": [\"k\"]}]}",
		"policy 'p.json': rule 1: 'robot' can never match: it is not HOST/REPO");
}

TEST(limits)
{
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);
	struct policy *p = NULL;

	buf_adds(&text, "{\"rules\": [");
	for (int i = 0; i < POLICY_RULES_MAX; i++)
		buf_addf(&text, "%s{\"repositories\": [\"a.b/%d\"], \"keys\": [\"k\"]}",
			 i > 0 ? "," : "", i);
	buf_adds(&text, "]}");
	CHECK(policy_parse(view_buf(&text), "p.json", &p, NULL) == 0);
	policy_free(&p);
	text.len -= 2;
	buf_adds(&text, ",{}]}");
	refused(buf_cstr(&text), "policy 'p.json': more than 256 rules");
	buf_reset(&text);
	buf_adds(&text, "{\"rules\": [{\"repositories\": [");
	for (int i = 0; i <= POLICY_PATTERNS_MAX; i++)
		buf_addf(&text, "%s\"a.b/%d\"", i > 0 ? "," : "", i);
	buf_adds(&text, "], \"keys\": [\"k\"]}]}");
	refused(buf_cstr(&text),
		"policy 'p.json': rule 1: 'repositories' has more than 64 entries");
}

static const char *
decides(const struct policy *p, const char *ref)
{
	static char words[ERR_MSG_MAX];
	const struct verify_policy *needs = NULL;
	struct err e = { 0 };
	struct ref r;

	CHECK(ref_parse(view_of(ref), &r, NULL) == 0);
	if (policy_find(p, &r, &needs, &e) == 0)
		return "found";
	CHECK(e.code == ERR_NO);
	(void)snprintf(words, sizeof(words), "%s", e.msg);
	return words;
}

TEST(no_rule_no_trust)
{
	struct policy *p = NULL;

	CHECK(policy_parse(view_of(RULE("")), "p.json", &p, NULL) == 0);
	CHECK_STR(decides(p, "a.b/x:1"), "found");
	CHECK_STR(decides(p, "A.b/x:1"), "found");
	CHECK_STR(decides(p, "a.b/x/y:1"), "no rule of policy 'p.json' speaks of 'a.b/x/y'");
	CHECK_STR(decides(p, "x"), "no rule of policy 'p.json' speaks of 'docker.io/library/x'");
	policy_free(&p);
	CHECK(policy_parse(view_of("{\"rules\": []}"), "p.json", &p, NULL) == 0);
	CHECK_STR(decides(p, "a.b/x:1"), "no rule of policy 'p.json' speaks of 'a.b/x'");
	policy_free(&p);
}

UNIT_MAIN
