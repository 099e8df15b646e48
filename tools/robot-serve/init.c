#include "init.h"

#include <sys/wait.h>
#include <unistd.h>

#define STATUS_KILLED 128 /* as shells say it: and the signal's number */

/* All that have ended; false when there is nobody left. */
static bool
reap(pid_t server, int *ret_status)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == server)
			*ret_status = WIFEXITED(status) ? WEXITSTATUS(status)
							: STATUS_KILLED + WTERMSIG(status);
	}
	return pid == 0;
}

bool
init_stay(const sigset_t *signals, int *ret_status, struct err *e)
{
	sigset_t all = *signals;
	pid_t server;
	int sig;

	if (getpid() != 1)
		return true;
	(void)sigaddset(&all, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)signal(SIGCHLD, SIG_DFL);
	server = fork();
	if (server == 0) {
		(void)signal(SIGCHLD, SIG_IGN);
		return true;
	}
	if (server < 0)
		(void)err_sys(e, "start the server");
	*ret_status = 0;
	while (reap(server, ret_status)) {
		sig = sigwaitinfo(&all, NULL);
		if (sig > 0 && sig != SIGCHLD)
			(void)kill(server, sig);
	}
	return false;
}
