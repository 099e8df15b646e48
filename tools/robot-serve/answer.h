/*
 * answer: what is answered.  Routes fill it and never see a socket; its body
 * is its owner's.
 */
#ifndef GANTRY_ROBOT_SERVE_ANSWER_H
#define GANTRY_ROBOT_SERVE_ANSWER_H

#include "ask.h"
#include "base/buf.h"
#include "stats.h"

#define ANSWER_BODY_MAX METRICS_MAX /* the largest */
#define ANSWER_JSON	"application/json"

struct answer {
	int status;
	const char *type;  /* Content-Type */
	const char *allow; /* for 405, else NULL */
	bool retry_later;  /* Retry-After: 1 */
	bool lasting;	   /* the next one will often be the same */
	bool events;	   /* a stream instead of the body */
	bool end;	   /* the process is to end, as with SIGTERM */
	struct buf body;
	enum endpoint endpoint;
};

/* {"error":words}, and "field" if there is one. */
void answer_error(struct answer *a, int status, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The status that an error of motion stands for. */
void answer_err(struct answer *a, const char *field, const struct err *e);
/* True if method is one of two (the second may be NULL); else a is a 405. */
bool answer_allows(struct answer *a, const struct ask *q, const char *allow, const char *one,
		   const char *two);

#endif
