#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "options.h"
#include "records.h"

struct run {
	struct options *o;
	struct ask *asks;
	size_t n;
	bool metrics_failed; /* said once, not every second */
};

/* The same target twice would be the same metric twice. */
static int
by_name(const void *a, const void *b)
{
	const struct ask *const *x = a, *const *y = b;

	return strcmp((*x)->target, (*y)->target);
}

static int
find_twins(struct run *r, struct err *e)
{
	AUTO_FREE struct ask **sorted = calloc(r->n, sizeof(struct ask *));

	if (sorted == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < r->n; i++)
		sorted[i] = &r->asks[i];
	qsort(sorted, r->n, sizeof(struct ask *), by_name);
	for (size_t i = 1; i < r->n; i++)
		sorted[i]->twin = strcmp(sorted[i - 1]->target, sorted[i]->target) == 0;
	return 0;
}

/* --- while it is asked ------------------------------------------------- */

static int
say_try(void *arg, const struct ask *a, struct err *e)
{
	const struct probe_result *r = &a->result;
	bool at = r->peer[0] != '\0';

	(void)arg;
	(void)e;
	log_debug("'%s'%s%s: try %" PRId64 ", %" PRId64 " ms: %s", a->target, at ? " at " : "",
		  r->peer, a->tries, r->ms, r->healthy ? "good" : r->reason);
	return 0;
}

static int
print_change(void *arg, const struct ask *a, struct err *e)
{
	const struct run *r = arg;

	records_print(a, r->o->cli.json);
	if (fflush(stdout) != 0)
		return err_sys(e, "write to standard output");
	return 0;
}

static int
write_metrics(void *arg, struct err *e)
{
	struct run *r = arg;
	struct err why = { 0 };

	(void)e;
	if (records_metrics(r->asks, r->n, r->o->metrics_file, &why) == 0) {
		r->metrics_failed = false;
		return 0;
	}
	if (!r->metrics_failed)
		log_error("%s", why.msg);
	r->metrics_failed = true;
	return 0;
}

static int
watch(struct run *r, struct err *e)
{
	struct ask_opts *a = &r->o->ask;
	int status = 0;

	cli_catch_signals();
	a->stop = &cli_stopped;
	a->changed = print_change;
	a->round = r->o->metrics_file != NULL ? write_metrics : NULL;
	if (ask_all(a, r->asks, r->n, e) < 0)
		return cli_fail(e);
	for (size_t i = 0; i < r->n; i++)
		if (!r->asks[i].known || !r->asks[i].healthy)
			status = 1;
	return status;
}

static int
ask_once(struct run *r, struct err *e)
{
	int status = 0;

	if (ask_all(&r->o->ask, r->asks, r->n, e) < 0)
		return cli_fail(e);
	for (size_t i = 0; i < r->n; i++) {
		struct ask *a = &r->asks[i];

		if (a->e.code != ERR_NONE) {
			(void)err_wrap(&a->e, "probe '%s'", a->target);
			status = cli_fail(&a->e);
			continue;
		}
		records_print(a, r->o->cli.json);
		if (!a->result.healthy && status == 0)
			status = 1;
	}
	if (r->o->metrics_file != NULL && records_metrics(r->asks, r->n, r->o->metrics_file, e) < 0)
		return cli_fail(e);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;
	AUTO_FREE struct ask *asks = NULL;
	struct run r = { .o = &o };
	struct err e = { 0 };
	int status;

	log_init(argv[0]);
	status = options_parse(argc, argv, &o);
	if (status != CLI_GO_ON)
		return status;
	r.n = (size_t)(argc - optind);
	r.asks = asks = calloc(r.n, sizeof(*asks));
	if (asks == NULL) {
		(void)err_nomem(&e);
		return cli_fail(&e);
	}
	for (size_t i = 0; i < r.n; i++)
		asks[i] = (struct ask){ .target = argv[optind + (int)i] };
	if (find_twins(&r, &e) < 0)
		return cli_fail(&e);
	o.ask.probe.docker_host = getenv("DOCKER_HOST");
	o.ask.tried = say_try;
	o.ask.arg = &r;
	return cli_flush(o.ask.watch ? watch(&r, &e) : ask_once(&r, &e));
}
