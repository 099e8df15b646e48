/*
 * The first byte is the kind of layer, the rest its bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "oci/layer.h"

#define UNPACKED (1 << 20)

struct memory {
	struct store store;
	const uint8_t *p;
	size_t n;
};

struct reader {
	struct store_stream stream;
	const struct memory *m;
	size_t at;
};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static long
memory_read(struct store_stream *b, void *p, size_t n, struct err *e)
{
	struct reader *r = (struct reader *)b;

	(void)e;
	if (n > r->m->n - r->at)
		n = r->m->n - r->at;
	memcpy(p, r->m->p + r->at, n);
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

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct store_ops ops = { .open_blob = memory_open };
	static const char *const types[] = { "x.tar", "x.tar+gzip", "x.tar+zstd", "x" };
	struct memory m = { .store = { .ops = &ops }, .p = p + 1, .n = n - 1 };
	struct descriptor d = { .size = (int64_t)n - 1 };
	struct digest id;

	if (n == 0)
		return 0;
	(void)snprintf(d.media_type, sizeof(d.media_type), "%s", types[p[0] % COUNT_OF(types)]);
	digest_of(m.p, m.n, &d.digest);
	digest_of("", 0, &id);
	(void)layer_check(&m.store, &d, &id, UNPACKED, NULL);
	return 0;
}
