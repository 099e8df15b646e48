#include "door.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"

#define HOST_MAX  254
#define RATES_MAX 64 /* addresses remembered; the one that rests longest goes first */
#define OWNER_MAX 48

struct rate {
	char remote[INET6_ADDRSTRLEN];
	double left;
	int64_t at_ms;
};

struct door {
	char token[DOOR_TOKEN_MAX + 1]; /* "": none */
	char own[HOST_MAX];
	char hosts[DOOR_HOSTS_MAX][HOST_MAX];
	size_t n;
	pthread_mutex_t lock; /* of rates */
	struct rate rates[RATES_MAX];
};

static int
add_hosts(struct door *d, const char *hosts, struct err *e)
{
	struct view rest = view_of(hosts), one;

	while (rest.n > 0) {
		if (!view_cut(&rest, ',', &one)) {
			one = rest;
			rest.n = 0;
		}
		one = view_trim(one);
		if (one.n == 0 || one.n >= HOST_MAX || d->n == DOOR_HOSTS_MAX)
			return err_set(e, ERR_CONFIG,
				       "ROBOT_HOSTS must be up to %d names, separated by commas",
				       DOOR_HOSTS_MAX);
		memcpy(d->hosts[d->n++], one.p, one.n);
	}
	return 0;
}

int
door_new(const char *token, const char *hosts, struct door **ret, struct err *e)
{
	struct door *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return err_nomem(e);
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)gethostname(d->own, sizeof(d->own) - 1);
	if (token != NULL)
		(void)snprintf(d->token, sizeof(d->token), "%s", token);
	if (hosts != NULL && add_hosts(d, hosts, e) < 0) {
		door_free(&d);
		return -1;
	}
	*ret = d;
	return 0;
}

void
door_free(struct door **d)
{
	if (*d == NULL)
		return;
	(void)pthread_mutex_destroy(&(*d)->lock);
	free(*d);
	*d = NULL;
}

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n > t && strcasecmp(s + n - t, tail) == 0;
}

/* "name:port", "1.2.3.4:port", "[::1]:port" without the port. */
static bool
host_name(const char *host, char out[HOST_MAX])
{
	const char *end = host[0] == '[' ? strchr(host, ']') : strrchr(host, ':');
	size_t n = end != NULL ? (size_t)(end - host) : strlen(host);

	if (host[0] == '[') {
		host++;
		n--;
		if (end == NULL)
			return false;
	}
	if (n == 0 || n >= HOST_MAX)
		return false;
	memcpy(out, host, n);
	out[n] = '\0';
	return true;
}

static bool
is_ours(const struct door *d, const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		return true;
	if (strchr(name, '.') == NULL || ends_with(name, ".local") ||
	    ends_with(name, ".localhost") || strcasecmp(name, d->own) == 0)
		return true;
	for (size_t i = 0; i < d->n; i++)
		if (strcasecmp(name, d->hosts[i]) == 0)
			return true;
	return false;
}

bool
door_host(const struct door *d, const struct ask *q, struct answer *a)
{
	const char *host = ask_header(q, "Host");
	char name[HOST_MAX];

	if (host == NULL || (host_name(host, name) && is_ours(d, name)))
		return true;
	answer_error(a, 403, "Host", "this robot does not go by that name: see ROBOT_HOSTS");
	return false;
}

/* Origin is "SCHEME://HOST", where HOST is the Host of our own pages. */
static bool
own_origin(const char *origin, const char *host)
{
	const char *name = strstr(origin, "://");

	return name != NULL && host != NULL && strcasecmp(name + 3, host) == 0;
}

static bool
from_elsewhere(const struct ask *q)
{
	const char *site = ask_header(q, "Sec-Fetch-Site");
	const char *origin = ask_header(q, "Origin");

	if (site != NULL)
		return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
	return origin != NULL && !own_origin(origin, ask_header(q, "Host"));
}

/* In a time that does not tell how much of it was right. */
static bool
same_secret(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned char differ = n != m;

	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[m > 0 ? i % m : 0]);
	return differ == 0;
}

static bool
has_token(const struct door *d, const struct ask *q)
{
	const char *given = ask_header(q, "Authorization");

	if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0)
		return false;
	return same_secret(given + 7, d->token);
}

bool
door_token(const struct door *d, const struct ask *q, struct answer *a)
{
	if (d->token[0] == '\0') {
		answer_error(a, 403, NULL, "no token is configured, so nobody may");
		return false;
	}
	if (has_token(d, q))
		return true;
	answer_error(a, 401, "Authorization", "this needs the robot's token");
	return false;
}

/* A bucket that fills by DOOR_RATE a second up to DOOR_BURST. */
static bool
take(struct rate *r, int64_t now)
{
	r->left += (double)(now - r->at_ms) * DOOR_RATE / 1000;
	if (r->left > DOOR_BURST)
		r->left = DOOR_BURST;
	r->at_ms = now;
	if (r->left < 1)
		return false;
	r->left -= 1;
	return true;
}

static bool
within_rate(struct door *d, const char *remote)
{
	int64_t now = clock_mono_ms();
	struct rate *r = &d->rates[0];
	bool ok;

	(void)pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < RATES_MAX; i++) {
		if (strcmp(d->rates[i].remote, remote) == 0) {
			r = &d->rates[i];
			break;
		}
		if (d->rates[i].at_ms < r->at_ms)
			r = &d->rates[i];
	}
	if (strcmp(r->remote, remote) != 0) {
		*r = (struct rate){ .left = DOOR_BURST, .at_ms = now };
		(void)snprintf(r->remote, sizeof(r->remote), "%s", remote);
	}
	ok = take(r, now);
	(void)pthread_mutex_unlock(&d->lock);
	return ok;
}

bool
door_command(struct door *d, const struct ask *q, struct answer *a)
{
	if (!door_host(d, q, a))
		return false;
	if (d->token[0] != '\0' && !door_token(d, q, a))
		return false;
	if (from_elsewhere(q) && d->token[0] == '\0') {
		answer_error(a, 403, "Origin", "pages of other sites may not command this robot");
		return false;
	}
	if (!within_rate(d, q->remote)) {
		a->retry_later = true;
		answer_error(a, 429, NULL, "more than %d commands a second", DOOR_RATE);
		return false;
	}
	return true;
}

void
door_owner(const struct ask *q, char *out, size_t size)
{
	const char *client = ask_header(q, "Robot-Client");
	size_t n = client != NULL ? strlen(client) : 0;
	bool ok = n > 0 && n <= OWNER_MAX;

	for (size_t i = 0; i < n && ok; i++)
		ok = isgraph((unsigned char)client[i]);
	(void)snprintf(out, size, "%s", ok ? client : q->remote);
}
