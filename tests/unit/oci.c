#include "oci/auth.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "unit.h"

#define HEX64 "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* "HOST|REPO|TAG|DIGEST" of a reference, or what is wrong with it. */
static const char *
parts(const char *s)
{
	static char out[REF_STR_MAX + ERR_MSG_MAX];
	struct err e = { 0 };
	struct ref r;

	if (ref_parse(view_of(s), &r, &e) < 0) {
		CHECK(e.code == ERR_USAGE);
		(void)snprintf(out, sizeof(out), "%s", e.msg);
	} else {
		(void)snprintf(out, sizeof(out), "%s|%s|%s|%.10s", r.host, r.repo, r.tag,
			       r.digest.str);
	}
	return out;
}

TEST(references_follow_dockers_rules)
{
	CHECK_STR(parts("localhost:5000/robot-app:0.0.1"), "localhost:5000|robot-app|0.0.1|");
	CHECK_STR(parts("docker://ghcr.io/acme/robot-app"), "ghcr.io|acme/robot-app||");
	CHECK_STR(parts("ubuntu:24.04"), "docker.io|library/ubuntu|24.04|");
	CHECK_STR(parts("acme/app"), "docker.io|acme/app||");
	CHECK_STR(parts("[::1]:5000/a/b:t@sha256:" HEX64), "[::1]:5000|a/b|t|sha256:9f8");
	CHECK_STR(parts("h.io/a__b/c-----d.e"), "h.io|a__b/c-----d.e||");
}

TEST(what_is_no_reference_says_why)
{
	CHECK_STR(parts(""), "'' is not an image reference: bad repository name");
	CHECK_STR(parts("h.io/UPPER"),
		  "'h.io/UPPER' is not an image reference: bad repository name");
	CHECK_STR(parts("h.io/a:-t"), "'h.io/a:-t' is not an image reference: bad tag '-t'");
	CHECK_STR(parts("h.io:port/a"), "'h.io:port/a' is not an image reference: bad host");
	CHECK_STR(parts("h.io/a@sha256:12"),
		  "'h.io/a@sha256:12' is not an image reference: 'sha256:12' is not a digest: "
		  "not 64 digits");
	CHECK_STR(parts("h.io/a_-b"), "'h.io/a_-b' is not an image reference: bad repository name");
	CHECK_STR(parts("h.io//a"), "'h.io//a' is not an image reference: bad repository name");
	CHECK_STR(parts("h.io/a/../b"),
		  "'h.io/a/../b' is not an image reference: bad repository name");
}

TEST(a_reference_prints_as_it_was)
{
	static const char *const all[] = { ("localhost:5000/a:1@sha256:" HEX64), "ghcr.io/a/b:x",
					   "ghcr.io/a/b" };
	char out[REF_STR_MAX];
	struct ref r;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		CHECK(ref_parse(view_of(all[i]), &r, NULL) == 0);
		ref_print(&r, out);
		CHECK_STR(out, all[i]);
	}
}

TEST(loopback_is_known_by_name_and_number)
{
	static const struct {
		const char *ref;
		bool local;
	} all[] = { { "localhost:1/a", true },
		    { "127.0.0.2:5000/a", true },
		    { "[::1]:5000/a", true },
		    { "127.0.0.1.evil.io/a", false },
		    { "localhost.io/a", false } };
	struct ref r;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		CHECK(ref_parse(view_of(all[i].ref), &r, NULL) == 0);
		CHECK(ref_is_local(&r) == all[i].local);
	}
}

TEST(digests_are_the_ones_everybody_computes)
{
	struct digest d, other;
	struct err e = { 0 };
	char brief[32];

	digest_of("test", 4, &d);
	CHECK_STR(d.str, "sha256:" HEX64);
	digest_short(&d, brief);
	CHECK_STR(brief, "sha256:9f86d081884c");
	CHECK(digest_check("test", 4, &d, "x", NULL) == 0);
	CHECK(digest_check("tesT", 4, &d, "x", &e) == -1 && e.code == ERR_DATA);
	CHECK(digest_parse(view_of("sha256:" HEX64), &other, NULL) == 0);
	CHECK(digest_equal(&d, &other));
	CHECK(digest_parse(view_of("sha1:12"), &other, &e) == -1);
	CHECK(digest_parse(view_of("sha256:9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15"
				   "b0f00a08"),
			   &other, &e) == -1);
	other = (struct digest){ 0 };
	CHECK(!digest_equal(&other, &other));
}

#define DESC(t) "{\"mediaType\":\"" t "\",\"digest\":\"sha256:" HEX64 "\",\"size\":4}"
#define MANIFEST                                                   \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST \
	"\",\"config\":" DESC("c") ",\"layers\":[" DESC("l") "]}"

static const char *
manifest_says(const char *text, const char *type)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	static struct err e;

	e = (struct err){ 0 };
	if (manifest_parse(view_of(text), type, NULL, "m", &m, &e) < 0)
		CHECK(e.code == ERR_DATA);
	return e.msg;
}

TEST(manifests_and_indexes_are_read)
{
	AUTO_MANIFEST struct manifest m = { 0 };
	AUTO_MANIFEST struct manifest x = { 0 };

	CHECK(manifest_parse(view_of(MANIFEST), MEDIA_OCI_MANIFEST "; charset=utf-8", NULL, "m", &m,
			     NULL) == 0);
	CHECK(!m.is_index && m.nlayers == 1 && m.layers[0].size == 4);
	CHECK_STR(m.bytes, MANIFEST);
	CHECK(manifest_parse(
		      view_of("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"m\","
			      "\"digest\":\"sha256:" HEX64
			      "\",\"size\":1,\"platform\":{\"os\":\"linux\",\"architecture\":"
			      "\"arm64\",\"variant\":\"v8\"}}]}"),
		      MEDIA_OCI_INDEX, NULL, "x", &x, NULL) == 0);
	CHECK(x.is_index && x.nchildren == 1);
	CHECK_STR(x.children[0].platform, "linux/arm64/v8");
}

TEST(what_is_no_manifest_says_why)
{
	CHECK_STR(manifest_says("{\"schemaVersion\":1}", NULL),
		  "m: Docker's manifest schema 1 is not supported: build it again");
	CHECK_STR(manifest_says("{\"schemaVersion\":2,\"mediaType\":\"text/x\"}", NULL),
		  "m: unknown media type 'text/x'");
	CHECK_STR(manifest_says(MANIFEST, MEDIA_OCI_INDEX),
		  "m: is '" MEDIA_OCI_MANIFEST "' but was sent as '" MEDIA_OCI_INDEX "'");
	CHECK_STR(manifest_says("{\"schemaVersion\":2,\"config\":" DESC("c") ",\"layers\":1}",
				MEDIA_OCI_MANIFEST),
		  "m: no list 'layers'");
	CHECK_STR(manifest_says("{\"schemaVersion\":2,\"config\":{},\"layers\":[]}",
				MEDIA_OCI_MANIFEST),
		  "m: no string 'digest'");
	CHECK_STR(manifest_says("{\"schemaVersion\":2,\"config\":" DESC("c") ",\"layers\":[],"
									     "\"manifests\":[]}",
				MEDIA_OCI_MANIFEST),
		  "m: a manifest with the parts of an index");
}

TEST(challenges_in_every_form)
{
	struct auth_challenge c = { 0 };

	CHECK(auth_parse(view_of("bearer realm=\"https://a/t?x=1\",service=\"s\","
				 "scope=\"repository:a:pull,push\", Basic realm=\"r\""),
			 &c, NULL) == 0);
	CHECK(c.bearer && c.basic);
	CHECK_STR(c.realm, "https://a/t?x=1");
	CHECK_STR(c.scope, "repository:a:pull,push");
	CHECK_STR(c.service, "s");
	c = (struct auth_challenge){ 0 };
	CHECK(auth_parse(view_of("Basic realm=x"), &c, NULL) == 0 && c.basic && !c.bearer);
	CHECK(auth_parse(view_of("Bearer realm=\"open"), &c, NULL) == -1);
	CHECK(auth_parse(view_of("=,=\""), &c, NULL) == -1);
}

UNIT_MAIN
