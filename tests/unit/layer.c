#include "oci/layer.h"

#include "oci/platform.h"
#include "unit.h"

/* A store of one blob, in memory. */
struct memory {
	struct store store;
	const void *p;
	size_t n;
	size_t fail_at; /* the bytes come so far; 0: all of them */
};

struct reader {
	struct store_stream stream;
	const struct memory *m;
	size_t at;
};

static long
memory_read(struct store_stream *b, void *p, size_t n, struct err *e)
{
	struct reader *r = (struct reader *)b;
	size_t left = r->m->n - r->at;

	if (r->m->fail_at > 0 && r->at >= r->m->fail_at)
		return err_set(e, ERR_TEMP, "the line was cut");
	/* in small pieces, so that all ends of blocks are met */
	n = left < n ? left : n;
	n = n < 7 ? n : 7;
	memcpy(p, (const char *)r->m->p + r->at, n);
	r->at += n;
	return (long)n;
}

static void
memory_close(struct store_stream *b)
{
	free(b);
}

static int
memory_open(struct store *s, const struct digest *d, int64_t from, struct store_stream **ret,
	    struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));

	(void)d;
	(void)from;
	if (r == NULL)
		return err_nomem(e);
	r->stream.read = memory_read;
	r->stream.close = memory_close;
	r->m = (struct memory *)s;
	*ret = &r->stream;
	return 0;
}

static const struct store_ops memory_ops = { .open_blob = memory_open };

#define TAR  "application/vnd.oci.image.layer.v1.tar"
#define GZIP TAR "+gzip"
#define ZSTD TAR "+zstd"

static const unsigned char gz[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
				    0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
				    0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00 };
static const unsigned char zst[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x31, 0x00, 0x00, 'h',
				     'e',  'l',	 'l',  'o',  '\n', 0x53, 0x88, 0xbd, 0x91 };

static int
check(const void *p, size_t n, const char *type, const char *unpacked, int64_t few, struct err *e)
{
	struct memory m = { .store = { .ops = &memory_ops }, .p = p, .n = n };
	struct descriptor d = { .size = (int64_t)n };
	struct digest id;

	(void)snprintf(d.media_type, sizeof(d.media_type), "%s", type);
	digest_of(p, n, &d.digest);
	if (unpacked != NULL)
		digest_of(unpacked, strlen(unpacked), &id);
	return layer_check(&m.store, &d, unpacked != NULL ? &id : NULL, few, e);
}

static void
refused(const void *p, size_t n, const char *type, int64_t few, const char *why)
{
	struct err e = { 0 };

	CHECK(check(p, n, type, "hello\n", few, &e) == -1);
	CHECK(e.code == ERR_DATA);
	if (strstr(e.msg, why) == NULL)
		CHECK_STR(e.msg, why);
}

TEST(a_layer_unpacks_to_its_diff_id)
{
	struct err e = { 0 };

	CHECK(check("hello\n", 6, TAR, "hello\n", 0, &e) == 0);
	CHECK(check(gz, sizeof(gz), GZIP, "hello\n", 0, &e) == 0);
	CHECK(check(gz, sizeof(gz), "application/vnd.docker.image.rootfs.diff.tar.gzip", "hello\n",
		    0, &e) == 0);
	CHECK(check(zst, sizeof(zst), ZSTD, "hello\n", 0, &e) == 0);
	CHECK(check("", 0, TAR, "", 0, &e) == 0);
	CHECK(check("anything", 8, "text/plain", NULL, 0, &e) == 0);
	CHECK(e.code == ERR_NONE);
	CHECK(check(gz, sizeof(gz), GZIP, "hallo\n", 0, &e) == -1);
	CHECK(strstr(e.msg, "unpacks to 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d0828"
			    "6a2e846f6be03', but the config says 'sha256:") != NULL);
}

TEST(a_layer_is_what_its_type_says_and_nothing_else)
{
	static const unsigned char twice[] = {
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x93,
		0xef, 0xe6, 0x60, 0x00, 0x01, 0x26, 0xe6, 0xd3, 0x1e, 0x67, 0x4f,
		0x9e, 0x7c, 0xce, 0xc4, 0xa0, 0x60, 0x60, 0x65, 0xc6, 0x06, 0x14,
		0x03, 0x00, 0xc6, 0x8f, 0xbb, 0x42, 0x1a, 0x00, 0x00, 0x00,
	};

	refused(gz, sizeof(gz), TAR, 0, "unpacks to 'sha256:");
	refused(twice, sizeof(twice), GZIP, 0, "' unpacks to 'sha256:");
	refused(gz, sizeof(gz), ZSTD, 0, "cannot be unpacked: ");
	refused(zst, sizeof(zst), GZIP, 0, "cannot be unpacked: ");
	refused("hello\n", 6, GZIP, 0, "cannot be unpacked: ");
	refused(gz, sizeof(gz) - 9, GZIP, 0, "cannot be unpacked: ");
	refused(zst, sizeof(zst) - 5, ZSTD, 0, "cannot be unpacked: ");
	refused("", 0, GZIP, 0, "'sha256:");
	refused(gz, sizeof(gz), "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", 0,
		"which no layer has");
	refused(gz, sizeof(gz), "", 0, "is of type '', which no layer has");
}

TEST(a_bomb_hits_the_limit)
{
	/* a frame with a window of 128 KiB, and blocks that say "so many zeros" */
	unsigned char bomb[6 + 4 * 512] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38 };

	for (size_t i = 6; i < sizeof(bomb); i += 4) {
		bomb[i] = 0x02 | (i + 4 == sizeof(bomb));
		bomb[i + 2] = 0x10;
	}
	refused(bomb, sizeof(bomb), ZSTD, 64 << 20, "unpacks to '");
	refused(bomb, sizeof(bomb), ZSTD, (64 << 20) - 1, "unpacks to more than 67108863 bytes");
	refused(bomb, sizeof(bomb), ZSTD, 1, "' unpacks to more than ");
	/* so much is not much, of so many bytes */
	CHECK(check(gz, sizeof(gz), GZIP, "hello\n", 1, NULL) == 0);
}

TEST(the_bytes_must_be_those_of_the_digest)
{
	struct memory m = { .store = { .ops = &memory_ops }, .p = gz, .n = sizeof(gz) };
	struct descriptor d = { .media_type = GZIP, .size = sizeof(gz) };
	struct digest id;
	struct err e = { 0 };

	digest_of("hello\n", 6, &id);
	digest_of(zst, sizeof(zst), &d.digest);
	CHECK(layer_check(&m.store, &d, &id, 0, &e) == -1);
	CHECK(e.code == ERR_DATA && strstr(e.msg, "has digest '") != NULL);
	CHECK(layer_check(&m.store, &d, NULL, 0, &e) == -1);
	digest_of(gz, sizeof(gz), &d.digest);
	d.size--;
	CHECK(layer_check(&m.store, &d, &id, 0, &e) == -1);
	CHECK(e.code == ERR_DATA && strstr(e.msg, "has more than 25 bytes") != NULL);
	d.size += 2;
	CHECK(layer_check(&m.store, &d, &id, 0, &e) == -1);
	CHECK(e.code == ERR_DATA && strstr(e.msg, "has 26 bytes, not 27") != NULL);
	/* cut, not wrong */
	d.size--;
	m.fail_at = 14;
	CHECK(layer_check(&m.store, &d, &id, 0, &e) == -1);
	CHECK(e.code == ERR_TEMP);
	CHECK_STR(e.msg, "the line was cut");
	CHECK(layer_check(&m.store, &d, NULL, 0, &e) == -1);
	CHECK(e.code == ERR_TEMP);
}

TEST(platforms)
{
	CHECK(platform_match("linux/amd64", "linux/amd64"));
	CHECK(!platform_match("linux/amd64", "linux/amd"));
	CHECK(!platform_match("linux/arm", "linux/arm64"));
	CHECK(platform_match("linux/arm", "linux/arm/v7"));
	CHECK(!platform_match("linux/arm/v7", "linux/arm"));
	CHECK(!platform_match("linux/arm/v7", "linux/arm/v6"));
	CHECK(platform_match("linux/arm64", "linux/arm64/v8"));
	CHECK(platform_match("linux/arm64/v8", "linux/arm64"));
	CHECK(!platform_match("linux/arm64/v9", "linux/arm64"));
	CHECK(!platform_match("linux/arm64", ""));
	CHECK(platform_check("linux/arm64", NULL) == 0);
	CHECK(platform_check("linux/arm/v7", NULL) == 0);
	CHECK(platform_check("linux", NULL) == -1);
	CHECK(platform_check("linux/", NULL) == -1);
	CHECK(platform_check("/arm64", NULL) == -1);
	CHECK(platform_check("linux//v7", NULL) == -1);
	CHECK(platform_check("linux/arm/v7/x", NULL) == -1);
	CHECK(platform_check("", NULL) == -1);
}

UNIT_MAIN
