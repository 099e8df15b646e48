#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pace.h"
#include "base/pool.h"
#include "ends.h"
#include "oci/sync.h"
#include "prune.h"
#include "records.h"

#define LINE_MAX_BYTES 4096
#define THREADS_A_JOB  2 /* while blobs move, small questions are asked */

/* One run.  Items are added by the main thread, worked on by others, and
 * answered one at a time. */
struct going {
	const struct run *o;
	struct ends from, into;
	struct ref dest; /* repo "": each image keeps its own */
	struct sync *sync;
	struct pace pace;
	struct pool *pool;
	struct prune_source source; /* its tags are of this run */
	bool list;
	int status;
	volatile int halted; /* exit status that no other item can better */
};

/* One reference. */
struct item {
	struct ref r;		 /* at the source */
	char *given;		 /* what was asked for, where r cannot say it */
	struct store *src, *dst; /* of the run */
	enum { ITEM_LEFT, ITEM_GONE, ITEM_REFUSED, ITEM_FAILED, ITEM_DONE } state;
	enum sync_result result;
	bool sparse;
	struct err why;
};

static void
item_free(struct item *t)
{
	free(t->given);
	free(t);
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

/* --- one reference: on any thread --------------------------------------- */

static void
fail(struct item *t, const struct err *why)
{
	t->state = why->code == ERR_NO ? ITEM_REFUSED : ITEM_FAILED;
	t->why = *why;
}

/* A tag is resolved once, and everything after is about that digest. */
static int
find_digest(struct item *t, struct store *src, struct err *e)
{
	struct descriptor d;

	if (digest_is_set(&t->r.digest))
		return 0;
	if (store_resolve(src, t->r.tag, &d, e) < 0)
		return -1;
	t->r.digest = d.digest;
	return 0;
}

static int
do_item(struct pool_worker *w, struct going *g, struct item *t, struct err *e)
{
	const struct verify_policy *needs;
	struct store *src = NULL;

	if (sync_session(w, t->src, &src, e) < 0)
		return -1;
	if (find_digest(t, src, e) < 0) {
		/* deleted between the list and now */
		if (e->code == ERR_NOTFOUND && t->given == NULL) {
			t->state = ITEM_GONE;
			return 0;
		}
		return -1;
	}
	t->state = ITEM_DONE;
	if (g->list)
		return 0;
	/* what comes on a stick is judged as what it becomes */
	if (g->o->policy != NULL &&
	    (policy_find(g->o->policy, t->r.kind == REF_REGISTRY ? &t->r : &g->dest, &needs, e) <
		     0 ||
	     verify_image(src, &t->r.digest, needs, NULL, e) < 0))
		return -1;
	return sync_image(g->sync, w, t->src, t->dst, &t->r.digest, t->r.tag, &t->result,
			  &t->sparse, e);
}

static void
work(struct pool_worker *w, void *item)
{
	struct going *g = pool_arg(w);
	struct item *t = item;
	struct err e = { 0 };

	if (t->state != ITEM_LEFT || g->halted != 0 || cli_stopped)
		return;
	if (do_item(w, g, t, &e) < 0)
		fail(t, &e);
}

/* --- its answer: one at a time ------------------------------------------- */

static void
name_at_dest(const struct going *g, const struct item *t, char out[REF_STR_MAX])
{
	struct ref to = g->dest;

	if (to.kind == REF_REGISTRY && to.repo[0] == '\0')
		(void)snprintf(to.repo, sizeof(to.repo), "%s", t->r.repo);
	(void)snprintf(to.tag, sizeof(to.tag), "%s", t->r.tag);
	to.digest = t->r.digest;
	ref_print(&to, out);
}

static void
answer_failed(struct going *g, const struct item *t)
{
	char name[REF_STR_MAX];
	int status = err_exit(&t->why);

	/* what ends a list, or everything, is said once and not as a record */
	if (g->list) {
		g->status = g->halted = cli_fail(&t->why);
		return;
	}
	if (t->state == ITEM_REFUSED || !digest_is_set(&t->r.digest))
		ref_print(&t->r, name);
	else
		name_at_dest(g, t, name);
	records_result(g->o, t->state == ITEM_REFUSED ? TALLY_REFUSED : TALLY_FAILED,
		       t->given != NULL ? t->given : name, t->why.msg);
	g->status = worse(g->status, &t->why);
	if (!g->o->from_stdin && (status == 75 || status == 71 || status == 7))
		g->halted = status;
}

static void
done(void *arg, void *item)
{
	struct going *g = arg;
	struct item *t = item;
	char name[REF_STR_MAX];

	if (t->state == ITEM_FAILED || t->state == ITEM_REFUSED) {
		if (g->halted == 0)
			answer_failed(g, t);
	} else if (t->state == ITEM_DONE && g->list) {
		if (g->halted == 0)
			records_ref(g->o, &t->r);
	} else if (t->state == ITEM_DONE) {
		name_at_dest(g, t, name);
		records_result(g->o, t->result == SYNC_COPIED ? TALLY_COPIED : TALLY_CURRENT, name,
			       NULL);
		if (t->sparse)
			log_warn("'%s' names children that were left behind (--platform)", name);
	}
	item_free(t);
}

/* --- begin and end --------------------------------------------------------- */

static void
say_warning(const char *host, const char *text)
{
	log_warn("registry '%s' says: %s", host, text);
}

static void
ends_init(struct ends *all, const struct run *o, const char *ca)
{
	all->o = (struct registry_opts){
		.http = { .ca_file = ca,
			  .connect_ms = o->timeout_ms,
			  .idle_ms = o->timeout_ms,
			  .retries = (int)o->retries,
			  .stop = &cli_stopped },
		.auth = &o->auth,
		.plain_http = o->plain_http,
		.open_ms = o->timeout_ms,
		.warned = say_warning,
		.uploads = o->uploads,
	};
}

static int
start(struct going *g, struct err *e)
{
	const struct run *o = g->o;
	const struct sync_opts so = { .no_referrers = o->no_referrers,
				      .dry_run = o->dry_run,
				      .retries = (int)o->retries,
				      .jobs = (size_t)o->jobs,
				      .platforms = o->nplatforms > 0 ? o->platforms : NULL,
				      .stop = &cli_stopped,
				      .pace = &g->pace };
	const struct pool_opts po = { .threads = (size_t)o->jobs * THREADS_A_JOB,
				      .arg = g,
				      .work = work,
				      .done = done,
				      .leave = sync_leave };

	g->pace = PACE_INIT(o->limit_rate, &cli_stopped);
	ends_init(&g->from, o, o->src_ca);
	ends_init(&g->into, o, o->dst_ca);
	g->into.writes = true;
	if (sync_new(&so, &g->sync, e) < 0)
		return -1;
	return pool_new(&po, &g->pool, e);
}

/* The exit status. */
static int
finish(struct going *g)
{
	struct err e = { 0 };

	pool_finish(&g->pool);
	if (g->sync != NULL)
		g->o->tally->bytes = sync_bytes(g->sync);
	sync_free(&g->sync);
	registry_tags_free(g->source.tags, g->source.n);
	free(g->source.chosen);
	if (!g->o->dry_run && ends_finish(&g->into, &e) < 0) {
		log_error("%s", e.msg);
		g->status = worse(g->status, &e);
	}
	ends_clear(&g->from);
	ends_clear(&g->into);
	if (g->halted != 0)
		return g->halted;
	if (cli_stopped) {
		log_error("stopped by a signal");
		return 75;
	}
	return g->status;
}

/* Takes t. */
static int
add(struct going *g, struct item *t, struct err *e)
{
	if (pool_add(g->pool, t, e) == 0)
		return 0;
	item_free(t);
	return -1;
}

/* HOST/REPO, or HOST alone: then every image keeps its repository's name. */
static int
parse_dest(const char *dest, struct ref *ret, struct err *e)
{
	AUTO_BUF struct buf full = BUF_INIT(2 * REF_PART_MAX);

	if (ref_parse_place(view_of(dest), ret, NULL) == 0 && ret->kind != REF_REGISTRY) {
		if (ret->tag[0] != '\0' || digest_is_set(&ret->digest))
			return err_set(e, ERR_USAGE, "'%s': tags come from the source", dest);
		return 0;
	}
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

static int
open_dest(struct going *g, const char *repo, struct store **ret, struct err *e)
{
	struct ref r = g->dest;

	if (r.kind == REF_REGISTRY && r.repo[0] == '\0') {
		if (repo[0] == '\0')
			return err_set(
				e, ERR_USAGE,
				"'%s' is a host: the source has no repository's name to keep",
				r.host);
		(void)snprintf(r.repo, sizeof(r.repo), "%s", repo);
	}
	return ends_open(&g->into, &r, ret, e);
}

/* --- the tags of a source ---------------------------------------------------- */

static int
add_tag(struct going *g, const struct ref *r, const char *tag, bool given, struct store *src,
	struct store *dst, struct err *e)
{
	struct item *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->r = *r;
	t->src = src;
	t->dst = dst;
	(void)snprintf(t->r.tag, sizeof(t->r.tag), "%s", tag);
	if (given) {
		char name[REF_STR_MAX];

		ref_print(&t->r, name);
		t->given = strdup(name);
	}
	return add(g, t, e);
}

/* Oldest first. */
static int
add_tags(struct going *g, const struct ref *r, struct store *src, struct store *dst, struct err *e)
{
	struct prune_source *s = &g->source;

	if (store_tags(src, &s->tags, &s->n, e) < 0 ||
	    ends_know(&g->from, r, s->tags, s->n, e) < 0 ||
	    prune_choose(g->o, g->list ? NULL : dst, s, e) < 0)
		return -1;
	for (size_t i = s->nchosen; i-- > 0 && !cli_stopped && g->halted == 0;)
		if (add_tag(g, r, s->chosen[i], false, src, dst, e) < 0)
			return -1;
	return 0;
}

static int
add_source(struct going *g, const char *source, const char *dest, struct err *e)
{
	struct store *src = NULL, *dst = NULL;
	struct ref r;

	if (ref_parse_place(view_of(source), &r, e) < 0 ||
	    (dest != NULL && parse_dest(dest, &g->dest, e) < 0) ||
	    (dest != NULL && open_dest(g, r.repo, &dst, e) < 0) ||
	    ends_open(&g->from, &r, &src, e) < 0)
		return -1;
	if (r.tag[0] == '\0' && !digest_is_set(&r.digest))
		return add_tags(g, &r, src, dst, e);
	if (g->o->delete_extra)
		return err_set(e, ERR_USAGE, "--delete-extra needs a SOURCE with all its tags");
	return add_tag(g, &r, r.tag, true, src, dst, e);
}

/* When everything has been copied: a run that was broken off takes nothing
 * away. */
static void
prune(struct going *g, const char *source)
{
	struct ref at = g->dest, r;
	struct store *dst = NULL;
	struct err e = { 0 };
	int status;

	pool_finish(&g->pool);
	if (!prune_is_asked(g->o) || g->halted != 0 || cli_stopped)
		return;
	if (ref_parse_place(view_of(source), &r, &e) < 0 || open_dest(g, r.repo, &dst, &e) < 0) {
		g->status = worse(g->status, &e);
		return;
	}
	if (at.kind == REF_REGISTRY && at.repo[0] == '\0')
		(void)snprintf(at.repo, sizeof(at.repo), "%s", r.repo);
	status = prune_run(g->o, dst, &at, &g->source);
	if (g->status == 0 || status == 71)
		g->status = status;
}

static int
run_source(const struct run *o, const char *source, const char *dest)
{
	struct going g = { .o = o, .list = dest == NULL };
	struct err e = { 0 };
	int status;

	if (start(&g, &e) < 0 || add_source(&g, source, dest, &e) < 0) {
		status = finish(&g);
		return status == 75 && cli_stopped ? status : cli_fail(&e);
	}
	if (dest != NULL)
		prune(&g, source);
	return finish(&g);
}

int
run_list(const struct run *o, const char *source)
{
	return run_source(o, source, NULL);
}

int
run_mirror(const struct run *o, const char *source, const char *dest)
{
	return run_source(o, source, dest);
}

int
run_prune(const struct run *o, const char *dest)
{
	AUTO_ENDS struct ends into = { .first = NULL };
	struct store *dst = NULL;
	struct err e = { 0 };
	struct ref r;

	ends_init(&into, o, o->dst_ca);
	if (parse_dest(dest, &r, &e) == 0 && r.kind == REF_REGISTRY && r.repo[0] == '\0')
		(void)err_set(&e, ERR_USAGE, "'%s' names no repository", dest);
	into.writes = true;
	if (e.code != ERR_NONE || ends_open(&into, &r, &dst, &e) < 0)
		return cli_fail(&e);
	return prune_run(o, dst, &r, NULL);
}

/* --- references from standard input --------------------------------------------- */

/* One listing saves a question for each signature that is not there. */
static void
learn_tags(struct going *g, const struct ref *r, struct store *src)
{
	char **tags = NULL;
	size_t n = 0;

	if (g->o->no_referrers || ends_is_known(&g->from, r) ||
	    store_tags(src, &tags, &n, NULL) < 0)
		return;
	(void)ends_know(&g->from, r, tags, n, NULL);
	registry_tags_free(tags, n);
}

/* What a line means; an error of the line's own becomes its record. */
static int
add_line(struct going *g, const char *line, struct err *e)
{
	struct item *t = calloc(1, sizeof(*t));
	struct err why = { 0 };

	if (t == NULL || (t->given = strdup(line)) == NULL) {
		free(t);
		return err_nomem(e);
	}
	if (ref_parse_place(view_of(line), &t->r, &why) == 0 && !digest_is_set(&t->r.digest))
		(void)err_set(&why, ERR_USAGE, "'%s' has no digest", line);
	if (why.code != ERR_NONE) {
		why.code = ERR_DATA;
		fail(t, &why);
	} else if (ends_open(&g->from, &t->r, &t->src, &why) < 0) {
		fail(t, &why);
	} else {
		learn_tags(g, &t->r, t->src);
		/* from here on its name at the destination tells more */
		free(t->given);
		t->given = NULL;
		if (open_dest(g, t->r.repo, &t->dst, e) < 0) {
			item_free(t);
			return -1;
		}
	}
	return add(g, t, e);
}

static int
read_lines(struct going *g, struct err *e)
{
	char line[LINE_MAX_BYTES];

	while (!cli_stopped && fgets(line, sizeof(line), stdin) != NULL) {
		struct view v = view_trim(view_of(line));
		AUTO_FREE char *ref = NULL;

		if (strchr(line, '\n') == NULL && !feof(stdin))
			return err_set(e, ERR_DATA,
				       "a line of standard input is longer than %d bytes",
				       LINE_MAX_BYTES - 2);
		if (v.n == 0 || v.p[0] == '#')
			continue;
		ref = view_dup(v);
		if (ref == NULL)
			return err_nomem(e);
		if (add_line(g, ref, e) < 0)
			return -1;
	}
	return ferror(stdin) ? err_set(e, ERR_SYS, "read from standard input failed") : 0;
}

int
run_stdin(const struct run *o, const char *dest)
{
	struct going g = { .o = o };
	struct err e = { 0 };
	int status;

	if (parse_dest(dest, &g.dest, &e) < 0)
		return cli_fail(&e);
	if (start(&g, &e) < 0 || read_lines(&g, &e) < 0) {
		status = finish(&g);
		return status == 75 && cli_stopped ? status : cli_fail(&e);
	}
	return finish(&g);
}
