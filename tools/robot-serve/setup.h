/*
 * setup: what this robot-serve was told to be, by options and environment.
 */
#ifndef GANTRY_ROBOT_SERVE_SETUP_H
#define GANTRY_ROBOT_SERVE_SETUP_H

#include <stdbool.h>

#include "base/cli.h"
#include "door.h"
#include "listen.h"
#include "robots.h"

#define SETUP_ID_MAX	  64
#define SETUP_VERSION_MAX 128 /* as long as a tag may be */
#define SETUP_DIGEST_LEN  71  /* "sha256:" and 64 digits */

struct setup {
	struct cli cli;
	bool hold;
	struct listen_addr listen;
	bool listen_given; /* --listen: PORT is not asked */
	char id[SETUP_ID_MAX + 1], instance[SETUP_ID_MAX + 1], version[SETUP_VERSION_MAX + 1];
	char digest[SETUP_DIGEST_LEN + 1]; /* "": not known */
	const char *log_dir;		   /* NULL: none */
	const char *socket;
	bool handover;
	const char *config; /* robots.json; NULL: none */
	bool gpio_given;
	enum gpio_backend gpio;		/* --gpio: instead of what the file says */
	char token[DOOR_TOKEN_MAX + 1]; /* "": none */
	const char *hosts;		/* NULL: none */
	const char *update_lock;
};

/* Fill what the environment tells; ERR_CONFIG names the variable. */
int setup_from_env(struct setup *s, struct err *e);
/* The robots, from the file or built in. */
int setup_robots(const struct setup *s, struct robots *ret, struct err *e);

#endif
