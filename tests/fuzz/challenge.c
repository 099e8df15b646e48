#include <stdint.h>
#include <string.h>

#include "oci/auth.h"
#include "oci/auth_scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A WWW-Authenticate, and its scope put together with ours, which stays. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_BUF struct buf scopes = BUF_INIT(4 * AUTH_SCOPE_MAX);
	AUTO_FREE char *repo = NULL;
	struct auth_challenge c = { 0 };

	if (auth_parse((struct view){ (const char *)p, n }, &c, NULL) < 0)
		return 0;
	if (auth_scope_merge(c.scope, "repository:a:pull,push repository:b:pull", &scopes, NULL) <
		    0 ||
	    strstr(buf_cstr(&scopes), "repository:a:") == NULL ||
	    auth_scope_repo(buf_cstr(&scopes), &repo, NULL) < 0)
		abort();
	return 0;
}
