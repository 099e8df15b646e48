#include "trust/merkle.h"

#include "unit.h"

#define MOST 40

static struct hash leaves[MOST];

static struct hash
node(const struct hash *a, const struct hash *b)
{
	char both[65] = "\1";
	struct hash h;

	memcpy(both + 1, a->raw, 32);
	memcpy(both + 33, b->raw, 32);
	CHECK(hash_of(HASH_SHA256, (struct view){ both, 65 }, &h, NULL) == 0);
	return h;
}

/* RFC 6962, 2.1: the largest power of two below n goes left. */
static size_t
split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static struct hash
tree(size_t from, size_t n)
{
	struct hash a, b;

	if (n == 1)
		return leaves[from];
	a = tree(from, split(n));
	b = tree(from + split(n), n - split(n));
	return node(&a, &b);
}

static size_t
path(size_t m, size_t from, size_t n, struct hash *ret)
{
	size_t k, len;

	if (n == 1)
		return 0;
	k = split(n);
	len = m < k ? path(m, from, k, ret) : path(m - k, from + k, n - k, ret);
	ret[len] = m < k ? tree(from + k, n - k) : tree(from, k);
	return len + 1;
}

static void
plant(void)
{
	for (size_t i = 0; i < MOST; i++) {
		char name = (char)('a' + i);

		CHECK(merkle_leaf((struct view){ &name, 1 }, &leaves[i], NULL) == 0);
	}
}

static bool
holds(size_t index, size_t size, const struct hash *p, size_t n, const struct hash *root)
{
	return merkle_check(&leaves[index], (int64_t)index, (int64_t)size, p, n, root, NULL) == 0;
}

TEST(every_entry_of_every_small_tree_is_proven)
{
	plant();
	for (size_t size = 1; size <= MOST; size++) {
		struct hash root = tree(0, size), p[MOST];

		for (size_t i = 0; i < size; i++) {
			size_t n = path(i, 0, size, p);

			CHECK(holds(i, size, p, n, &root));
			/* and with nothing else */
			CHECK(n == 0 || !holds(i, size, p, n - 1, &root));
			p[n] = p[0];
			CHECK(!holds(i, size, p, n + 1, &root));
			for (size_t k = 0; k < n; k++) {
				p[k].raw[k] ^= 1;
				CHECK(!holds(i, size, p, n, &root));
				p[k].raw[k] ^= 1;
			}
			for (size_t k = 0; k < size; k++)
				CHECK(k == i || merkle_check(&leaves[i], (int64_t)k, (int64_t)size,
							     p, n, &root, NULL) < 0);
		}
	}
}

TEST(an_entry_outside_the_tree_is_refused)
{
	struct err e = { 0 };

	plant();
	CHECK(merkle_check(&leaves[0], 1, 1, NULL, 0, &leaves[0], &e) == -1);
	CHECK_STR(e.msg, "the inclusion proof is for entry 1 of 1");
	CHECK(merkle_check(&leaves[0], -1, 1, NULL, 0, &leaves[0], &e) == -1);
	CHECK(merkle_check(&leaves[0], 0, 0, NULL, 0, &leaves[0], &e) == -1);
	CHECK(merkle_check(&leaves[0], 0, INT64_MAX, leaves, 40, &leaves[0], &e) == -1);
	CHECK_STR(e.msg, "the inclusion proof is too short");
}

UNIT_MAIN
