#include "trust/simplesigning.h"

#include "unit.h"

#define HEX "0b0fcc01dccb910ae321b543e5b8c099b8ba9f891d6e9ab16bcdca4fb6f1d291"
#define PAYLOAD(reference, digest, type)                                        \
	"{\"critical\":{\"identity\":{\"docker-reference\":" reference "},"     \
	"\"image\":{\"docker-manifest-digest\":" digest "},\"type\":" type "}," \
	"\"optional\":null}"
#define TYPE "\"cosign container image signature\""
#define GOOD PAYLOAD("\"localhost:5000/robot-app\"", "\"sha256:" HEX "\"", TYPE)

static const struct digest image = { "sha256:" HEX };

TEST(a_payload_speaks_of_its_image)
{
	struct simplesigning s;
	struct digest other = { "sha256:" HEX };
	struct err e = { 0 };

	CHECK(simplesigning_parse(view_of(GOOD), &s, &e) == 0);
	CHECK_STR(s.reference, "localhost:5000/robot-app");
	CHECK_STR(s.digest.str, image.str);
	CHECK(simplesigning_covers(view_of(GOOD), &image, &e) == 0);
	other.str[10] = '1';
	CHECK(simplesigning_covers(view_of(GOOD), &other, &e) == -1);
	CHECK(e.code == ERR_NO);
	CHECK_STR(e.msg, "made for 'sha256:" HEX "'");
}

static void
refused(const char *payload, const char *why)
{
	struct err e = { 0 };

	CHECK(simplesigning_covers(view_of(payload), &image, &e) == -1);
	CHECK(e.code == ERR_DATA);
	if (strstr(e.msg, why) == NULL)
		CHECK_STR(e.msg, why);
}

TEST(every_critical_member_must_be_right)
{
	refused("", "payload");
	refused("[]", "payload: 'payload' is not an object");
	refused("{}", "payload: 'critical' is not an object");
	refused(PAYLOAD("1", "\"sha256:" HEX "\"", TYPE), "docker-reference");
	refused(PAYLOAD("\"a\"", "1", TYPE), "docker-manifest-digest");
	refused(PAYLOAD("\"a\"", "\"sha256:12\"", TYPE), "not a digest");
	refused(PAYLOAD("\"a\"", "\"sha256:" HEX "\"", "\"atomic container signature\""),
		"payload: its type is 'atomic container signature'");
	refused(PAYLOAD("\"a\"", "\"sha256:" HEX "\"", "null"), "type");
	refused(GOOD " {}", "payload");
	refused("{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{"
		"\"docker-manifest-digest\":\"sha256:" HEX "\"},\"type\":" TYPE
		",\"expires\":1},\"optional\":null}",
		"payload: 'critical' has an unknown member 'expires'");
	refused("{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{"
		"\"docker-manifest-digest\":\"sha256:" HEX "\",\"docker-manifest-digest\":\"x\"},"
		"\"type\":" TYPE "},\"optional\":null}",
		"payload");
	refused("{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{"
		"\"docker-manifest-digest\":\"sha256:" HEX "\"},\"type\":" TYPE "},\"optional\":7}",
		"payload: 'optional' is not an object");
}

/* Each byte of the digest in the payload, changed to another hex digit. */
TEST(another_digest_is_another_image)
{
	char text[] = GOOD;
	char *hex = strstr(text, HEX);

	for (size_t i = 0; i < sizeof(HEX) - 1; i++) {
		char was = hex[i];

		hex[i] = was == '0' ? '1' : '0';
		CHECK(simplesigning_covers(view_of(text), &image, NULL) == -1);
		hex[i] = was;
	}
	CHECK(simplesigning_covers(view_of(text), &image, NULL) == 0);
}

UNIT_MAIN
