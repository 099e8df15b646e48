#include "net/netns.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

struct want {
	int netns, family, type, protocol;
	int fd, why;
};

static void *
run(void *arg)
{
	struct want *w = arg;

	if (setns(w->netns, CLONE_NEWNET) == 0)
		w->fd = socket(w->family, w->type, w->protocol);
	w->why = errno;
	return NULL;
}

int
netns_socket(int netns, int family, int type, int protocol)
{
	struct want w = { netns, family, type, protocol, .fd = -1 };
	pthread_t thread;
	/* a thread that goes away has no way back to fail on */
	int why = pthread_create(&thread, NULL, run, &w);

	if (why != 0) {
		errno = why;
		return -1;
	}
	(void)pthread_join(thread, NULL);
	errno = w.why;
	return w.fd;
}
