#include "trust/artifact.h"

#include <string.h>

void
artifact_from_bytes(struct view bytes, struct artifact *ret)
{
	*ret = (struct artifact){ .bytes = bytes };
	if (ret->bytes.p == NULL)
		ret->bytes = (struct view){ "", 0 };
}

void
artifact_from_hash(const struct hash *h, struct artifact *ret)
{
	*ret = (struct artifact){ 0 };
	if (h->alg != HASH_NONE)
		ret->known[h->alg - 1] = *h;
}

bool
artifact_from_digest(const char *digest, struct artifact *ret)
{
	struct view rest = view_of(digest), head;
	char name[16];
	struct hash h;

	if (!view_cut(&rest, ':', &head) || head.n >= sizeof(name))
		return false;
	memcpy(name, head.p, head.n);
	name[head.n] = '\0';
	if (strncmp(name, "sha", 3) != 0 || !hash_from_hex(hash_alg_named(name), rest, &h))
		return false;
	artifact_from_hash(&h, ret);
	return true;
}

bool
artifact_has_bytes(const struct artifact *a)
{
	return a->bytes.p != NULL;
}

int
artifact_hash(struct artifact *a, enum hash_alg alg, struct hash *ret, struct err *e)
{
	struct hash *slot;

	if (alg == HASH_NONE)
		return err_set(e, ERR_NO, "a hash algorithm that is not known");
	slot = &a->known[alg - 1];
	if (slot->alg == HASH_NONE) {
		if (!artifact_has_bytes(a))
			return err_set(e, ERR_NO,
				       "this signature needs the %s of the artifact; "
				       "give the file itself, not a digest",
				       hash_alg_name(alg));
		if (hash_of(alg, a->bytes, slot, e) < 0)
			return -1;
	}
	*ret = *slot;
	return 0;
}
