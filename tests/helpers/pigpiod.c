/*
 * pigpiod PORT DIR: the robot's side of pigpio's socket, for tests.
 *
 * Speaks the wire format of pigpio's pigpiod for the commands that drive
 * outputs and keep scripts, runs those scripts, and writes down what it is
 * told: DIR/log has a line for each request, its command's name and numbers;
 * DIR/frames the bytes of those for a line, DIR/raw all bytes that came; DIR/N what line N is at, 0
 * or 1 or the duty of its PWM.  Like the real one it keeps driving when a client goes.
 *
 *     DIR/parts   if there: answers go out byte by byte
 *     DIR/mute    if there: requests are taken and not answered
 *     DIR/refuse  if there: no line may be driven (PI_NOT_PERMITTED)
 *     DIR/full    if there: no more scripts (PI_NO_SCRIPT_ROOM)
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define SCRIPTS	    32
#define WORDS	    64
#define PARS	    10
#define DATA_MAX    4096
#define NOT_GIVEN   (-48) /* PI_BAD_SCRIPT_ID */

enum {
	MODES = 0,
	MODEG,
	WRITE = 4,
	PWM = 5,
	PRS = 6,
	PFS = 7,
	SERVO = 8,
	TICK = 16,
	HWVER,
	PRG = 22,
	PFG,
	GDC = 83
};
enum { PROC = 38, PROCD, PROCR, PROCS, PROCP = 45, PROCU = 117 };
enum { HALTED = 1, RUNNING = 2 };

struct script {
	bool used;
	int run; /* HALTED, RUNNING */
	char text[DATA_MAX];
	char *word[WORDS];
	int words;
	int32_t par[PARS];
	pthread_t thread;
};

static struct script scripts[SCRIPTS];
/* what a client may ask back of a line */
static uint32_t mode[32], duty[32], range[32], hertz[32];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *dir;

static bool
has(const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void
append(const char *name, const void *p, size_t n)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "a");
	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		exit(71);
}

static void
put_line(uint32_t line, uint32_t value)
{
	char path[4096], tmp[4110];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%u", dir, line);
	(void)snprintf(tmp, sizeof(tmp), "%s.new", path);
	f = fopen(tmp, "w");
	if (f == NULL || fprintf(f, "%u", value) < 0 || fclose(f) != 0 || rename(tmp, path) < 0)
		exit(71);
}

__attribute__((format(printf, 1, 2))) static void
note(const char *fmt, ...)
{
	char text[DATA_MAX + 64];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append("log", text, (size_t)n);
}

static void
note_frame(const uint32_t q[4])
{
	unsigned char bytes[16];
	char text[2 * sizeof(bytes) + 2];

	memcpy(bytes, q, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[2 * sizeof(bytes)] = '\n';
	append("frames", text, 2 * sizeof(bytes) + 1);
}

/* "7", or "p0" for a parameter. */
static int32_t
number(const struct script *s, int at)
{
	const char *w = at < s->words ? s->word[at] : "0";

	return w[0] == 'p' ? s->par[strtoul(w + 1, NULL, 10) % PARS] : (int32_t)strtol(w, NULL, 10);
}

static int
find_tag(const struct script *s, int32_t tag)
{
	for (int i = 0; i + 1 < s->words; i++)
		if (strcmp(s->word[i], "tag") == 0 && number(s, i + 1) == tag)
			return i + 2;
	return s->words;
}

static void
sleep_ms(int32_t ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* One instruction, with the lock held; the place of the next. */
static int
step(struct script *s, int at, int32_t *a, int32_t *f)
{
	const char *w = s->word[at];
	int32_t n = number(s, at + 1);

	if (strcmp(w, "mils") == 0) {
		(void)pthread_mutex_unlock(&lock);
		sleep_ms(n);
		(void)pthread_mutex_lock(&lock);
	} else if (strcmp(w, "dcr") == 0) {
		*f = --s->par[strtoul(s->word[at + 1] + 1, NULL, 10) % PARS];
	} else if (strcmp(w, "lda") == 0) {
		*a = n;
	} else if (strcmp(w, "cmp") == 0) {
		*f = *a - n;
	} else if (strcmp(w, "jp") == 0) {
		return *f >= 0 ? find_tag(s, n) : at + 2;
	} else if (strcmp(w, "jm") == 0) {
		return *f < 0 ? find_tag(s, n) : at + 2;
	} else if (strcmp(w, "jmp") == 0) {
		return find_tag(s, n);
	} else if (strcmp(w, "pwm") == 0 || strcmp(w, "w") == 0) {
		note("SCRIPT %s %d %d\n", w, n, number(s, at + 2));
		put_line((uint32_t)n, (uint32_t)number(s, at + 2));
		*a = *f = 0;
		return at + 3;
	} else if (strcmp(w, "tag") != 0) {
		note("BAD %s\n", w);
		exit(71);
	}
	return at + 2;
}

static void *
run_script(void *arg)
{
	struct script *s = arg;
	int32_t a = 0, f = 0;
	int at = 0;

	(void)pthread_mutex_lock(&lock);
	while (s->run == RUNNING && at < s->words)
		at = step(s, at, &a, &f);
	s->run = HALTED;
	(void)pthread_mutex_unlock(&lock);
	return NULL;
}

static int32_t
store(const char *text, size_t n)
{
	for (int i = 0; i < SCRIPTS && !has("full"); i++) {
		struct script *s = &scripts[i];
		char *save = NULL;

		if (s->used)
			continue;
		*s = (struct script){ .used = true, .run = HALTED };
		memcpy(s->text, text, n);
		for (char *w = strtok_r(s->text, " ", &save); w != NULL && s->words < WORDS;
		     w = strtok_r(NULL, " ", &save))
			s->word[s->words++] = w;
		note("PROC %.*s\n", (int)n, text);
		return i;
	}
	return -57;
}

static void
set_pars(struct script *s, const char *data, size_t n)
{
	memcpy(s->par, data, n < sizeof(s->par) ? n : sizeof(s->par));
}

static void
halt(struct script *s)
{
	if (s->run != RUNNING)
		return;
	s->run = HALTED;
	(void)pthread_mutex_unlock(&lock);
	(void)pthread_join(s->thread, NULL);
	(void)pthread_mutex_lock(&lock);
}

static int32_t
on_script(const uint32_t q[4], const char *data, size_t n, char *out)
{
	struct script *s = &scripts[q[1] % SCRIPTS];
	int32_t state;

	if (q[0] == PROC)
		return store(data, n);
	if (q[1] >= SCRIPTS || !s->used)
		return NOT_GIVEN;
	if (q[0] != PROCP)
		note("%s %u\n",
		     q[0] == PROCU   ? "PROCU"
		     : q[0] == PROCR ? "PROCR"
		     : q[0] == PROCS ? "PROCS"
				     : "PROCD",
		     q[1]);
	switch (q[0]) {
	case PROCR:
		set_pars(s, data, n);
		s->run = RUNNING;
		return pthread_create(&s->thread, NULL, run_script, s) == 0 ? 0 : -62;
	case PROCU:
		set_pars(s, data, n);
		return 0;
	case PROCP:
		state = s->run;
		memcpy(out, &state, 4);
		memcpy(out + 4, s->par, sizeof(s->par));
		return (int32_t)(4 + sizeof(s->par));
	default:
		halt(s);
		s->used = q[0] == PROCS;
		return 0;
	}
}

/* The result; above 0 for PROCP also how many bytes are in out. */
static int32_t
obey(const uint32_t q[4], const char *data, size_t n, char *out)
{
	static const char *const names[] = { "MODES", "MODEG", "PUD", "READ", "WRITE",
					     "PWM",   "PRS",   "PFS", "SERVO" };

	if ((q[0] >= PROC && q[0] <= PROCS) || q[0] == PROCP || q[0] == PROCU)
		return on_script(q, data, n, out);
	if (q[0] == TICK)
		return -5; /* a number of microseconds, which may look like this */
	if (q[0] == HWVER)
		return 0xa02082; /* a Raspberry Pi 3 */
	if (q[0] == MODEG || q[0] == PRG || q[0] == PFG || q[0] == GDC)
		return (int32_t)(q[0] == MODEG ? mode
				 : q[0] == PRG ? range
				 : q[0] == PFG ? hertz
					       : duty)[q[1] % 32];
	/* what pigpio's own clients ask for beside that needs no more */
	if (q[0] >= COUNT_OF(names) || names[q[0]] == NULL)
		return 0;
	if (q[1] > 31)
		return -2;
	note("%s %u %u\n", names[q[0]], q[1], q[2]);
	note_frame(q);
	if (has("refuse"))
		return -41;
	switch (q[0]) {
	case MODES:
		mode[q[1]] = q[2];
		break;
	case PRS:
		range[q[1]] = q[2];
		break;
	case PFS:
		hertz[q[1]] = q[2];
		break;
	case PWM:
		duty[q[1]] = q[2];
		break;
	}
	if (q[0] == WRITE || q[0] == PWM)
		put_line(q[1], q[2]);
	return q[0] == PRS || q[0] == PFS ? (int32_t)q[2] : 0;
}

static bool
take(int fd, void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = read(fd, at, n);

		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static bool
give(int fd, const char *p, size_t n)
{
	size_t part = has("parts") ? 1 : n;

	for (size_t i = 0; i < n; i += part)
		if (send(fd, p + i, part, MSG_NOSIGNAL) != (ssize_t)part)
			return false;
	return true;
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint32_t q[4];
	char data[DATA_MAX], out[16 + 64];

	while (take(fd, q, sizeof(q))) {
		bool carries = q[0] == PROC || q[0] == PROCR || q[0] == PROCU;
		size_t n = carries && q[3] <= DATA_MAX ? q[3] : 0;
		int32_t result;

		if (!take(fd, data, n))
			break;
		(void)pthread_mutex_lock(&lock);
		append("raw", q, sizeof(q));
		append("raw", data, n);
		result = obey(q, data, n, out + 16);
		(void)pthread_mutex_unlock(&lock);
		memcpy(out, q, 12);
		memcpy(out + 12, &result, 4);
		if (!has("mute") &&
		    !give(fd, out, q[0] == PROCP && result > 0 ? 16 + (size_t)result : 16))
			break;
	}
	(void)close(fd);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3) {
		(void)fprintf(stderr, "usage: pigpiod PORT DIR\n");
		return 64;
	}
	dir = argv[2];
	(void)signal(SIGPIPE, SIG_IGN);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 || listen(fd, 16) < 0) {
		perror(argv[1]);
		return 71;
	}
	for (;;) {
		int one = accept(fd, NULL, NULL);
		pthread_t thread;

		if (one < 0)
			continue;
		(void)setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)one) == 0)
			(void)pthread_detach(thread);
	}
}
