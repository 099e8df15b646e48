#include "trust/sct.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SCT_DATA_MAX   (CERT_DER_MAX + 65536U + 64U)
#define LOG_ID_LEN     32
#define VERSION_1      0
#define HASH_ID_SHA256 4
#define SIGN_ID_RSA    1
#define SIGN_ID_ECDSA  3

static bool
cut_number(struct view *rest, size_t bytes, uint64_t *ret)
{
	uint64_t v = 0;

	if (rest->n < bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)rest->p[i];
	rest->p += bytes;
	rest->n -= bytes;
	*ret = v;
	return true;
}

static bool
cut_bytes(struct view *rest, size_t n, struct view *ret)
{
	if (rest->n < n)
		return false;
	*ret = (struct view){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return true;
}

/* Two bytes of length and so many bytes. */
static bool
cut_short(struct view *rest, struct view *ret)
{
	uint64_t n;

	return cut_number(rest, 2, &n) && cut_bytes(rest, n, ret);
}

static bool
parse_one(struct view v, struct sct *ret)
{
	uint64_t version, hash, sign;

	return cut_number(&v, 1, &version) && version == VERSION_1 &&
	       cut_bytes(&v, LOG_ID_LEN, &ret->log_id) && cut_number(&v, 8, &ret->ms) &&
	       ret->ms <= INT64_MAX && cut_short(&v, &ret->extensions) &&
	       cut_number(&v, 1, &hash) && hash == HASH_ID_SHA256 && cut_number(&v, 1, &sign) &&
	       (sign == SIGN_ID_ECDSA || sign == SIGN_ID_RSA) && cut_short(&v, &ret->signature) &&
	       v.n == 0;
}

int
sct_parse_list(struct view list, struct sct ret[SCT_LIST_MAX], size_t *ret_n, struct err *e)
{
	struct view body, one;
	size_t n = 0;

	if (!cut_short(&list, &body) || list.n != 0)
		return err_set(e, ERR_DATA, "a list of certificate timestamps of a wrong length");
	for (; body.n > 0; n++) {
		if (n == SCT_LIST_MAX)
			return err_set(e, ERR_DATA, "more than %d certificate timestamps",
				       SCT_LIST_MAX);
		if (!cut_short(&body, &one) || !parse_one(one, &ret[n]))
			return err_set(e, ERR_DATA, "certificate timestamp %zu cannot be read",
				       n + 1);
	}
	*ret_n = n;
	return 0;
}

struct element {
	struct view whole, inside;
	int tag, class;
};

/* The next ASN.1 element of a DER text that OpenSSL has parsed before. */
static bool
cut_element(struct view *rest, struct element *ret)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	long n;

	if (rest->n == 0 || ASN1_get_object(&p, &n, &ret->tag, &ret->class, (long)rest->n) & 0x81)
		return false;
	ret->inside = (struct view){ (const char *)p, (size_t)n };
	return cut_bytes(rest, (size_t)((const char *)p - rest->p) + (size_t)n, &ret->whole);
}

static void
add_element(struct buf *b, int tag, int class, struct view inside)
{
	unsigned char head[16], *p = head;

	ASN1_put_object(&p, 1, (int)inside.n, tag, class);
	buf_add(b, head, (size_t)(p - head));
	buf_add(b, inside.p, inside.n);
}

static bool
is_list(struct view extension)
{
	struct element id;

	/* 1.3.6.1.4.1.11129.2.4.2 */
	return cut_element(&extension, &id) && id.tag == V_ASN1_OBJECT &&
	       view_eq(id.inside, "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02");
}

/* Append the extensions, [3] { SEQUENCE { … } }, without the timestamps. */
static bool
add_extensions(struct buf *b, struct view inside)
{
	AUTO_BUF
	struct buf kept = BUF_INIT(CERT_DER_MAX);
	AUTO_BUF
	struct buf list = BUF_INIT(CERT_DER_MAX);
	struct element all, one;

	if (!cut_element(&inside, &all) || inside.n != 0)
		return false;
	while (all.inside.n > 0) {
		if (!cut_element(&all.inside, &one))
			return false;
		if (!is_list(one.inside))
			buf_add(&kept, one.whole.p, one.whole.n);
	}
	add_element(&list, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, view_buf(&kept));
	add_element(b, 3, V_ASN1_CONTEXT_SPECIFIC, view_buf(&list));
	return buf_ok(&kept, "", NULL) == 0 && buf_ok(&list, "", NULL) == 0;
}

/* The certificate as the log saw it: without the timestamps, every other byte
 * as it is. */
static int
precertificate(const struct cert *leaf, struct buf *ret, struct err *e)
{
	AUTO_BUF
	struct buf fields = BUF_INIT(CERT_DER_MAX);
	struct view der = cert_der(leaf);
	struct element outer, tbs, field;
	bool ok = cut_element(&der, &outer) && cut_element(&outer.inside, &tbs);

	while (ok && tbs.inside.n > 0) {
		ok = cut_element(&tbs.inside, &field);
		if (ok && field.class == V_ASN1_CONTEXT_SPECIFIC && field.tag == 3)
			ok = add_extensions(&fields, field.inside);
		else if (ok)
			buf_add(&fields, field.whole.p, field.whole.n);
	}
	if (!ok || buf_ok(&fields, "", NULL) < 0) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "the certificate cannot be taken apart");
	}
	add_element(ret, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, view_buf(&fields));
	return buf_ok(ret, "certificate", e);
}

static void
add_number(struct buf *b, uint64_t v, size_t bytes)
{
	while (bytes-- > 0)
		buf_addc(b, (char)(v >> 8 * bytes & 0xff));
}

static int
signed_data(const struct sct *s, const struct cert *leaf, const struct cert *issuer,
	    struct buf *ret, struct err *e)
{
	AUTO_BUF
	struct buf tbs = BUF_INIT(CERT_DER_MAX);
	struct hash issuer_hash;

	if (hash_of(HASH_SHA256, spki_der(cert_key(issuer)), &issuer_hash, e) < 0 ||
	    precertificate(leaf, &tbs, e) < 0)
		return -1;
	add_number(ret, VERSION_1, 1);
	add_number(ret, 0, 1); /* certificate_timestamp */
	add_number(ret, s->ms, 8);
	add_number(ret, 1, 2); /* precert_entry */
	buf_add(ret, issuer_hash.raw, issuer_hash.n);
	add_number(ret, tbs.len, 3);
	buf_add(ret, tbs.data, tbs.len);
	add_number(ret, s->extensions.n, 2);
	buf_add(ret, s->extensions.p, s->extensions.n);
	return buf_ok(ret, "certificate timestamp", e);
}

/* 1 good, 0 not of a log that could have made it, -1 bad. */
static int
check_one(const struct sct *s, const struct cert *leaf, const struct cert *issuer,
	  struct root *root, struct err *e)
{
	AUTO_BUF
	struct buf data = BUF_INIT(SCT_DATA_MAX);
	struct root_log *log;
	const struct spki *key;
	bool asked = false;

	for (size_t i = 0; (log = root_ctlog(root, s->log_id, i)) != NULL; i++) {
		if (!period_has(log->period, (int64_t)s->ms))
			continue;
		if (root_log_key(log, &key, e) < 0)
			return -1;
		if (data.len == 0 && signed_data(s, leaf, issuer, &data, e) < 0)
			return -1;
		asked = true;
		if (spki_verify(key, view_buf(&data), s->signature, NULL) == 0)
			return 1;
	}
	if (asked)
		return err_set(e, ERR_NO, "a certificate timestamp (SCT) does not verify");
	return 0;
}

static int
read_extension(const struct cert *leaf, struct view *ret, ASN1_OCTET_STRING **keep, struct err *e)
{
	int at = X509_get_ext_by_NID(cert_x509(leaf), NID_ct_precert_scts, -1);
	const ASN1_OCTET_STRING *outer;
	const unsigned char *p;
	long n;

	if (at < 0)
		return err_set(e, ERR_NO, "the certificate has no embedded timestamp (SCT)");
	outer = X509_EXTENSION_get_data(X509_get_ext(cert_x509(leaf), at));
	p = ASN1_STRING_get0_data(outer);
	n = ASN1_STRING_length(outer);
	*keep = d2i_ASN1_OCTET_STRING(NULL, &p, n);
	if (*keep == NULL || p != ASN1_STRING_get0_data(outer) + n) {
		ERR_clear_error();
		return err_set(e, ERR_DATA, "the list of certificate timestamps cannot be read");
	}
	*ret = (struct view){ (const char *)ASN1_STRING_get0_data(*keep),
			      (size_t)ASN1_STRING_length(*keep) };
	return 0;
}

static bool
seen_log(const struct sct *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(s[i].log_id.p, s[n].log_id.p, LOG_ID_LEN) == 0)
			return true;
	return false;
}

static int
check_list(struct view list, const struct cert *leaf, const struct cert *issuer, struct root *root,
	   size_t need, struct err *e)
{
	struct sct s[SCT_LIST_MAX];
	size_t n, good = 0;

	if (sct_parse_list(list, s, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int status = check_one(&s[i], leaf, issuer, root, e);

		if (status < 0)
			return -1;
		if (status > 0 && !seen_log(s, i))
			good++;
	}
	if (good < need)
		return err_set(e, ERR_NO,
			       "%zu of %zu certificate timestamps (SCT) are of a trusted log, "
			       "%zu needed",
			       good, n, need);
	return 0;
}

int
sct_check(const struct cert *leaf, const struct cert *issuer, struct root *root, size_t need,
	  struct err *e)
{
	ASN1_OCTET_STRING *keep = NULL;
	struct view list;
	int status;

	if (read_extension(leaf, &list, &keep, e) < 0)
		status = -1;
	else
		status = check_list(list, leaf, issuer, root, need, e);
	ASN1_OCTET_STRING_free(keep);
	return status;
}
