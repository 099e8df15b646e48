#include "handover.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "motion.h"

#define THREADS		2
#define DEMOTE_GRACE_MS 5000 /* an idle client has time to see "close" with its next request */
#define END_GRACE_MS	500
#define TICK_MS		5

static void
set_role(struct handover *h, enum role role)
{
	atomic_store(&h->robot->role, role);
}

static int
serve_tcp(struct handover *h, enum listen_mode mode, struct err *e)
{
	int fd;

	if (listen_tcp(&h->addr, mode, &fd, e) < 0)
		return -1;
	if (server_start(h->robot, fd, THREADS, &h->tcp, e) < 0)
		return -1;
	set_role(h, ROLE_SERVING);
	motion_take(h->robot->motion);
	return 0;
}

static int
serve_socket(struct handover *h, struct err *e)
{
	int fd;

	if (listen_unix(h->socket, &fd, e) < 0) {
		/* here, unlike for the port, a taken socket is never expected */
		if (e->code == ERR_NO)
			e->code = ERR_SYS;
		return -1;
	}
	return server_start(h->robot, fd, 1, &h->own, e);
}

int
handover_start(struct handover *h, struct err *ret_warning, struct err *e)
{
	struct err why = { 0 };

	set_role(h, ROLE_STANDBY);
	if (serve_tcp(h, h->enabled ? LISTEN_FIRST : LISTEN_ALONE, &why) < 0) {
		if (why.code != ERR_NO || !h->enabled)
			return err_set(e, ERR_SYS, "%s", why.msg);
	}
	why = (struct err){ 0 };
	if (serve_socket(h, &why) < 0) {
		if (!h->enabled) {
			*ret_warning = why;
			return 0;
		}
		server_free(&h->tcp);
		return err_set(e, why.code, "%s", why.msg);
	}
	return 0;
}

int
handover_promote(struct handover *h, struct err *e)
{
	if (h->tcp != NULL)
		return 0;
	if (serve_tcp(h, LISTEN_JOIN, e) < 0)
		return err_wrap(e, "promote");
	return 0;
}

void
handover_demote(struct handover *h)
{
	if (h->tcp == NULL)
		return;
	server_free(&h->leaving);
	h->leaving = TAKE_PTR(h->tcp);
	set_role(h, ROLE_DRAINING);
	/* robots stand before anything else; another instance waits for the lines */
	motion_leave(h->robot->motion);
	server_drain(h->leaving);
}

bool
handover_tick(struct handover *h)
{
	if (h->leaving == NULL)
		return false;
	if (!server_quiet(h->leaving, DEMOTE_GRACE_MS))
		return true;
	server_free(&h->leaving);
	if (h->tcp == NULL)
		set_role(h, ROLE_STANDBY);
	return false;
}

void
handover_end(struct handover *h, int64_t drain_ms)
{
	struct deadline end = clock_deadline(drain_ms);

	handover_demote(h);
	while (h->leaving != NULL && !clock_over(end) && !server_quiet(h->leaving, END_GRACE_MS))
		clock_sleep_ms(TICK_MS, NULL);
	server_free(&h->leaving);
	if (h->own != NULL)
		(void)unlink(h->socket);
	server_free(&h->own);
}
