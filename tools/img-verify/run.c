#include "run.h"

#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/jsn.h"
#include "base/log.h"

static int
registry_for(struct run *r, const struct ref *ref, struct registry **ret, struct err *e)
{
	struct registry *made = NULL;

	for (size_t i = 0; i < r->nhosts; i++) {
		if (strcmp(registry_host(r->hosts[i]), ref->host) == 0) {
			*ret = r->hosts[i];
			return 0;
		}
	}
	if (registry_open(ref->host, &r->registry, &made, e) < 0)
		return -1;
	if (r->nhosts == RUN_HOSTS_MAX)
		registry_close(&r->hosts[--r->nhosts]);
	*ret = r->hosts[r->nhosts++] = made;
	return 0;
}

static void
print(const struct run *r, const struct ref *ref)
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
		line = jsn_dump(v);
	}
	(void)puts(line != NULL ? line : name);
	/* whoever reads our output may go on with this one */
	(void)fflush(stdout);
}

/* A tag is resolved here and never again. */
static int
judge(struct run *r, struct ref *ref, struct err *e)
{
	AUTO_STORE struct store *s = NULL;
	struct registry *reg = NULL;

	if (registry_for(r, ref, &reg, e) < 0 || registry_store(reg, ref->repo, &s, e) < 0)
		return -1;
	if (!digest_is_set(&ref->digest) &&
	    registry_resolve(reg, ref->repo, ref_what(ref), &ref->digest, e) < 0)
		return -1;
	if (verify_image(s, &ref->digest, r->policy, e) < 0)
		return -1;
	log_debug("'%s/%s' %s is signed by a trusted key", ref->host, ref->repo, ref->digest.str);
	return 0;
}

/* 0 to go on with the next one, -1 where no other can do better. */
static int
one(struct run *r, struct ref *ref, struct err *e)
{
	char given[REF_STR_MAX];
	struct err why = { 0 };

	ref_print(ref, given);
	if (judge(r, ref, &why) == 0) {
		print(r, ref);
		return 0;
	}
	if (why.code == ERR_SYS || why.code == ERR_CONFIG || cli_stopped)
		return err_set(e, why.code, "%s", why.msg);
	/* the tag says more to people than the digest in the message */
	if (ref->tag[0] != '\0')
		(void)err_wrap(&why, "%s", given);
	log_error("%s", why.msg);
	if (why.code == ERR_TEMP || why.code == ERR_AUTH)
		r->unknown = true;
	else
		r->no = true;
	return 0;
}

static int
list(struct run *r, FILE *in, struct err *e)
{
	char buf[REF_STR_MAX + 64];

	for (int n = 1; fgets(buf, sizeof(buf), in) != NULL; n++) {
		struct view line = view_trim(view_of(buf));
		struct err why = { 0 };
		struct ref ref;

		if (strchr(buf, '\n') == NULL && !feof(in)) {
			int c;

			while ((c = getc(in)) != '\n' && c != EOF)
				continue;
			(void)err_set(&why, ERR_USAGE, "longer than a reference can be");
		} else if (line.n == 0 || line.p[0] == '#') {
			continue;
		}
		if (why.code == ERR_NONE && ref_parse(line, &ref, &why) == 0) {
			if (one(r, &ref, e) < 0)
				return -1;
			continue;
		}
		log_error("standard input, line %d: %s", n, why.msg);
		r->no = true;
	}
	return ferror(in) ? err_sys(e, "read standard input") : 0;
}

int
run_all(struct run *r, char **args, struct err *e)
{
	for (; *args != NULL; args++) {
		struct ref ref;

		if (strcmp(*args, "-") == 0) {
			if (list(r, stdin, e) < 0)
				return -1;
		} else if (ref_parse(view_of(*args), &ref, e) < 0 || one(r, &ref, e) < 0) {
			return -1;
		}
	}
	return 0;
}

void
run_clear(struct run *r)
{
	while (r->nhosts > 0)
		registry_close(&r->hosts[--r->nhosts]);
	verify_policy_free(&r->policy);
}
