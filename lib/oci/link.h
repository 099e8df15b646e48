/*
 * link: where a list goes on, as a registry says it in a Link header (RFC 8288).
 *
 * Only the path and query of the target count: the next page is always asked
 * for at the registry itself, whatever host a proxy lets it write.
 */
#ifndef GANTRY_OCI_LINK_H
#define GANTRY_OCI_LINK_H

#include "net/http.h"

#define LINK_MAX       4096 /* bytes of a header's value and of an address */
#define LINK_PAGES_MAX 4096 /* pages of one list */

/* The target of rel="next" in one header's value, relative to page (the path
 * and query that were asked for), into ret.  1 there is one, 0 there is none,
 * -1 with ERR_DATA if it cannot be read or followed. */
int link_parse(struct view value, const char *page, char ret[LINK_MAX], struct err *e);

/* The same for all Link headers of an answer.  *page becomes the next page;
 * pages counts them: a list that goes round or has no end is ERR_DATA. */
int link_next(const struct http_resp *resp, char page[LINK_MAX], size_t *pages, struct err *e);

#endif
