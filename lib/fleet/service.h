/*
 * service: one robot's program on its host, and the up to three containers that
 * it consists of while it is being moved.
 *
 * The container that serves has the service's name; while a move is on, the
 * new one is NAME-next and, for a moment, the old one NAME-prev.  A container of
 * such a name is only touched if it is Gantry's: by its label
 * io.gantry.service, or by its id in the journal.
 */
#ifndef GANTRY_FLEET_SERVICE_H
#define GANTRY_FLEET_SERVICE_H

#include "base/conf.h"
#include "engine/engine.h"
#include "fleet/journal.h"
#include "oci/digest.h"
#include "oci/ref.h"

#define SERVICE_NAME_MAX 128
#define SERVICE_URL_MAX	 512
#define SERVICES_MAX	 256
#define SERVICE_HOST_MAX 256 /* of a registry, with its port */

enum service_slot { SERVICE_NOW, SERVICE_NEXT, SERVICE_PREV };

struct service {
	char name[SERVICE_NAME_MAX];
	struct engine *engine;	      /* lent by the fleet, shared by services of a host; or NULL */
	const struct lost *lost;      /* lent by the fleet: why there is no engine; or NULL */
	char health[SERVICE_URL_MAX]; /* as configured, "" if not */
	char gateway[SERVICE_HOST_MAX];	 /* the local registry, as it is called here */
	char registry[SERVICE_HOST_MAX]; /* and there; "" if it is the same */
};

/* What a service runs. */
struct service_image {
	char ref[REF_STR_MAX];	/* REPO@sha256:…, or the image's id if it came from no registry */
	char repo[REF_STR_MAX]; /* "" if not known */
	char tag[REF_TAG_MAX];	/* "" if not known */
	struct digest digest;	/* not set if it came from no registry */
	bool handover;		/* its image speaks the handover */
};

/* A host whose engine could not be opened. */
struct lost {
	struct lost *next;
	char *host;
	struct err why;
};

struct fleet {
	struct service *services;
	size_t n;
	struct service *away; /* see service_set_aside */
	size_t naway;
	struct engine **engines;
	size_t nengines;
	struct lost *lost;
	bool lent; /* engines and lost are another fleet's */
};

struct fleet_opts {
	const char *host;	  /* the engine of services without one of their own */
	char *const *environment; /* where docker keeps certificates, and what ssh sees; lent */
	bool connect;		  /* open the engines */
};

/* All of ROBOT_CONTAINERS.  An engine that cannot be opened leaves its services
 * without one. */
int
service_fleet(const struct conf *c, const struct fleet_opts *o, struct fleet **ret, struct err *e);
/* Those of f that are named (none: all), with f's engines.  ERR_USAGE if a name
 * is not configured. */
int service_some(const struct fleet *f, const struct conf *c, const char *const *names, size_t n,
		 struct fleet **ret, struct err *e);
/* Services without an engine are away from now on.  -1 and why if all are. */
int service_set_aside(struct fleet *f, struct err *e);
void service_fleet_free(struct fleet **f);
#define AUTO_FLEET AUTO(service_fleet_free)
struct service *service_by_name(const struct fleet *f, const char *name);
/* The one that is away and has this name, or NULL. */
const struct service *service_away(const struct fleet *f, const char *name);
/* A repository of the local registry as the service's host calls it, and back;
 * others are called the same everywhere. */
void service_repo_there(const struct service *s, const char *repo, char out[REF_STR_MAX]);
void service_repo_here(const struct service *s, const char *repo, char out[REF_STR_MAX]);

/* The name of a slot: "robot-1", "robot-1-next", "robot-1-prev". */
const char *
service_slot_name(const struct service *s, enum service_slot slot, char out[SERVICE_NAME_MAX + 8]);
/* What is in a slot (the caller's), NULL if nothing is.  ERR_SYS if what is
 * there is somebody else's. */
int service_look(const struct service *s, enum service_slot slot, const struct journal *j,
		 struct json_t **ret, struct err *e);
/* The same for the container that serves, which must be there. */
int service_need(const struct service *s, struct json_t **ret, struct err *e);

/* What a container runs; image is the inspect answer of its image. */
void service_image(const struct json_t *container, const struct json_t *image,
		   struct service_image *ret);
/* Both in one: what the service runs now. */
int service_runs(const struct service *s, struct service_image *ret, struct err *e);
/* true if that image has this digest under any name. */
bool service_has_digest(const struct json_t *image, const struct digest *d);

/* Where its health is asked for: as configured, else from the port that it (or
 * the container whose network it joins) publishes on its host.  "" if there is
 * none that can be reached from here. */
int service_url(const struct service *s, const struct json_t *container, char out[SERVICE_URL_MAX],
		struct err *e);
/* It joins another container's network, so old and new can run side by side. */
bool service_joins(const struct json_t *container);

#endif
