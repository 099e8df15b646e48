#include <stdint.h>

/* a program's own parsers: they are in no library to link with */
#include "../../tools/robot-serve/answer.c"
#include "../../tools/robot-serve/ask.c"
#include "../../tools/robot-serve/door.c"

#include "base/jsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define LINE_MAX_BYTES 1024
enum { PATH, HOST, ORIGIN, SITE, AUTHORIZATION, CLIENT, LINES };

/* A header that is empty was not given. */
static const char *
header(const void *lines, const char *name)
{
	static const char *const names[LINES] = {
		"", "Host", "Origin", "Sec-Fetch-Site", "Authorization", "Robot-Client"
	};
	const char(*line)[LINE_MAX_BYTES] = lines;

	for (size_t i = HOST; i < LINES; i++)
		if (strcmp(names[i], name) == 0)
			return line[i][0] != '\0' ? line[i] : NULL;
	return NULL;
}

static void
check_unescape(char *path)
{
	size_t before = strlen(path), after = ask_unescape(path);

	if (after > before || strlen(path) != after)
		abort();
}

static void
check_owner(const struct ask *q)
{
	char owner[OWNER_MAX + 16];

	door_owner(q, owner, sizeof(owner));
	if (owner[0] == '\0' || strlen(owner) > OWNER_MAX)
		abort();
	for (const char *c = owner; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			abort();
}

/* Whoever is refused is told so in JSON. */
static void
check_refusal(struct answer *a)
{
	AUTO_JSN struct json_t *body =
		jsn_parse((struct view){ a->body.data, a->body.len }, "answer", NULL);

	if (body == NULL || (a->status != 401 && a->status != 403 && a->status != 429))
		abort();
}

static void
check_command(struct door *d, const struct ask *q, const char *token)
{
	const char *site = header(q->connection, "Sec-Fetch-Site");
	const char *origin = header(q->connection, "Origin"), *host = header(q->connection, "Host");
	const char *given = header(q->connection, "Authorization");
	struct answer a = { .status = 200, .body = BUF_INIT(ANSWER_BODY_MAX) };

	if (!door_command(d, q, &a)) {
		check_refusal(&a);
	} else if (token != NULL) {
		if (given == NULL || strlen(given) != 7 + strlen(token) ||
		    strcmp(given + 7, token) != 0)
			abort();
	} else if (site != NULL) {
		if (strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
			abort();
	} else if (origin != NULL) {
		if (host == NULL || strlen(origin) < strlen(host) ||
		    strcasecmp(origin + strlen(origin) - strlen(host), host) != 0)
			abort();
	}
	buf_clear(&a.body);
}

/* Lines: path, Host, Origin, Sec-Fetch-Site, Authorization, Robot-Client. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char token[] = "0123456789abcdef";
	static char lines[LINES][LINE_MAX_BYTES];
	struct view rest = { (const char *)p, n }, line;
	struct ask q = {
		.method = "POST", .remote = "10.0.0.1", .header = header, .connection = lines
	};
	struct door *d = NULL;

	memset(lines, 0, sizeof(lines));
	for (size_t i = 0; i < LINES && rest.n > 0; i++) {
		if (!view_cut(&rest, '\n', &line)) {
			line = rest;
			rest.n = 0;
		}
		(void)snprintf(lines[i], sizeof(lines[i]), "%.*s", (int)line.n, line.p);
	}
	check_unescape(lines[PATH]);
	check_owner(&q);
	for (int with = 0; with < 2; with++) {
		if (door_new(with ? token : NULL, "robots.example,torvalds.example", &d, NULL) < 0)
			return 0;
		check_command(d, &q, with ? token : NULL);
		door_free(&d);
	}
	return 0;
}
