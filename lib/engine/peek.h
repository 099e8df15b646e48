/*
 * peek: what an engine says of a container's state, for callers that ask many
 * things at once and wait for all of them in one place.
 *
 * One GET for which an engine of every version has the same answer: the path
 * has no version in it.  Follows the Docker Engine API, ContainerInspect.
 */
#ifndef GANTRY_ENGINE_PEEK_H
#define GANTRY_ENGINE_PEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

#define PEEK_NAME_MAX	129 /* of a container, its end included */
#define PEEK_URL_MAX	256
#define PEEK_ANSWER_MAX (1U << 20)
#define PEEK_WORDS_MAX	160

struct peek {
	char id[65];
	char status[16];	    /* "running", "exited", … */
	int64_t pid;		    /* 0 if it does not run */
	int64_t exit_code;	    /* of its last end */
	char health[16];	    /* "healthy", "unhealthy", "starting"; "" without a check */
	char words[PEEK_WORDS_MAX]; /* the check's last output, its first line */
};

/* A name or an id, as engines allow them. */
bool peek_is_name(struct view name);
/* What to GET, over which socket.  host: "unix:///PATH", anything else is
 * ERR_CONFIG.  *ret_socket points into host. */
int peek_where(const char *host, const char *container, const char **ret_socket,
	       char url[PEEK_URL_MAX], struct err *e);
/* ERR_DATA if it is not such an answer. */
int peek_read(struct view answer, struct peek *ret, struct err *e);
/* The engine's own words in an answer that is not 200, "" if none. */
void peek_refusal(struct view answer, char words[PEEK_WORDS_MAX]);

#endif
