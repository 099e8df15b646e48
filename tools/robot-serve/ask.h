/*
 * ask: what was asked for.  Everything in it is lent for the time of one call.
 */
#ifndef GANTRY_ROBOT_SERVE_ASK_H
#define GANTRY_ROBOT_SERVE_ASK_H

#include <stdbool.h>

#include "base/view.h"

#define ASK_BODY_MAX  4096 /* of a command: thirty times the longest */
#define ASK_FORM_MAX  4
#define ASK_FIELD_MAX 16

struct ask_field {
	char name[ASK_FIELD_MAX], value[ASK_FIELD_MAX];
};

struct context;

struct ask {
	const char *method, *path, *version; /* "HTTP/1.1" */
	const char *remote;		     /* an address, or "unix" */
	const struct context *context;	     /* of the trace that it belongs to */
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

const char *ask_header(const struct ask *a, const char *name);
const char *ask_form(const struct ask *a, const char *name); /* NULL if none */

/* %XX in a path or an argument, in place; its new length.  %00 stays as it is:
 * nothing of ours has one, and what came after it would not be seen. */
size_t ask_unescape(char *text);

#endif
