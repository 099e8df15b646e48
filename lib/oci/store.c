#include "oci/store.h"

#include <stdlib.h>

static int
cannot(const struct store *s, const char *what, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' cannot %s", s->name, what);
}

void
store_close(struct store **s)
{
	if (*s != NULL)
		(*s)->ops->close(*s);
	*s = NULL;
}

void
store_stream_close(struct store_stream **b)
{
	if (*b != NULL)
		(*b)->close(*b);
	*b = NULL;
}

int
store_again(struct store *s, struct store **ret, struct err *e)
{
	if (s->ops->again == NULL)
		return cannot(s, "be opened twice", e);
	return s->ops->again(s, ret, e);
}

int
store_finish(struct store *s, struct err *e)
{
	return s->ops->finish == NULL ? 0 : s->ops->finish(s, e);
}

int
store_tags(struct store *s, char ***ret, size_t *n, struct err *e)
{
	if (s->ops->tags == NULL)
		return cannot(s, "list its tags", e);
	return s->ops->tags(s, ret, n, e);
}

int
store_resolve(struct store *s, const char *what, struct descriptor *ret, struct err *e)
{
	if (s->ops->resolve == NULL)
		return cannot(s, "be read", e);
	return s->ops->resolve(s, what, ret, e);
}

int
store_manifest(struct store *s, const char *what, struct manifest *ret, struct err *e)
{
	if (s->ops->manifest == NULL)
		return cannot(s, "be read", e);
	return s->ops->manifest(s, what, ret, e);
}

int
store_blob(struct store *s, const struct descriptor *d, size_t max, struct buf *ret, struct err *e)
{
	if (s->ops->blob == NULL)
		return cannot(s, "be read", e);
	return s->ops->blob(s, d, max, ret, e);
}

int
store_open_blob(struct store *s, const struct digest *d, int64_t from, struct store_stream **ret,
		struct err *e)
{
	if (s->ops->open_blob == NULL)
		return cannot(s, "be read", e);
	return s->ops->open_blob(s, d, from, ret, e);
}

int
store_referrers(struct store *s, const struct digest *subject, struct descriptor **ret, size_t *n,
		struct err *e)
{
	*ret = NULL;
	*n = 0;
	return s->ops->referrers == NULL ? 0 : s->ops->referrers(s, subject, ret, n, e);
}

int
store_has_manifest(struct store *s, const struct digest *d, struct err *e)
{
	return s->ops->has_manifest == NULL ? 0 : s->ops->has_manifest(s, d, e);
}

int
store_has_blob(struct store *s, const struct digest *d, struct err *e)
{
	return s->ops->has_blob == NULL ? 0 : s->ops->has_blob(s, d, e);
}

int
store_put_blob(struct store *s, const struct descriptor *d, const struct store_feed *feed,
	       struct err *e)
{
	if (s->ops->put_blob == NULL)
		return cannot(s, "be written", e);
	return s->ops->put_blob(s, d, feed, e);
}

int
store_mount(struct store *s, const struct digest *d, const char *repo, struct err *e)
{
	return s->ops->mount == NULL ? 0 : s->ops->mount(s, d, repo, e);
}

int
store_put_manifest(struct store *s, const char *what, const struct manifest *m, struct err *e)
{
	if (s->ops->put_manifest == NULL)
		return cannot(s, "be written", e);
	return s->ops->put_manifest(s, what, m, e);
}

int
store_remove(struct store *s, const char *what, struct err *e)
{
	if (s->ops->remove == NULL)
		return cannot(s, "remove anything", e);
	return s->ops->remove(s, what, e);
}
