/*
 * site: what deploy and rollback both need before they begin: the settings,
 * the lock, the journal and the services with their engines.
 */
#ifndef GANTRY_FLEET_SITE_H
#define GANTRY_FLEET_SITE_H

#include "base/conf.h"
#include "fleet/rollout.h"
#include "fleet/timeline.h"
#include "fleet/window.h"

struct site_opts {
	const char *config;	  /* -c, or NULL */
	char *const *environment; /* settings, and DOCKER_HOST */
	const char *const *names; /* services asked for */
	size_t n;
	const char *program; /* for whoever finds the lock held */
	bool change;	     /* lock, and put the journal in order */
	bool offline;	     /* leave the engines alone */
	bool look;	     /* services whose engine does not answer are there all the same */
};

struct site {
	struct conf *conf;
	struct journal *journal;
	struct fleet *fleet;   /* the services asked for */
	struct fleet *all;     /* every service that is configured */
	struct move_opts move; /* lent; without hooks: they are deploy's alone */
	struct hooks hooks;
	struct auth_files auth;
	enum rollout_on_failure on_failure;
	int64_t canary, batch, keep_images;
	int64_t stable_ms; /* STABLE_AFTER, see ladder.h */
	int64_t min_free;  /* MIN_FREE_MB in bytes */
	struct window window;
	bool notify;
	const char *program;	  /* lent, */
	char *const *environment; /* and this */
	struct timeline timeline; /* of what the journal does not tell */
	char state_dir[512];
	char evidence_dir[512 + 16];
	int lock;
};

/* A host that is not reached is said, and its services are away, as long as there
 * is another one.
 *
 * ERR_CONFIG for settings, ERR_TEMP if another run holds the lock, ERR_SYS if an
 * engine does not answer. */
int site_open(const struct site_opts *o, struct site *ret, struct err *e);
void site_close(struct site *s);
#define AUTO_SITE AUTO(site_close)

/* -1 and why, if some of the services asked for are away. */
int site_away(const struct site *s, struct err *e);

/* After a run: if it changed something and succeeded, the images go that are not
 * needed any more (KEEP_IMAGES, see keep.h); the metrics file (may be NULL), then the lock goes,
 * and then people are told (ENABLE_NOTIFICATIONS) of what was written to the journal after its
 * first n records, and the trace of it is sent.  Nothing of that changes what the run has come
 * to: what goes wrong is logged. */
void site_leave(struct site *s, size_t n, const char *metrics_file, int status);

/* "handover", "recreate" or "auto". */
int site_strategy(const char *name, enum move_strategy *ret, struct err *e);

#endif
