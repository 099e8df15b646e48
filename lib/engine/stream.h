/*
 * stream: the two kinds of long answers that the Docker Engine gives, JSON
 * lines (pull) and multiplexed output (exec, logs: 8 bytes of header before
 * each piece: which stream, three zeros, length in network order).
 */
#ifndef GANTRY_ENGINE_STREAM_H
#define GANTRY_ENGINE_STREAM_H

#include "base/buf.h"
#include "net/http.h"

#define STREAM_LINE_MAX (64U << 10) /* a longer line is passed over */

typedef int stream_line_fn(void *arg, struct view line, struct err *e);

/* Hand each line to fn until the end; -1 as soon as fn gives -1.  An answer
 * that is not 200 is an error in the engine's words. */
int stream_lines(struct http_stream *s, stream_line_fn *fn, void *arg, struct err *e);
/* What a command wrote, both streams in order; what does not fit is dropped. */
int stream_output(struct http_stream *s, char *out, size_t size, struct err *e);
/* The same from bytes; output of a terminal has no headers and stays as it is. */
void stream_plain(struct view bytes, char *out, size_t size);

#endif
