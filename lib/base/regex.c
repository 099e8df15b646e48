#include "base/regex.h"

#include <regex.h>
#include <string.h>

struct regex {
	regex_t re;
};

int
regex_new(const char *pattern, struct regex **ret, struct err *e)
{
	struct regex *r = calloc(1, sizeof(*r));
	char why[128];
	int status;

	if (r == NULL)
		return err_nomem(e);
	status = regcomp(&r->re, pattern, REG_EXTENDED);
	if (status != 0) {
		(void)regerror(status, &r->re, why, sizeof(why));
		free(r);
		return err_set(e, ERR_USAGE, "'%s' is not a regular expression: %s", pattern, why);
	}
	*ret = r;
	return 0;
}

void
regex_free(struct regex **r)
{
	if (*r == NULL)
		return;
	regfree(&(*r)->re);
	free(*r);
	*r = NULL;
}

bool
regex_match(const struct regex *r, const char *text)
{
	regmatch_t m;

	/* the leftmost match is the longest one from there (POSIX), so if the
	 * whole text matches at all, this is it */
	return regexec(&r->re, text, 1, &m, 0) == 0 && m.rm_so == 0 &&
	       (size_t)m.rm_eo == strlen(text);
}
