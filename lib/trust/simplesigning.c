#include "trust/simplesigning.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"

#define TYPE "cosign container image signature"

/* Every member of v is one of the names. */
static int
only(const struct json_t *v, const char *what, const char *const *names, struct err *e)
{
	if (!jsn_is_object(v))
		return err_set(e, ERR_DATA, "payload: '%s' is not an object", what);
	for (void *it = jsn_first(v); it != NULL; it = jsn_next(v, it)) {
		const char *const *p = names;

		while (*p != NULL && strcmp(*p, jsn_key(it)) != 0)
			p++;
		if (*p == NULL)
			return err_set(e, ERR_DATA, "payload: '%s' has an unknown member '%s'",
				       what, jsn_key(it));
	}
	return 0;
}

static int
check_shape(const struct json_t *v, struct err *e)
{
	static const char *const top[] = { "critical", "optional", NULL },
				 *const critical[] = { "identity", "image", "type", NULL },
				 *const identity[] = { "docker-reference", NULL },
				 *const image[] = { "docker-manifest-digest", NULL };
	const struct json_t *optional = jsn_at_key(v, "optional");

	if (only(v, "payload", top, e) < 0 ||
	    only(jsn_get(v, "critical"), "critical", critical, e) < 0 ||
	    only(jsn_get(v, "critical.identity"), "identity", identity, e) < 0 ||
	    only(jsn_get(v, "critical.image"), "image", image, e) < 0)
		return -1;
	if (!jsn_is_null(optional) && !jsn_is_object(optional))
		return err_set(e, ERR_DATA, "payload: 'optional' is not an object");
	return 0;
}

int
simplesigning_parse(struct view payload, struct simplesigning *ret, struct err *e)
{
	AUTO_JSN struct json_t *v = jsn_parse(payload, "payload", e);
	const char *type, *reference, *digest;
	struct simplesigning s = { 0 };

	if (v == NULL || check_shape(v, e) < 0)
		return -1;
	if (jsn_need_str(v, "critical.type", "payload", &type, e) < 0 ||
	    jsn_need_str(v, "critical.identity.docker-reference", "payload", &reference, e) < 0 ||
	    jsn_need_str(v, "critical.image.docker-manifest-digest", "payload", &digest, e) < 0)
		return -1;
	if (strcmp(type, TYPE) != 0)
		return err_set(e, ERR_DATA, "payload: its type is '%.64s', not '%s'", type, TYPE);
	if (digest_parse(view_of(digest), &s.digest, e) < 0)
		return err_wrap(e, "payload");
	if (snprintf(s.reference, sizeof(s.reference), "%s", reference) >= (int)sizeof(s.reference))
		return err_set(e, ERR_DATA, "payload: its docker-reference is too long");
	*ret = s;
	return 0;
}

int
simplesigning_covers(struct view payload, const struct digest *image, struct err *e)
{
	struct simplesigning s;

	if (simplesigning_parse(payload, &s, e) < 0)
		return -1;
	if (!digest_equal(&s.digest, image))
		return err_set(e, ERR_NO, "made for '%s'", s.digest.str);
	return 0;
}
