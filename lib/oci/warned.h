/*
 * warned: what a registry wants its users to know (Warning headers, OCI
 * distribution specification 1.1, "Warnings"), each text once.
 */
#ifndef GANTRY_OCI_WARNED_H
#define GANTRY_OCI_WARNED_H

#include "net/http.h"

#define WARNED_MAX 16 /* texts of one registry; more are not told */

/* Not for one thread alone: any may call it. */
typedef void warned_fn(const char *host, const char *text);

struct warned;
int warned_new(warned_fn *tell, struct warned **ret, struct err *e);
void warned_free(struct warned **w);
/* Tell what this answer says and no other has said before. */
void warned_take(struct warned *w, const char *host, const struct http_resp *resp);

#endif
