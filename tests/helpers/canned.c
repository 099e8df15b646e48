/*
 * canned: an HTTP server that answers from files, for faults on demand.
 *
 *     canned PORT DIR
 *
 * A request for METHOD /a/b is answered with the bytes of DIR/METHOD_a_b, else
 * of DIR/default, status line and headers included; then the connection is
 * closed.  Each request line is appended to DIR/log, each body of at most 60 kB
 * that has a length to DIR/bodies, as a line.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void
note(const char *dir, const char *request)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "a");
	if (f == NULL)
		return;
	(void)fprintf(f, "%.*s\n", (int)strcspn(request, "\r\n"), request);
	(void)fclose(f);
}

static int
open_answer(const char *dir, const char *request)
{
	char path[4096], name[1024];
	int fd;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(request, "?\r\n"), request);
	/* "GET /v2/ HTTP/1.1" is GET_v2_ */
	for (char *p = name; *p != '\0'; p++) {
		if (*p == ' ' && p[1] == '/') {
			memmove(p, p + 1, strlen(p));
			*p = '_';
		} else if (*p == ' ') {
			*p = '\0';
			break;
		} else if (*p == '/') {
			*p = '_';
		}
	}
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	(void)snprintf(path, sizeof(path), "%s/default", dir);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void
note_body(int c, const char *dir, char *request, size_t n, size_t max)
{
	const char *length = strcasestr(request, "\r\nContent-Length:");
	size_t head = (size_t)(strstr(request, "\r\n\r\n") + 4 - request), want;
	char path[4096];
	ssize_t got;
	FILE *f;

	if (length == NULL)
		return;
	want = strtoul(length + 17, NULL, 10);
	if (want == 0 || want > max - head)
		return;
	while (n - head < want && (got = read(c, request + n, max - n)) > 0)
		n += (size_t)got;
	(void)snprintf(path, sizeof(path), "%s/bodies", dir);
	f = fopen(path, "a");
	if (f == NULL)
		return;
	(void)fprintf(f, "%.*s\n", (int)want, request + head);
	(void)fclose(f);
}

static void
answer(int c, const char *dir)
{
	char request[65536];
	size_t n = 0;
	ssize_t got;
	struct stat st;
	int fd;

	do {
		got = read(c, request + n, sizeof(request) - 1 - n);
		if (got <= 0)
			return;
		n += (size_t)got;
		request[n] = '\0';
	} while (strstr(request, "\r\n\r\n") == NULL && n < sizeof(request) - 1);
	note(dir, request);
	if (strstr(request, "\r\n\r\n") != NULL)
		note_body(c, dir, request, n, sizeof(request) - 1);
	fd = open_answer(dir, request);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0)
		while (sendfile(c, fd, NULL, 1 << 20) > 0)
			;
	(void)close(fd);
	(void)shutdown(c, SHUT_WR);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int s, on = 1;

	if (argc != 3)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	a.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 64) < 0) {
		perror("canned");
		return 71;
	}
	for (;;) {
		int c = accept(s, NULL, NULL);

		if (c < 0)
			continue;
		if (fork() == 0) {
			answer(c, argv[2]);
			_exit(0);
		}
		(void)close(c);
	}
}
