/*
 * health: wait until a container has proven itself, or has proven to be bad.
 *
 * Asked often at first (every HEALTH_FAST_MS), then more and more seldom up to
 * the interval, or to HEALTH_SOAK_MS once it serves; an unhealthy answer is asked
 * for again soon.  A container that ends by itself, also if it is started again,
 * or has something in it killed for memory is bad at once, and the reason has
 * its last words.
 *
 * Results: 0; ERR_NO it is not healthy, with the reason; ERR_TEMP stopped by
 * *stop, the engine does not answer, or ended the container or was told to, or
 * somebody removed it.
 */
#ifndef GANTRY_FLEET_HEALTH_H
#define GANTRY_FLEET_HEALTH_H

#include "fleet/service.h"

#define HEALTH_FAST_MS	    100
#define HEALTH_SOAK_MS	    250	 /* while it soaks, at most */
#define HEALTH_AGAIN_MS	    40	 /* after an unhealthy answer that follows a healthy one */
#define HEALTH_MUTE_MS	    2000 /* nobody answers where somebody did, and no end is seen */
#define HEALTH_TRY_MS	    5000 /* one question */
#define HEALTH_IN_A_ROW	    3	 /* healthy answers that make a new container healthy */
#define HEALTH_PATIENCE	    3	 /* unhealthy answers in a row after a healthy one */
#define HEALTH_URL_MAX	    SERVICE_URL_MAX
#define HEALTH_SOCKET_URL   "http+unix:///run/gantry/robot.sock:/health"
#define HEALTH_PROBE	    "healthcheck"
#define HEALTH_INSTANCE_MAX 64

/* From one start of a container to its end, over several waits. */
struct health_life {
	bool older; /* not created just now: how often it ended before does not count */
	bool ended; /* what a wait found */
	/* as it was seen first */
	char started[64];
	int64_t restarts;
	bool oom;
};

struct health {
	struct engine *engine;
	const char *id;	      /* of the container */
	const char *url;      /* of its health; "" to go by the engine's own check */
	const char *instance; /* that has to answer there; NULL: any */
	int64_t timeout_ms;   /* until the first healthy answer */
	int64_t interval_ms;
	int64_t soak_ms;	  /* healthy without a break for so long */
	int in_a_row;		  /* and in so many answers; 0 as 1 */
	struct health_life *life; /* NULL: of this wait alone */
	/* the first answer that is not healthy after one that was; may be NULL */
	void (*relapsed)(void *arg, const char *reason);
	void *arg;
	const volatile bool *stop;
};

/* On its own socket, by a command inside the container: whatever serves the
 * port, this instance answers. */
int health_standby(const struct health *h, struct err *e);
/* The same, and it says, once, that it is the one that serves the port. */
int health_promoted(const struct health *h, struct err *e);
/* Through the port. */
int health_serving(const struct health *h, struct err *e);
/* Is a container (inspected) healthy: does anybody answer so at url, now or
 * within ms; without url, what the engine says. */
bool health_is_now(const struct json_t *inspected, const char *url, int64_t ms);

/* configured_ms, but no less than the health check of a container or image
 * (inspected) may take until it says what it thinks: start period + (interval +
 * timeout) * retries. */
int64_t health_timeout(const struct json_t *inspected, int64_t configured_ms);

#endif
