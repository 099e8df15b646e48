#include "trust/tlog.h"

#include "base/base64.h"
#include "trust/checkpoint.h"
#include "trust/merkle.h"

#define PROMISED_MAX (2 * BUNDLE_BODY_MAX)

void
tlog_promised(const struct bundle_entry *t, struct buf *ret)
{
	buf_adds(ret, "{\"body\":\"");
	base64_encode(view_buf(&t->body), ret);
	buf_addf(ret, "\",\"integratedTime\":%lld,\"logID\":\"", (long long)t->integrated_s);
	for (size_t i = 0; i < t->log_id_len; i++)
		buf_addf(ret, "%02x", (unsigned char)t->log_id[i]);
	buf_addf(ret, "\",\"logIndex\":%lld}", (long long)t->index);
}

static int
check_promise(const struct bundle_entry *t, struct root_log *log, struct err *e)
{
	AUTO_BUF
	struct buf text = BUF_INIT(PROMISED_MAX);
	const struct spki *key;

	tlog_promised(t, &text);
	if (buf_ok(&text, "promise", e) < 0 || root_log_key(log, &key, e) < 0)
		return -1;
	if (spki_verify(key, view_buf(&text), view_buf(&t->promise), e) < 0)
		return err_wrap(e, "the log's promise (SET)");
	return 0;
}

static int
check_checkpoint(const struct bundle_proof *p, struct root_log *log, bool v2, struct err *e)
{
	struct checkpoint c;

	if (checkpoint_parse(view_of(p->checkpoint), &c, e) < 0 ||
	    checkpoint_check(&c, log, v2 ? CHECKPOINT_REKOR_V2 : CHECKPOINT_REKOR_V1, e) < 0)
		return -1;
	if (c.size != p->size)
		return err_set(e, ERR_NO, "the checkpoint is of another size of the log");
	if (!hash_equal(&c.root, &p->root))
		return err_set(e, ERR_NO, "the checkpoint has another root hash");
	return 0;
}

static int
check_proof(const struct bundle_entry *t, struct root_log *log, bool v2, struct err *e)
{
	const struct bundle_proof *p = &t->proof;
	struct hash leaf;

	if (v2 && p->index != t->index)
		return err_set(e, ERR_NO, "the inclusion proof is of another entry");
	if (merkle_leaf(view_buf(&t->body), &leaf, e) < 0 ||
	    merkle_check(&leaf, p->index, p->size, p->path, p->n, &p->root, e) < 0)
		return -1;
	return p->checkpoint != NULL ? check_checkpoint(p, log, v2, e) : 0;
}

static bool
in_use(struct root_log *log, const struct bundle_entry *t, const int64_t *times, size_t n)
{
	if (t->promise.len > 0)
		return period_has(log->period, t->integrated_s * 1000);
	for (size_t i = 0; i < n; i++)
		if (period_has(log->period, times[i]))
			return true;
	return n == 0;
}

static int
check_log(const struct bundle_entry *t, struct root_log *log, bool v2, struct err *e)
{
	if (t->promise.len > 0 && check_promise(t, log, e) < 0)
		return -1;
	return t->proof.given ? check_proof(t, log, v2, e) : 0;
}

static int
check_shape(const struct bundle_entry *t, bool v2, struct err *e)
{
	if (v2 && t->promise.len > 0)
		return err_set(e, ERR_NO, "an entry of Rekor v2 with a promise (SET)");
	if (t->promise.len > 0 && t->integrated_s == 0)
		return err_set(e, ERR_NO, "a promise (SET) without a time");
	if (t->promise.len == 0 && (!t->proof.given || t->proof.checkpoint == NULL))
		return err_set(e, ERR_NO, "neither a promise (SET) nor a proof with a checkpoint");
	return 0;
}

int
tlog_check(const struct bundle_entry *t, struct root *root, const struct body_want *want,
	   const int64_t *times, size_t n_times, int64_t *ret_ms, struct err *e)
{
	struct view id = { t->log_id, t->log_id_len };
	bool v2 = body_is_v2(t->kind, t->version), known = false;
	struct root_log *log;

	if (check_shape(t, v2, e) < 0 ||
	    body_check(view_buf(&t->body), t->kind, t->version, want, e) < 0)
		return -1;
	for (size_t i = 0; (log = root_log(root, id, i)) != NULL; i++) {
		known = true;
		if (!in_use(log, t, times, n_times))
			continue;
		if (check_log(t, log, v2, e) < 0)
			return -1;
		*ret_ms = t->promise.len > 0 ? t->integrated_s * 1000 : TLOG_NO_TIME;
		return 0;
	}
	return known ? err_set(e, ERR_NO, "the log was not in use then")
		     : err_set(e, ERR_NO, "the trusted root does not know the log");
}
