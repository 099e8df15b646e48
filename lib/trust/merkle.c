#include "trust/merkle.h"

static const struct view leaf_prefix = { "\0", 1 }, node_prefix = { "\1", 1 };

int
merkle_leaf(struct view entry, struct hash *ret, struct err *e)
{
	return hash_of_two(HASH_SHA256, leaf_prefix, entry, ret, e);
}

static int
node(const struct hash *left, const struct hash *right, struct hash *ret, struct err *e)
{
	AUTO_BUF
	struct buf b = BUF_INIT(2 * HASH_MAX);

	buf_add(&b, left->raw, left->n);
	buf_add(&b, right->raw, right->n);
	if (buf_ok(&b, "node", e) < 0)
		return -1;
	return hash_of_two(HASH_SHA256, node_prefix, view_buf(&b), ret, e);
}

int
merkle_check(const struct hash *leaf, int64_t index, int64_t size, const struct hash *path,
	     size_t n, const struct hash *root, struct err *e)
{
	uint64_t at, last;
	struct hash h = *leaf;

	if (index < 0 || index >= size)
		return err_set(e, ERR_NO, "the inclusion proof is for entry %lld of %lld",
			       (long long)index, (long long)size);
	at = (uint64_t)index;
	last = (uint64_t)size - 1;
	for (size_t i = 0; i < n; i++) {
		bool from_left = (at & 1) != 0 || at == last;

		if (last == 0)
			return err_set(e, ERR_NO, "the inclusion proof is too long");
		if ((from_left ? node(&path[i], &h, &h, e) : node(&h, &path[i], &h, e)) < 0)
			return -1;
		/* a right edge that has no sibling moves up until it has one */
		while (from_left && (at & 1) == 0 && at != 0) {
			at >>= 1;
			last >>= 1;
		}
		at >>= 1;
		last >>= 1;
	}
	if (last != 0)
		return err_set(e, ERR_NO, "the inclusion proof is too short");
	if (!hash_equal(&h, root))
		return err_set(e, ERR_NO, "the inclusion proof leads to another root hash");
	return 0;
}
