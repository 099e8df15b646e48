#include "trust/dsse.h"

#include "base/jsn.h"
#include "unit.h"

static int
parse(const char *text, struct dsse *d, struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(view_of(text), "x", e);

	return v == NULL ? -1 : dsse_parse(v, d, e);
}

TEST(encodes_as_the_specification_says)
{
	AUTO_DSSE struct dsse d = DSSE_INIT;
	AUTO_BUF
	struct buf pae = BUF_INIT(1000);

	CHECK(parse("{\"payloadType\":\"http://example.com/HelloWorld\","
		    "\"payload\":\"aGVsbG8gd29ybGQ=\",\"signatures\":[{\"sig\":\"YQ==\"}]}",
		    &d, NULL) == 0);
	dsse_pae(&d, &pae);
	CHECK_STR(buf_cstr(&pae), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
	CHECK(view_eq(view_buf(&d.signature), "a"));
}

TEST(has_one_signature)
{
	static const char *const bad[] = {
		"{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[]}",
		"{\"payloadType\":\"t\",\"payload\":\"\"}",
		("{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{\"sig\":\"YQ==\"},"
		 "{\"sig\":\"YQ==\"}]}"),
		"{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{\"sig\":\"\"}]}",
		"{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":{\"sig\":\"YQ==\"}}",
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		AUTO_DSSE struct dsse d = DSSE_INIT;

		CHECK(parse(bad[i], &d, NULL) == -1);
	}
}

static int
statement(const char *payload, const char *predicate, struct err *e)
{
	AUTO_DSSE struct dsse d = DSSE_INIT;
	AUTO_JSN struct json_t *v = NULL;
	struct artifact a;

	artifact_from_bytes(view_of("abc"), &a);
	d.type = strdup(DSSE_IN_TOTO);
	buf_adds(&d.payload, payload);
	return dsse_statement(&d, &a, predicate, &v, e);
}

#define ABC_256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_384                                                                                    \
	"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1" \
	"34c825a7"
#define HEAD "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":["

TEST(finds_the_artifact_among_the_subjects)
{
	struct err e = { 0 };

	CHECK(statement(HEAD "{\"digest\":{\"sha1\":\"00\"}},{\"digest\":{\"sha256\":\"" ABC_256
			     "\"}}],\"predicateType\":\"p\"}",
			"p", &e) == 0);
	CHECK(statement(HEAD "{\"digest\":{\"sha384\":\"" ABC_384 "\"}}]}", NULL, &e) == 0);
	CHECK(e.code == ERR_NONE);
	CHECK(statement(HEAD "{\"digest\":{\"sha384\":\"" ABC_256 "\"}}]}", NULL, &e) == -1);
	CHECK_STR(e.msg, "the artifact is not a subject of the statement");
	CHECK(statement(HEAD "]}", NULL, &e) == -1);
	CHECK_STR(e.msg, "the statement has no subject");
	CHECK(statement("{\"subject\":[]}", NULL, &e) == -1);
	CHECK_STR(e.msg, "the statement's type is ''");
}

UNIT_MAIN
