#include "trust/root.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/jsn.h"

#define MEDIA_TYPE "application/vnd.dev.sigstore.trustedroot+json;version="

static void
clear_log(struct root_log *log)
{
	free(log->host);
	buf_clear(&log->der);
	spki_free(&log->key);
}

void
root_free(struct root **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < ROOT_LOGS_MAX; i++) {
		clear_log(&(*r)->logs[i]);
		clear_log(&(*r)->ctlogs[i]);
	}
	for (size_t i = 0; i < ROOT_AUTHORITY_MAX; i++) {
		authority_clear(&(*r)->cas[i]);
		authority_clear(&(*r)->tsas[i]);
	}
	free(*r);
	*r = NULL;
}

static int
parse_time(const struct json_t *range, const char *key, int64_t *ret_ms, struct err *e)
{
	const char *text = jsn_str(range, key);

	if (jsn_is_null(jsn_get(range, key)))
		return 0;
	if (text == NULL || !period_parse_time(view_of(text), ret_ms))
		return err_set(e, ERR_CONFIG, "validFor.%s is not a time", key);
	return 0;
}

/* A missing end is open.  A missing start is open only for authorities,
 * whose certificates have their own. */
static int
parse_period(const struct json_t *range, bool need_start, struct period *ret, struct err *e)
{
	struct period p = PERIOD_OPEN;

	if (need_start && jsn_is_null(jsn_get(range, "start")))
		return err_set(e, ERR_CONFIG, "validFor has no start");
	if (parse_time(range, "start", &p.start_ms, e) < 0 ||
	    parse_time(range, "end", &p.end_ms, e) < 0)
		return -1;
	*ret = p;
	return 0;
}

static int
decode(const struct json_t *v, const char *path, struct buf *ret, struct err *e)
{
	const char *text;

	if (jsn_need_str(v, path, "entry", &text, e) < 0 ||
	    base64_decode(view_of(text), path, ret, e) < 0) {
		if (e != NULL)
			e->code = ERR_CONFIG;
		return -1;
	}
	return 0;
}

static char *
host_of(const char *url)
{
	struct view v = view_of(url), head;
	const char *at = strstr(url, "://");

	if (at != NULL)
		v = view_of(at + 3);
	if (view_cut(&v, '/', &head))
		v = head;
	return view_dup(v);
}

/* Names a key that cannot be used at all. */
static void
parse_details(const struct json_t *v, struct root_log *log)
{
	const char *details = jsn_str_or(v, "publicKey.keyDetails", "");
	const char *hash = jsn_str_or(v, "hashAlgorithm", "SHA2_256");

	log->is_pkcs1 = strncmp(details, "PKCS1_", 6) == 0;
	if (strstr(details, "ED25519_PH") != NULL)
		(void)snprintf(log->why, sizeof(log->why), "Ed25519ph is not supported");
	else if (strcmp(hash, "SHA2_256") != 0)
		(void)snprintf(log->why, sizeof(log->why), "its hash is '%.40s'", hash);
}

static int
parse_log(const struct json_t *v, struct root_log *log, struct err *e)
{
	AUTO_BUF
	struct buf id = BUF_INIT(ROOT_LOG_ID_MAX);

	log->der = BUF_INIT(64U << 10);
	if (decode(v, "publicKey.rawBytes", &log->der, e) < 0 ||
	    decode(v, "logId.keyId", &id, e) < 0)
		return -1;
	if (id.len < 4)
		return err_set(e, ERR_CONFIG, "logId.keyId has only %zu bytes", id.len);
	memcpy(log->id, id.data, id.len);
	log->id_len = id.len;
	log->host = host_of(jsn_str_or(v, "baseUrl", ""));
	if (log->host == NULL)
		return err_nomem(e);
	if (parse_period(jsn_get(v, "publicKey.validFor"), true, &log->period, e) < 0)
		return -1;
	parse_details(v, log);
	return 0;
}

static int
parse_authority(const struct json_t *v, struct authority *a, struct err *e)
{
	const struct json_t *certs = jsn_get(v, "certChain.certificates");

	if (jsn_len(certs) == 0)
		return err_set(e, ERR_CONFIG, "no certificates");
	for (size_t i = 0; i < jsn_len(certs); i++) {
		AUTO_BUF
		struct buf der = BUF_INIT(CERT_DER_MAX);

		if (decode(jsn_at(certs, i), "rawBytes", &der, e) < 0)
			return -1;
		if (authority_add(a, view_buf(&der), e) < 0) {
			if (e != NULL && e->code == ERR_DATA)
				e->code = ERR_CONFIG;
			return err_wrap(e, "certificate %zu", i + 1);
		}
	}
	return parse_period(jsn_get(v, "validFor"), false, &a->period, e);
}

static int
parse_logs(const struct json_t *list, const char *name, struct root_log *logs, size_t *n,
	   struct err *e)
{
	if (jsn_len(list) > ROOT_LOGS_MAX)
		return err_set(e, ERR_CONFIG, "more than %d %s", ROOT_LOGS_MAX, name);
	for (*n = 0; *n < jsn_len(list); (*n)++)
		if (parse_log(jsn_at(list, *n), &logs[*n], e) < 0)
			return err_wrap(e, "%s %zu", name, *n + 1);
	return 0;
}

static int
parse_authorities(const struct json_t *list, const char *name, struct authority *as, size_t *n,
		  struct err *e)
{
	if (jsn_len(list) > ROOT_AUTHORITY_MAX)
		return err_set(e, ERR_CONFIG, "more than %d %s", ROOT_AUTHORITY_MAX, name);
	for (*n = 0; *n < jsn_len(list); (*n)++)
		if (parse_authority(jsn_at(list, *n), &as[*n], e) < 0)
			return err_wrap(e, "%s %zu", name, *n + 1);
	return 0;
}

static int
parse(const struct json_t *v, struct root *r, struct err *e)
{
	const char *type = jsn_str_or(v, "mediaType", "");

	if (strcmp(type, MEDIA_TYPE "0.1") != 0 && strcmp(type, MEDIA_TYPE "0.2") != 0)
		return err_set(e, ERR_CONFIG, "not a trusted root, its media type is '%.100s'",
			       type);
	if (parse_logs(jsn_get(v, "tlogs"), "tlogs", r->logs, &r->n_logs, e) < 0 ||
	    parse_logs(jsn_get(v, "ctlogs"), "ctlogs", r->ctlogs, &r->n_ctlogs, e) < 0)
		return -1;
	if (parse_authorities(jsn_get(v, "certificateAuthorities"), "certificateAuthorities",
			      r->cas, &r->n_cas, e) < 0)
		return -1;
	return parse_authorities(jsn_get(v, "timestampAuthorities"), "timestampAuthorities",
				 r->tsas, &r->n_tsas, e);
}

int
root_parse(struct view text, const char *name, struct root **ret, struct err *e)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_ROOT struct root *r = NULL;

	if (text.n > ROOT_TEXT_MAX)
		return err_set(e, ERR_CONFIG, "'%s' is larger than %u bytes", name, ROOT_TEXT_MAX);
	v = jsn_parse(text, name, e);
	if (v == NULL) {
		if (e != NULL && e->code == ERR_DATA)
			e->code = ERR_CONFIG;
		return -1;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_nomem(e);
	if (parse(v, r, e) < 0)
		return err_wrap(e, "'%s'", name);
	*ret = TAKE_PTR(r);
	return 0;
}

static struct root_log *
find(struct root_log *logs, size_t n, struct view id, size_t i)
{
	for (size_t at = 0; at < n; at++)
		if (logs[at].id_len == id.n && memcmp(logs[at].id, id.p, id.n) == 0 && i-- == 0)
			return &logs[at];
	return NULL;
}

struct root_log *
root_log(struct root *r, struct view id, size_t i)
{
	return find(r->logs, r->n_logs, id, i);
}

struct root_log *
root_ctlog(struct root *r, struct view id, size_t i)
{
	return find(r->ctlogs, r->n_ctlogs, id, i);
}

static int
read_key(struct root_log *log, struct err *e)
{
	if (log->why[0] != '\0')
		return err_set(e, ERR_CONFIG, "%s", log->why);
	if (log->key != NULL)
		return 0;
	return log->is_pkcs1 ? spki_from_pkcs1(view_buf(&log->der), &log->key, e)
			     : spki_from_der(view_buf(&log->der), &log->key, e);
}

int
root_log_key(struct root_log *log, const struct spki **ret, struct err *e)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int status;

	(void)pthread_mutex_lock(&lock);
	status = read_key(log, e);
	(void)pthread_mutex_unlock(&lock);
	if (status < 0) {
		if (e != NULL && e->code == ERR_DATA)
			e->code = ERR_CONFIG;
		return err_wrap(e, "the key of the log '%s'", log->host);
	}
	*ret = log->key;
	return 0;
}
