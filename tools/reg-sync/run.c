#include "run.h"

#include <stdio.h>
#include <string.h>

#include "base/jsn.h"
#include "base/log.h"
#include "base/progress.h"
#include "oci/sync.h"

#define LINE_MAX_BYTES 4096
#define BLOB_TIMEOUTS  1 /* idle time counts, not the whole of a blob */

/* --- records ---------------------------------------------------------- */

static void
print_ref(const struct run *o, const struct ref *r)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *text = NULL;
	char name[REF_STR_MAX];

	ref_print(r, name);
	if (!o->cli.json) {
		(void)printf("%s\n", name);
		return;
	}
	v = jsn_object();
	jsn_set_str(v, "ref", name);
	jsn_set_str(v, "tag", r->tag);
	jsn_set_str(v, "digest", r->digest.str);
	text = jsn_dump(v);
	(void)printf("%s\n", text != NULL ? text : "{}");
}

/* A server's words must not become a record of their own. */
static void
print_words(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == 0x7f)
			(void)printf("\\x%02x", c);
		else
			(void)putchar(c);
	}
}

static void
print_result(const struct run *o, const char *result, const char *ref, const char *reason)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *text = NULL;

	progress_hide();
	if (!o->cli.json) {
		(void)printf("%s ", result);
		print_words(ref);
		if (reason != NULL) {
			(void)putchar(' ');
			print_words(reason);
		}
		(void)putchar('\n');
	} else {
		v = jsn_object();
		jsn_set_str(v, "result", result);
		jsn_set_str(v, "ref", ref);
		if (reason != NULL)
			jsn_set_str(v, "reason", reason);
		text = jsn_dump(v);
		(void)printf("%s\n", text != NULL ? text : "{}");
	}
	(void)fflush(stdout);
	progress_show();
}

/* The exit status of several references: what needs a person wins, then what
 * is settled, then what may work later. */
static int
worse(int status, const struct err *e)
{
	static const int order[] = { 78, 71, 7, 1, 75 };
	int now = err_exit(e);

	for (size_t i = 0; i < COUNT_OF(order); i++)
		if (status == order[i] || now == order[i])
			return order[i];
	return status;
}

/* --- both ends -------------------------------------------------------- */

static int
open_end(const struct run *o, const struct ref *r, const char *ca, struct registry **ret,
	 struct err *e)
{
	struct registry_opts opts = {
		.http = { .ca_file = ca,
			  .connect_ms = o->timeout_ms,
			  .idle_ms = o->timeout_ms,
			  .retries = (int)o->retries,
			  .stop = &cli_stopped },
		.auth = &o->auth,
		.plain_http = o->plain_http,
	};

	if (registry_open(ref_host(r), &opts, ret, e) < 0)
		return -1;
	log_debug("registry '%s' answers", registry_host(*ret));
	return 0;
}

/* HOST/REPO, or HOST alone: then every image keeps its repository's name. */
static int
parse_dest(const char *dest, struct ref *ret, struct err *e)
{
	AUTO_BUF struct buf full = BUF_INIT(2 * REF_PART_MAX);

	if (strchr(dest, '/') != NULL) {
		if (ref_parse(view_of(dest), ret, e) < 0)
			return -1;
		if (ret->tag[0] != '\0' || digest_is_set(&ret->digest))
			return err_set(e, ERR_USAGE, "'%s': a destination is HOST or HOST/REPO",
				       dest);
		return 0;
	}
	/* a name is needed only to have the host checked */
	buf_addf(&full, "%s/x", dest);
	if (ref_parse(view_buf(&full), ret, e) < 0 || strcmp(ret->host, dest) != 0)
		return err_set(e, ERR_USAGE, "'%s': a destination is HOST or HOST/REPO", dest);
	ret->repo[0] = '\0';
	return 0;
}

/* --- listing ---------------------------------------------------------- */

static bool
any_match(struct tags_pattern *const *all, size_t n, const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (tags_match(all[i], tag))
			return true;
	return false;
}

static bool
is_wanted(const struct run *o, const char *tag)
{
	return !tags_is_referrer(tag) && (o->ntags == 0 || any_match(o->tags, o->ntags, tag)) &&
	       !any_match(o->exclude, o->nexclude, tag);
}

/* Newest first; those that are not wanted are gone. */
static size_t
choose(const struct run *o, char **tags, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_wanted(o, tags[i]))
			tags[kept++] = tags[i];
		else
			free(tags[i]);
	}
	tags_sort(tags, kept);
	while (o->newest > 0 && kept > (size_t)o->newest)
		free(tags[--kept]);
	return kept;
}

typedef int each_fn(void *arg, struct registry *src, const struct ref *r);

/* Every reference that SOURCE and the options mean, oldest first, with its
 * digest of now. */
static int
each_source(const struct run *o, const char *source, each_fn *fn, void *arg)
{
	AUTO_REGISTRY struct registry *src = NULL;
	struct err e = { 0 };
	struct ref r;
	char **tags = NULL;
	size_t n = 0;
	int status = 0;

	if (ref_parse(view_of(source), &r, &e) < 0 || open_end(o, &r, o->src_ca, &src, &e) < 0)
		return cli_fail(&e);
	if (r.tag[0] != '\0' || digest_is_set(&r.digest)) {
		if (!digest_is_set(&r.digest) &&
		    registry_resolve(src, r.repo, r.tag, &r.digest, &e) < 0)
			return cli_fail(&e);
		return fn(arg, src, &r);
	}
	if (registry_tags(src, r.repo, &tags, &n, &e) < 0)
		return cli_fail(&e);
	n = choose(o, tags, n);
	for (size_t i = n; i-- > 0 && !cli_stopped;) {
		(void)snprintf(r.tag, sizeof(r.tag), "%s", tags[i]);
		if (registry_resolve(src, r.repo, r.tag, &r.digest, &e) < 0) {
			/* deleted between the list and now */
			if (e.code == ERR_NOTFOUND)
				continue;
			status = cli_fail(&e);
			break;
		}
		status = fn(arg, src, &r);
		if (status != 0 && status != 1)
			break;
	}
	registry_tags_free(tags, n);
	if (status == 0 && cli_stopped) {
		log_error("stopped by a signal");
		return 75;
	}
	return status;
}

static int
list_one(void *arg, struct registry *src, const struct ref *r)
{
	(void)src;
	print_ref(arg, r);
	return 0;
}

int
run_list(const struct run *o, const char *source)
{
	struct run copy = *o;

	return each_source(o, source, list_one, &copy);
}

/* --- copying ---------------------------------------------------------- */

struct copying {
	const struct run *o;
	struct ref dest;
	struct registry *dst;
	struct progress_bar bar;
	int status;
	char away[REF_PART_MAX]; /* a source that did not answer is asked once */
	struct err why_away;
};

static void
moved(void *arg, int64_t bytes)
{
	progress_add(arg, bytes);
}

static int
open_dest(struct copying *c, const char *dest)
{
	struct err e = { 0 };

	if (parse_dest(dest, &c->dest, &e) < 0 ||
	    open_end(c->o, &c->dest, c->o->dst_ca, &c->dst, &e) < 0)
		return cli_fail(&e);
	return 0;
}

static int
copy_one(struct copying *c, struct registry *src, const struct ref *r)
{
	static const char *const words[] = { [SYNC_CURRENT] = "current", [SYNC_COPIED] = "copied" };
	struct ref to = c->dest;
	AUTO_STORE struct store *from = NULL;
	AUTO_STORE struct store *into = NULL;
	struct sync s = { .no_referrers = c->o->no_referrers,
			  .dry_run = c->o->dry_run,
			  .retries = (int)c->o->retries,
			  .moved = moved,
			  .arg = &c->bar };
	enum sync_result result;
	struct err e = { 0 };
	char name[REF_STR_MAX];
	int status;

	if (to.repo[0] == '\0')
		(void)snprintf(to.repo, sizeof(to.repo), "%s", r->repo);
	(void)snprintf(to.tag, sizeof(to.tag), "%s", r->tag);
	to.digest = r->digest;
	ref_print(&to, name);
	if (registry_store(src, r->repo, &from, &e) < 0 ||
	    registry_store(c->dst, to.repo, &into, &e) < 0)
		return cli_fail(&e);
	s.src = from;
	s.dst = into;
	progress_start(&c->bar, r->tag[0] != '\0' ? r->tag : r->digest.str, 0);
	status = sync_image(&s, &r->digest, r->tag, &result, &e);
	progress_end(&c->bar);
	if (status == 0) {
		print_result(c->o, words[result], name, NULL);
		return 0;
	}
	print_result(c->o, "failed", name, e.msg);
	c->status = worse(c->status, &e);
	return err_exit(&e);
}

static int
open_source(struct copying *c, const struct ref *r, struct registry **src, struct err *e)
{
	if (strcmp(c->away, r->host) == 0) {
		*e = c->why_away;
		return -1;
	}
	if (open_end(c->o, r, c->o->src_ca, src, e) == 0)
		return 0;
	(void)snprintf(c->away, sizeof(c->away), "%s", r->host);
	c->why_away = *e;
	return -1;
}

/* The source of one line; its session is kept while lines name one host. */
static int
copy_line(struct copying *c, const char *line, struct registry **src)
{
	struct err e = { 0 };
	struct ref r;

	if (ref_parse(view_of(line), &r, &e) == 0 && !digest_is_set(&r.digest))
		err_set(&e, ERR_USAGE, "'%s' has no digest", line);
	if (e.code != ERR_NONE) {
		print_result(c->o, "failed", line, e.msg);
		c->status = worse(c->status, &(struct err){ .code = ERR_DATA });
		return 0;
	}
	if (*src == NULL || strcmp(registry_host(*src), ref_host(&r)) != 0) {
		registry_close(src);
		if (open_source(c, &r, src, &e) < 0) {
			print_result(c->o, "failed", line, e.msg);
			c->status = worse(c->status, &e);
			return 0;
		}
	}
	(void)copy_one(c, *src, &r);
	return 0;
}

int
run_stdin(const struct run *o, const char *dest)
{
	AUTO_REGISTRY struct registry *src = NULL;
	AUTO_REGISTRY struct registry *dst = NULL;
	struct copying c = { .o = o };
	char line[LINE_MAX_BYTES];
	bool opened = false;

	while (!cli_stopped && fgets(line, sizeof(line), stdin) != NULL) {
		struct view v = view_trim(view_of(line));
		AUTO_FREE char *ref = NULL;

		if (strchr(line, '\n') == NULL && !feof(stdin)) {
			log_error("a line of standard input is longer than %d bytes",
				  LINE_MAX_BYTES - 2);
			return 1;
		}
		if (v.n == 0 || v.p[0] == '#')
			continue;
		/* nothing to copy needs no destination */
		if (!opened) {
			int status = open_dest(&c, dest);

			if (status != 0)
				return status;
			dst = c.dst;
			opened = true;
		}
		ref = view_dup(v);
		if (ref == NULL)
			return cli_fail(&(struct err){ .code = ERR_SYS, .msg = "out of memory" });
		(void)copy_line(&c, ref, &src);
	}
	if (ferror(stdin)) {
		log_error("read from standard input failed");
		return 71;
	}
	if (cli_stopped) {
		log_error("stopped by a signal");
		return 75;
	}
	return c.status;
}

static int
check(const struct copying *c, struct registry *src, const struct ref *r, struct err *e)
{
	AUTO_STORE struct store *s = NULL;
	const struct verify_policy *needs;

	if (policy_find(c->o->policy, r, &needs, e) < 0 || registry_store(src, r->repo, &s, e) < 0)
		return -1;
	return verify_image(s, &r->digest, needs, e);
}

static int
mirror_one(void *arg, struct registry *src, const struct ref *r)
{
	struct copying *c = arg;
	struct err e = { 0 };
	char name[REF_STR_MAX];
	int status;

	if (c->o->policy != NULL && check(c, src, r, &e) < 0) {
		ref_print(r, name);
		print_result(c->o, e.code == ERR_NO ? "refused" : "failed", name, e.msg);
		c->status = worse(c->status, &e);
		return 0;
	}
	status = copy_one(c, src, r);
	return status == 75 || status == 71 || status == 7 ? status : 0;
}

int
run_mirror(const struct run *o, const char *source, const char *dest)
{
	AUTO_REGISTRY struct registry *dst = NULL;
	struct copying c = { .o = o };
	int status = open_dest(&c, dest);

	if (status != 0)
		return status;
	dst = c.dst;
	status = each_source(o, source, mirror_one, &c);
	return status != 0 ? status : c.status;
}
