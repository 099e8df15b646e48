/*
 * answer: what was asked for, and what is answered.
 *
 * A struct ask lends everything for the time of one call.  An answer's body is
 * its owner's; routes fill it and never see a socket.
 */
#ifndef GANTRY_ROBOT_SERVE_ANSWER_H
#define GANTRY_ROBOT_SERVE_ANSWER_H

#include "base/buf.h"
#include "stats.h"

#define ANSWER_BODY_MAX METRICS_MAX /* the largest */
#define ANSWER_JSON	"application/json"

#define ASK_BODY_MAX  4096 /* of a command: thirty times the longest */
#define ASK_FORM_MAX  4
#define ASK_FIELD_MAX 16

struct ask_field {
	char name[ASK_FIELD_MAX], value[ASK_FIELD_MAX];
};

struct ask {
	const char *method, *path;
	const char *remote; /* an address, or "unix" */
	struct view body;
	bool body_cut; /* it was longer than ASK_BODY_MAX */
	/* of an application/x-www-form-urlencoded body */
	struct ask_field form[ASK_FORM_MAX];
	size_t fields;
	/* NULL if it was not given; lent */
	const char *(*header)(const void *connection, const char *name);
	const char *(*argument)(const void *connection, const char *name); /* after the '?' */
	const void *connection;
};

struct answer {
	int status;
	const char *type;  /* Content-Type */
	const char *allow; /* for 405, else NULL */
	bool retry_later;  /* Retry-After: 1 */
	bool events;	   /* a stream instead of the body */
	bool end;	   /* the process is to end, as with SIGTERM */
	struct buf body;
	enum endpoint endpoint;
};

const char *ask_header(const struct ask *a, const char *name);
const char *ask_form(const struct ask *a, const char *name); /* NULL if none */

/* {"error":words}, and "field" if there is one. */
void answer_error(struct answer *a, int status, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The status that an error of motion stands for. */
void answer_err(struct answer *a, const char *field, const struct err *e);
/* True if method is one of two (the second may be NULL); else a is a 405. */
bool answer_allows(struct answer *a, const struct ask *q, const char *allow, const char *one,
		   const char *two);

#endif
