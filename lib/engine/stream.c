#include "engine/stream.h"

#include <string.h>

#define CHUNK_BYTES 4096
#define HEAD_BYTES  8
#define RAW_MAX	    (1U << 20) /* of a command's output with its headers */

static int
refused(struct http_stream *s, struct err *e)
{
	const struct http_resp *head = http_stream_resp(s);
	AUTO_BUF
	struct buf body = BUF_INIT(CHUNK_BYTES);
	struct http_resp whole = *head;
	char chunk[CHUNK_BYTES], words[ERR_MSG_MAX];
	long n;

	while ((n = http_read(s, chunk, sizeof(chunk), NULL)) > 0)
		buf_add(&body, chunk, (size_t)n);
	whole.body = body;
	http_explain(&whole, words, sizeof(words));
	if (strstr(words, "no space left on device") != NULL)
		return err_set(e, ERR_SPACE, "%s", words);
	return err_set(e,
		       head->status == 404  ? ERR_NOTFOUND
		       : head->status < 500 ? ERR_NO
					    : ERR_TEMP,
		       "%s", words);
}

static int
take_lines(struct buf *line, bool *skip, struct view chunk, stream_line_fn *fn, void *arg,
	   struct err *e)
{
	struct view head;

	while (view_cut(&chunk, '\n', &head)) {
		buf_add(line, head.p, head.n);
		if (!*skip && line->state == BUF_OK && line->len > 0 &&
		    fn(arg, view_buf(line), e) < 0)
			return -1;
		*skip = false;
		buf_reset(line);
	}
	buf_add(line, chunk.p, chunk.n);
	if (line->state != BUF_OK) {
		*skip = true;
		buf_reset(line);
	}
	return 0;
}

int
stream_lines(struct http_stream *s, stream_line_fn *fn, void *arg, struct err *e)
{
	AUTO_BUF
	struct buf line = BUF_INIT(STREAM_LINE_MAX);
	char chunk[CHUNK_BYTES];
	bool skip = false;
	long n;

	if (http_stream_resp(s)->status != 200)
		return refused(s, e);
	while ((n = http_read(s, chunk, sizeof(chunk), e)) > 0)
		if (take_lines(&line, &skip, (struct view){ chunk, (size_t)n }, fn, arg, e) < 0)
			return -1;
	if (n < 0)
		return -1;
	return !skip && line.len > 0 ? fn(arg, view_buf(&line), e) : 0;
}

void
stream_plain(struct view v, char *out, size_t size)
{
	size_t len = 0;

	while (v.n > 0) {
		const unsigned char *h = (const unsigned char *)v.p;
		struct view piece = v;
		size_t room = size - 1 - len;

		if (v.n >= HEAD_BYTES && h[0] <= 2 && h[1] == 0 && h[2] == 0 && h[3] == 0) {
			size_t n =
				(size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];

			piece = (struct view){ v.p + HEAD_BYTES, v.n - HEAD_BYTES };
			if (n < piece.n)
				piece.n = n;
			v = (struct view){ piece.p + piece.n, v.n - HEAD_BYTES - piece.n };
		} else {
			v.n = 0;
		}
		if (piece.n > room)
			piece.n = room;
		memcpy(out + len, piece.p, piece.n);
		len += piece.n;
	}
	out[len] = '\0';
}

int
stream_output(struct http_stream *s, char *out, size_t size, struct err *e)
{
	AUTO_BUF
	struct buf raw = BUF_INIT(RAW_MAX);
	char chunk[CHUNK_BYTES];
	long n;

	if (http_stream_resp(s)->status != 200)
		return refused(s, e);
	/* the whole of it is read, so that the command can end */
	while ((n = http_read(s, chunk, sizeof(chunk), e)) > 0)
		buf_add(&raw, chunk, (size_t)n);
	if (n < 0)
		return -1;
	stream_plain(view_buf(&raw), out, size);
	return 0;
}
