#include "run.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/jsn.h"
#include "base/log.h"
#include "base/pool.h"
#include "oci/image.h"
#include "record.h"

/* One reference, or a line that is none. */
struct item {
	struct ref ref;
	bool resolved; /* its digest was not given, but found out */
	int line;      /* not 0: it was this line of standard input, and why is why */
	struct err why;
	bool fatal; /* no other one can do better */
	struct verify_found found;
};

/* A registry, asked once who it is; every thread has a session of its own. */
struct run_host {
	struct run_host *next;
	char name[REF_PART_MAX];
	pthread_mutex_t lock; /* of what follows */
	struct registry *first;
	struct err why; /* it did not answer, and is not asked again */
};

struct session {
	struct session *next;
	struct registry *registry;
};

static pthread_mutex_t hosts_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- registries ----------------------------------------------------------- */

static struct run_host *
host_for(struct run *r, const char *name)
{
	struct run_host *h;

	(void)pthread_mutex_lock(&hosts_lock);
	for (h = r->hosts; h != NULL && strcmp(h->name, name) != 0;)
		h = h->next;
	if (h == NULL && (h = calloc(1, sizeof(*h))) != NULL) {
		(void)snprintf(h->name, sizeof(h->name), "%s", name);
		(void)pthread_mutex_init(&h->lock, NULL);
		h->next = r->hosts;
		r->hosts = h;
	}
	(void)pthread_mutex_unlock(&hosts_lock);
	return h;
}

/* Others that need the same host wait until the first one knows. */
static int
open_session(struct run *r, const char *name, struct registry **ret, struct err *e)
{
	struct run_host *h = host_for(r, name);
	int status = 0;

	if (h == NULL)
		return err_nomem(e);
	(void)pthread_mutex_lock(&h->lock);
	if (h->first == NULL && h->why.code == ERR_NONE)
		(void)registry_open(name, &r->registry, &h->first, &h->why);
	if (h->first == NULL) {
		*e = h->why;
		status = -1;
	} else {
		status = registry_again(h->first, ret, e);
	}
	(void)pthread_mutex_unlock(&h->lock);
	return status;
}

static int
registry_for(struct pool_worker *w, const struct ref *ref, struct registry **ret, struct err *e)
{
	struct session **all = (struct session **)pool_state(w), *s;

	for (s = *all; s != NULL; s = s->next) {
		if (strcmp(registry_host(s->registry), ref_host(ref)) == 0) {
			*ret = s->registry;
			return 0;
		}
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	if (open_session(pool_arg(w), ref_host(ref), &s->registry, e) < 0) {
		free(s);
		return -1;
	}
	s->next = *all;
	*all = s;
	*ret = s->registry;
	return 0;
}

static void
close_sessions(void *state)
{
	struct session *s = state, *next;

	for (; s != NULL; s = next) {
		next = s->next;
		registry_close(&s->registry);
		free(s);
	}
}

/* --- one reference ---------------------------------------------------------- */

/* A signature on an index covers the images that it names; one on the image
 * itself will do too. */
static int
verify(const struct run *r, struct store *s, const struct verify_policy *needs, struct digest *d,
       struct verify_found *found, struct err *e)
{
	struct digest child = *d;

	if (r->platform != NULL && image_narrow(s, d, r->platform, &child, e) < 0)
		return -1;
	if (verify_image(s, d, needs, found, e) < 0) {
		if (e->code != ERR_NO || digest_equal(d, &child) ||
		    verify_image(s, &child, needs, found, e) < 0)
			return -1;
		*e = (struct err){ 0 };
	}
	*d = child;
	return 0;
}

/* A tag is resolved here and never again. */
static int
judge(struct pool_worker *w, struct item *i, struct err *e)
{
	const struct run *r = pool_arg(w);
	AUTO_STORE struct store *s = NULL;
	const struct verify_policy *needs;
	struct registry *reg = NULL;
	struct ref *ref = &i->ref;

	if (policy_find(r->policy, ref, &needs, e) < 0 || registry_for(w, ref, &reg, e) < 0 ||
	    registry_store(reg, ref->repo, &s, e) < 0)
		return -1;
	if (!digest_is_set(&ref->digest)) {
		if (registry_resolve(reg, ref->repo, ref_what(ref), &ref->digest, e) < 0)
			return -1;
		i->resolved = true;
	}
	if (verify(r, s, needs, &ref->digest, r->json ? &i->found : NULL, e) < 0)
		return -1;
	return r->deep ? image_check(s, &ref->digest, e) : 0;
}

static void
work(struct pool_worker *w, void *arg)
{
	struct run *r = pool_arg(w);
	struct item *i = arg;
	struct err *why = &i->why;

	if (i->line != 0 || r->over || judge(w, i, why) == 0)
		return;
	i->fatal = why->code == ERR_SYS || why->code == ERR_CONFIG || cli_stopped;
	/* those that were begun before come before in the answers too */
	if (i->fatal)
		r->over = true;
}

/* --- answers ------------------------------------------------------------------ */

static void
print(const struct run *r, const struct ref *ref, const struct verify_found *found)
{
	AUTO_JSN struct json_t *v = NULL;
	AUTO_FREE char *line = NULL;
	char name[REF_STR_MAX];

	ref_print(ref, name);
	if (r->json) {
		v = jsn_object();
		jsn_set_str(v, "ref", name);
		jsn_set_str(v, "host", ref->host);
		jsn_set_str(v, "repo", ref->repo);
		jsn_set_str(v, "tag", ref->tag[0] != '\0' ? ref->tag : NULL);
		jsn_set_str(v, "digest", ref->digest.str);
		record_found(v, found);
		line = jsn_dump(v);
	}
	(void)puts(line != NULL ? line : name);
	/* whoever reads our output may go on with this one */
	(void)fflush(stdout);
}

static void
item_free(struct item *i)
{
	verify_found_clear(&i->found);
	free(i);
}

static void
say_why(struct run *r, struct item *i)
{
	char given[REF_STR_MAX];

	if (i->line != 0) {
		log_error("standard input, line %d: %s", i->line, i->why.msg);
		r->refused++;
		return;
	}
	if (i->resolved)
		i->ref.digest = (struct digest){ 0 };
	ref_print(&i->ref, given);
	/* the tag says more to people than the digest in the message */
	if (i->ref.tag[0] != '\0')
		(void)err_wrap(&i->why, "%s", given);
	log_error("%s", i->why.msg);
	if (i->why.code == ERR_TEMP || i->why.code == ERR_AUTH)
		r->unknown++;
	else
		r->refused++;
}

static void
done(void *arg, void *item)
{
	struct run *r = arg;
	struct item *i = item;

	if (i->fatal && r->fatal.code == ERR_NONE)
		r->fatal = i->why;
	if (r->fatal.code != ERR_NONE) {
		item_free(i);
		return;
	}
	if (i->why.code != ERR_NONE) {
		say_why(r, i);
	} else {
		log_debug("'%s/%s' %s is signed by whom we trust", i->ref.host, i->ref.repo,
			  i->ref.digest.str);
		print(r, &i->ref, &i->found);
		r->passed++;
	}
	item_free(i);
}

/* --- all of them ---------------------------------------------------------------- */

static int
add(struct pool *p, const struct item *what, struct err *e)
{
	struct item *i = malloc(sizeof(*i));

	if (i == NULL)
		return err_nomem(e);
	*i = *what;
	if (pool_add(p, i, e) == 0)
		return 0;
	free(i);
	return -1;
}

static int
list(struct run *r, struct pool *p, FILE *in, struct err *e)
{
	char buf[REF_STR_MAX + 64];

	for (int n = 1; !r->over && fgets(buf, sizeof(buf), in) != NULL; n++) {
		struct view line = view_trim(view_of(buf));
		struct item i = { 0 };

		if (strchr(buf, '\n') == NULL && !feof(in)) {
			int c;

			while ((c = getc(in)) != '\n' && c != EOF)
				continue;
			(void)err_set(&i.why, ERR_USAGE, "longer than a reference can be");
		} else if (line.n == 0 || line.p[0] == '#') {
			continue;
		}
		if (i.why.code != ERR_NONE || ref_parse(line, &i.ref, &i.why) < 0)
			i.line = n;
		if (add(p, &i, e) < 0)
			return -1;
	}
	if (ferror(in) && cli_stopped)
		return err_set(e, ERR_TEMP, "stopped by a signal");
	return ferror(in) ? err_sys(e, "read standard input") : 0;
}

static int
feed(struct run *r, struct pool *p, char **args, struct err *e)
{
	for (; *args != NULL; args++) {
		struct item i = { 0 };

		if (strcmp(*args, "-") == 0) {
			if (list(r, p, stdin, e) < 0)
				return -1;
		} else if (ref_parse(view_of(*args), &i.ref, e) < 0 || add(p, &i, e) < 0) {
			return -1;
		}
	}
	return 0;
}

int
run_all(struct run *r, char **args, struct err *e)
{
	struct pool_opts o = { .threads = RUN_AT_ONCE,
			       .arg = r,
			       .work = work,
			       .done = done,
			       .leave = close_sessions };
	struct pool *p = NULL;
	int status;

	if (pool_new(&o, &p, e) < 0)
		return -1;
	status = feed(r, p, args, e);
	pool_finish(&p);
	if (r->fatal.code != ERR_NONE) {
		*e = r->fatal;
		return -1;
	}
	return status;
}

void
run_clear(struct run *r)
{
	while (r->hosts != NULL) {
		struct run_host *h = r->hosts;

		r->hosts = h->next;
		registry_close(&h->first);
		(void)pthread_mutex_destroy(&h->lock);
		free(h);
	}
	policy_free(&r->policy);
}
