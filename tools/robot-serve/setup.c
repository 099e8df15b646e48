#include "setup.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"

#define DEFAULT_PORT   5000
#define DEFAULT_SOCKET "/run/gantry/robot.sock"
#define DEFAULT_ROBOTS "/etc/gantry/robots.json"
#define DEFAULT_LOCK   "/run/gantry/update.lock"
#define TOKEN_MIN      16

/* An empty variable counts as none, as compose files often make one. */
static const char *
from_env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

/* These go into labels, pages and logs: nothing in them needs quoting. */
static int
set_word(const char *name, const char *value, char *out, size_t size, struct err *e)
{
	size_t n = strlen(value);

	if (n >= size)
		return err_set(e, ERR_CONFIG, "%s is longer than %zu characters", name, size - 1);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)value[i]) && strchr("._-+", value[i]) == NULL)
			return err_set(e, ERR_CONFIG,
				       "%s may have letters, digits and '._-+', not '%s'", name,
				       value);
	(void)snprintf(out, size, "%s", value);
	return 0;
}

static int
set_id(struct setup *s, struct err *e)
{
	const char *id = from_env("ROBOT_ID");
	char host[256] = "";

	if (id != NULL)
		return set_word("ROBOT_ID", id, s->id, sizeof(s->id), e);
	if (gethostname(host, sizeof(host) - 1) < 0 ||
	    set_word("the host's name", host, s->id, sizeof(s->id), NULL) < 0)
		(void)snprintf(s->id, sizeof(s->id), "robot");
	return 0;
}

static int
set_instance(struct setup *s, struct err *e)
{
	const char *instance = from_env("GANTRY_INSTANCE");
	uint64_t n;

	if (instance != NULL)
		return set_word("GANTRY_INSTANCE", instance, s->instance, sizeof(s->instance), e);
	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return err_sys(e, "make a random instance id");
	(void)snprintf(s->instance, sizeof(s->instance), "%016" PRIx64, n);
	return 0;
}

/* REPO@sha256:HEX; an image that has no digest is known by its id alone. */
static int
set_digest(struct setup *s, struct err *e)
{
	const char *image = from_env("GANTRY_IMAGE");
	const char *digest = image != NULL ? strchr(image, '@') : NULL;

	if (digest == NULL)
		return 0;
	digest++;
	if (strlen(digest) != SETUP_DIGEST_LEN || strncmp(digest, "sha256:", 7) != 0 ||
	    strspn(digest + 7, "0123456789abcdef") != SETUP_DIGEST_LEN - 7)
		return err_set(e, ERR_CONFIG,
			       "GANTRY_IMAGE has no sha256 digest after its '@': '%s'", image);
	memcpy(s->digest, digest, sizeof(s->digest));
	return 0;
}

static int
set_port(struct setup *s, struct err *e)
{
	const char *port = from_env("PORT");
	int64_t n = DEFAULT_PORT;

	if (port != NULL && cli_number(port, "PORT", 1, 65535, &n, e) < 0) {
		e->code = ERR_CONFIG;
		return -1;
	}
	if (!s->listen_given)
		listen_any((int)n, &s->listen);
	return 0;
}

static int
set_handover(struct setup *s, struct err *e)
{
	const char *v = from_env("GANTRY_HANDOVER");

	if (v != NULL && strcmp(v, "0") != 0 && strcmp(v, "1") != 0)
		return err_set(e, ERR_CONFIG, "GANTRY_HANDOVER must be 0 or 1, not '%s'", v);
	s->handover = v != NULL && v[0] == '1';
	return 0;
}

/* A token is a secret: the file is for those who keep it out of environments,
 * which every child and many a status page shows. */
static int
set_token(struct setup *s, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * DOOR_TOKEN_MAX);
	const char *token = from_env("ROBOT_TOKEN"), *file = from_env("ROBOT_TOKEN_FILE");
	struct view v;

	if (file != NULL) {
		if (token != NULL)
			return err_set(e, ERR_CONFIG,
				       "ROBOT_TOKEN and ROBOT_TOKEN_FILE are both set");
		if (file_read(AT_FDCWD, file, &text, e) < 0) {
			e->code = ERR_CONFIG;
			return err_wrap(e, "ROBOT_TOKEN_FILE");
		}
		token = buf_cstr(&text);
	} else if (token == NULL) {
		return 0;
	}
	v = view_trim(view_of(token));
	for (size_t i = 0; i < v.n; i++)
		if (!isgraph((unsigned char)v.p[i]))
			v.n = 0;
	if (v.n < TOKEN_MIN || v.n > DOOR_TOKEN_MAX)
		return err_set(e, ERR_CONFIG,
			       "the robot's token must have %d to %d letters, digits and signs",
			       TOKEN_MIN, DOOR_TOKEN_MAX);
	memcpy(s->token, v.p, v.n);
	return 0;
}

int
setup_robots(const struct setup *s, struct robots *ret, struct err *e)
{
	int status;

	if (s->config != NULL)
		status = robots_load(s->config, ret, e);
	else if (access(DEFAULT_ROBOTS, F_OK) == 0)
		status = robots_load(DEFAULT_ROBOTS, ret, e);
	else
		status = robots_first(ret, e);
	if (status == 0 && s->gpio_given)
		status = robots_drive_by(ret, s->gpio, e);
	return status;
}

int
setup_from_env(struct setup *s, struct err *e)
{
	const char *version = from_env("APP_VERSION"), *sock = from_env("GANTRY_SOCKET");
	const char *lock = from_env("GANTRY_UPDATE_LOCK");

	s->log_dir = from_env("LOG_DIR");
	s->socket = sock != NULL ? sock : DEFAULT_SOCKET;
	s->hosts = from_env("ROBOT_HOSTS");
	s->update_lock = lock != NULL ? lock : DEFAULT_LOCK;
	if (set_word("APP_VERSION", version != NULL ? version : GANTRY_VERSION, s->version,
		     sizeof(s->version), e) < 0)
		return -1;
	if (set_id(s, e) < 0 || set_instance(s, e) < 0 || set_digest(s, e) < 0 ||
	    set_port(s, e) < 0 || set_token(s, e) < 0)
		return -1;
	return set_handover(s, e);
}
