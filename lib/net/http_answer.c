#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "net/http.h"

void
http_resp_clear(struct http_resp *r)
{
	free(r->headers);
	free(r->url);
	buf_clear(&r->body);
	*r = (struct http_resp){ 0 };
}

bool
http_header_n(const struct http_resp *r, const char *name, size_t i, char *out, size_t size)
{
	struct view rest = view_of(r->headers != NULL ? r->headers : ""), line, key;

	while (view_cut(&rest, '\n', &line)) {
		if (!view_cut(&line, ':', &key) || !view_eq(key, name) || i-- > 0)
			continue;
		line = view_trim(line);
		(void)snprintf(out, size, VIEW_FMT, VIEW_ARG(line));
		return true;
	}
	return false;
}

bool
http_header(const struct http_resp *r, const char *name, char *out, size_t size)
{
	return http_header_n(r, name, 0, out, size);
}

/* The first line of a plain answer; false if it has none. */
static bool
first_line(const struct http_resp *r, const char *type, char *out, size_t size)
{
	struct view rest = view_buf(&r->body), line;

	if (strcmp(type, "text/plain") != 0)
		return false;
	if (!view_cut(&rest, '\n', &line))
		line = rest;
	line = view_trim(line);
	if (line.n == 0)
		return false;
	(void)snprintf(out, size, "%d: " VIEW_FMT, r->status, VIEW_ARG(line));
	return true;
}

void
http_explain(const struct http_resp *r, char *out, size_t size)
{
	AUTO_JSN struct json_t *v = jsn_parse(view_buf(&r->body), "answer", NULL);
	const struct json_t *first = jsn_at(jsn_get(v, "errors"), 0);
	const char *code = jsn_str_or(first, "code", ""), *words = jsn_str(first, "message");
	char type[128];

	if (words == NULL)
		words = jsn_str(v, "message");
	/* OAuth 2 (RFC 6749 section 5.2), and Docker Hub's token server */
	if (words == NULL)
		words = jsn_str_or(v, "error_description", jsn_str(v, "details"));
	if (words != NULL) {
		(void)snprintf(out, size, "%d %s%s%s", r->status, code, code[0] != '\0' ? ": " : "",
			       words);
		return;
	}
	if (r->body.len > 0 && http_header(r, "content-type", type, sizeof(type))) {
		type[strcspn(type, "; ")] = '\0';
		if (first_line(r, type, out, size))
			return;
		(void)snprintf(out, size, "%d, answered %s", r->status, type);
		return;
	}
	/* an answer to HEAD has only its number */
	(void)snprintf(out, size, "%d%s", r->status,
		       r->status == 401	  ? ": credentials are needed"
		       : r->status == 403 ? ": not allowed"
		       : r->status == 404 ? ": not found"
					  : "");
}

void
http_quote(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", c) != NULL)
			buf_addc(b, (char)c);
		else
			buf_addf(b, "%%%02X", c);
	}
}
