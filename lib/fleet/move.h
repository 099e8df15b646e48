/*
 * move: one service from the image it runs to another one.
 *
 * By handover where the image speaks it and the container joins a holder's
 * network: new beside old, promote, demote, soak, commit; no request is lost.
 * By recreate otherwise: stop old, start new, soak, commit.  Until the commit
 * the old container is there, and whatever fails, settle_service makes it
 * serve again.
 */
#ifndef GANTRY_FLEET_MOVE_H
#define GANTRY_FLEET_MOVE_H

#include "fleet/hooks.h"
#include "fleet/service.h"

enum move_strategy { MOVE_AUTO, MOVE_HANDOVER, MOVE_RECREATE };

typedef void move_say_fn(void *arg, const char *service, const char *words);

struct move_opts {
	enum move_strategy strategy;
	int64_t timeout_ms;	   /* until a new container is healthy */
	int64_t interval_ms;	   /* between questions, at most */
	int64_t soak_ms;	   /* it has to stay healthy for so long */
	int64_t max_wait_ms;	   /* for a robot that is busy */
	const struct hooks *hooks; /* NULL: none */
	const char *pins;	   /* the file that compose reads; NULL: none */
	const char *evidence;	   /* the folder for it, see evidence.h; NULL: none */
	const volatile bool *stop;
	move_say_fn *say; /* words for people; may be NULL */
	void *arg;
};

/* What a service is moved to. */
struct move_goal {
	char ref[REF_STR_MAX];	/* REPO@sha256:… or an image's id, on the engine already */
	char repo[REF_STR_MAX]; /* "localhost:5000/robot-app", "" if not known */
	char tag[REF_TAG_MAX];	/* "" if not known */
	struct digest digest;	/* not set: by id */
};

/* What a move that failed leaves. */
enum move_left {
	MOVE_BACK, /* the service runs what it ran before */
	MOVE_ILL,  /* the same, and it was not healthy before either: nobody knows whose fault it is
		    */
	MOVE_OPEN, /* it could not be seen to, as the engine is gone */
};

/* The service must be settled.  0: it runs the goal, proven healthy.
 *
 * ERR_NO: the release is at fault; the service runs what it ran before.
 * ERR_STUCK: it does not, a person is needed.  Everything else is a fault of
 * the place, or a robot that is busy or ill (ERR_TEMP).
 *
 * A robot that is as unhealthy as it was says nothing about the release.  It is
 * at fault where it does worse: is unhealthy on its own socket and the old one
 * is not, ends where the old one ran, cannot be executed, or a hook says no. */
int
move_service(const struct service *s, const struct move_goal *goal, struct journal *j,
	     const char *txn, const struct move_opts *o, enum move_left *ret_left, struct err *e);
/* The goal is this image, by the engine's inspect answer. */
bool move_image_is(const struct json_t *image, const struct move_goal *goal);
/* The service runs the goal already: 1, 0, -1. */
int move_is_there(const struct service *s, const struct move_goal *goal, struct err *e);
/* The last two lines of a move, also where a crash left them out: pins file
 * and journal. */
int move_record(const struct service *s, const struct move_goal *goal, struct journal *j,
		const char *txn, const struct move_opts *o, struct err *e);

#endif
