#include "fleet/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/command.h"
#include "base/scope.h"

#define PATH_BYTES    1024
#define VARIABLES     8
#define VARIABLE_MAX  1024
#define STATUS_DEFER  75
#define PREFIX	      "GANTRY_"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)

/* Ours, then the process's own but what could be taken for ours. */
struct surroundings {
	char ours[VARIABLES][VARIABLE_MAX];
	char **all;
};

static void
surroundings_clear(struct surroundings *s)
{
	free(s->all);
}

static int
make_surroundings(const struct hooks *h, const struct hooks_facts *f, struct surroundings *ret,
		  struct err *e)
{
	const struct {
		const char *name, *value;
	} facts[VARIABLES] = {
		{ "DEPLOYMENT", f->deployment }, { "SERVICE", f->service },
		{ "IMAGE", f->image },		 { "TAG", f->tag },
		{ "OLD_DIGEST", f->old_digest }, { "NEW_DIGEST", f->new_digest },
		{ "REASON", f->reason },	 { "EVIDENCE", f->evidence },
	};
	size_t n = 0, at = 0;

	while (h->environment[n] != NULL)
		n++;
	ret->all = calloc(n + VARIABLES + 1, sizeof(*ret->all));
	if (ret->all == NULL)
		return err_nomem(e);
	for (; at < VARIABLES; at++) {
		(void)snprintf(ret->ours[at], VARIABLE_MAX, PREFIX "%s=%s", facts[at].name,
			       facts[at].value != NULL ? facts[at].value : "");
		ret->all[at] = ret->ours[at];
	}
	for (size_t i = 0; i < n; i++)
		if (strncmp(h->environment[i], PREFIX, PREFIX_LENGTH) != 0)
			ret->all[at++] = h->environment[i];
	return 0;
}

/* What it printed, line by line. */
static void
pass_on(const struct hooks *h, const char *name, const char *service, const struct buf *output)
{
	struct view rest = view_buf(output), line;
	char words[HOOKS_OUTPUT_MAX];
	bool more = h->say != NULL && rest.n > 0;

	while (more) {
		more = view_cut(&rest, '\n', &line);
		if (!more)
			line = rest;
		if (line.n == 0)
			continue;
		(void)snprintf(words, sizeof(words), "%s: " VIEW_FMT, name, VIEW_ARG(line));
		h->say(h->arg, service, words);
	}
}

int
hooks_run(const struct hooks *h, const char *name, const struct hooks_facts *f, struct err *e)
{
	AUTO(surroundings_clear) struct surroundings around = { 0 };
	AUTO_BUF struct buf output = BUF_INIT(HOOKS_OUTPUT_MAX);
	char path[PATH_BYTES];
	char *const argv[] = { path, NULL };
	struct command c = { .argv = argv, .both = true, .cut = true };
	struct err why = { 0 };
	int status = 0, ran;

	if (h == NULL || h->dir == NULL)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	if (access(path, F_OK) < 0)
		return 0;
	if (make_surroundings(h, f, &around, e) < 0)
		return -1;
	c.environment = around.all;
	c.ms = h->ms;
	c.stop = h->stop;
	ran = command_run(&c, &output, &status, &why);
	pass_on(h, name, f->service != NULL ? f->service : "", &output);
	if (ran < 0 && why.code == ERR_TEMP && (h->stop == NULL || !*h->stop))
		return err_set(e, ERR_AUTH, "hook '%s' is not done after %lld seconds", path,
			       (long long)h->ms / 1000);
	if (ran < 0)
		return err_set(e, why.code == ERR_TEMP ? ERR_TEMP : ERR_SYS, "hook '%s': %s", path,
			       why.msg);
	if (status == 0)
		return 0;
	if (status == STATUS_DEFER)
		return err_set(e, ERR_TEMP, "hook '%s' says: not now", path);
	return err_set(e, ERR_AUTH, "hook '%s' says no: exit %d", path, status);
}
