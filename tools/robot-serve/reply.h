/*
 * reply: what goes out for an answer, with the headers that all of them have.
 *
 * Of the answers that say they are lasting the last one of each endpoint is
 * kept as it went out: as long as the next one is the same, byte for byte, it
 * goes out once more instead of being made anew.
 *
 * Any thread may call.
 */
#ifndef GANTRY_ROBOT_SERVE_REPLY_H
#define GANTRY_ROBOT_SERVE_REPLY_H

#include "answer.h"

struct replies;
struct MHD_Connection;
struct MHD_Response;

int replies_new(struct replies **ret, struct err *e);
void replies_free(struct replies **r); /* when nothing goes out any more */

/* a's body is taken, or left for buf_clear.  last: the client is told to close
 * the connection.  False if out of memory. */
bool reply_send(struct replies *r, struct MHD_Connection *c, struct answer *a, bool last);
/* The same for a body of m's own, which is the caller's still. */
bool reply_stream(struct MHD_Connection *c, struct answer *a, struct MHD_Response *m, bool last);

#endif
