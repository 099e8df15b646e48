/*
 * answer PORT|SOCKET: a web server for tests, which does what the path says.
 *
 *     /status/N     that status            /slow/MS   200 after so long
 *     /json         a health report        /big       1 MiB of x
 *     /nth/N        503 until the Nth request of this kind
 *     /flap         200, 503, 200, 503…    /wants     200 with "X-Test: yes", else 400
 *     /gather/N     200 to N requests at once, when the last of them has come
 *     anything else is 200 and HTML, as a hotel's login page would be
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BIG (1U << 20)

static unsigned int *count; /* of /nth, /flap and /gather, shared by all children */
static int gate[2];	    /* where /gather waits for the last one, who has a byte for each */

static int
listen_on(const char *where)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool local = strchr(where, '/') != NULL;
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM, 0), on = 1, n;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)strtoul(where, NULL, 10));
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", where);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	n = local ? bind(fd, (struct sockaddr *)&un, sizeof(un))
		  : bind(fd, (struct sockaddr *)&in, sizeof(in));
	if (n < 0 || listen(fd, SOMAXCONN) < 0) {
		perror(where);
		exit(71);
	}
	return fd;
}

static void
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = write(fd, p, n);

		if (sent <= 0)
			exit(0);
		p += sent;
		n -= (size_t)sent;
	}
}

static void
reply(int fd, int status, const char *type, const char *body, size_t n)
{
	char head[256];
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 %d Words\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			   "%sConnection: close\r\n\r\n",
			   status, type, n,
			   status / 100 == 3 ? "Location: http://127.0.0.1:1/\r\n" : "");

	send_all(fd, head, (size_t)len);
	send_all(fd, body, n);
}

static void
text(int fd, int status, const char *body)
{
	reply(fd, status, "text/plain", body, strlen(body));
}

static const char *
after(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

static void
serve(int fd, const char *request, const char *path)
{
	static const char json[] =
		"{\"status\":\"healthy\",\"motor\":{\"ok\":true,\"volts\":12,\"error\":null}}";
	static const char html[] = "<html><body>Please log in</body></html>";
	static char big[BIG];
	const char *arg;

	if ((arg = after(path, "/status/")) != NULL) {
		text(fd, (int)strtol(arg, NULL, 10), "words\n");
	} else if ((arg = after(path, "/slow/")) != NULL) {
		(void)usleep((useconds_t)strtoul(arg, NULL, 10) * 1000);
		text(fd, 200, "at last\n");
	} else if ((arg = after(path, "/nth/")) != NULL) {
		unsigned int n = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);

		text(fd, n >= strtoul(arg, NULL, 10) ? 200 : 503, "words\n");
	} else if ((arg = after(path, "/gather/")) != NULL) {
		unsigned int all = (unsigned int)strtoul(arg, NULL, 10);
		char one;

		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) == all)
			send_all(gate[1], big, all);
		if (read(gate[0], &one, 1) == 1)
			text(fd, 200, "all here\n");
	} else if (after(path, "/flap") != NULL) {
		text(fd, __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST) % 2 ? 503 : 200, "words\n");
	} else if (after(path, "/json") != NULL) {
		reply(fd, 200, "application/json", json, strlen(json));
	} else if (after(path, "/big") != NULL) {
		memset(big, 'x', sizeof(big));
		reply(fd, 200, "text/plain", big, sizeof(big));
	} else if (after(path, "/wants") != NULL) {
		text(fd, strstr(request, "X-Test: yes\r\n") != NULL ? 200 : 400, "words\n");
	} else {
		reply(fd, 200, "text/html", html, strlen(html));
	}
}

static void
child(int fd)
{
	char request[8192], path[1024] = "/";
	size_t n = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (n < sizeof(request) - 1) {
		ssize_t got = read(fd, request + n, sizeof(request) - 1 - n);

		if (got <= 0)
			exit(0);
		n += (size_t)got;
		if (request[0] < 'A') /* TLS is not spoken here */
			exit(0);
		request[n] = '\0';
		if (strstr(request, "\r\n\r\n") != NULL)
			break;
	}
	(void)sscanf(request, "%*s %1023s", path);
	serve(fd, request, path);
	exit(0);
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: answer PORT|SOCKET\n");
		return 64;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (count == MAP_FAILED || pipe(gate) < 0)
		return 71;
	fd = listen_on(argv[1]);
	for (;;) {
		int one = accept(fd, NULL, NULL);

		if (one >= 0 && fork() == 0)
			child(one);
		if (one >= 0)
			(void)close(one);
	}
}
