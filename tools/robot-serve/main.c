#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "access.h"
#include "base/cli.h"
#include "base/jsn.h"
#include "base/log.h"
#include "events.h"
#include "gpio_guard.h"
#include "handover.h"
#include "init.h"
#include "motion.h"
#include "setup.h"
#include "stats.h"
#include "tracing.h"
#include "watch.h"

/* docker stop kills after 10 s */
#define DRAIN_MS 8000
#define TICK_MS	 10

static const char synopsis[] =
	"robot-serve [-hVvq] [-c FILE] [--gpio BACKEND] [--listen ADDRESS:PORT] [--json]\n"
	"                   [--log-format text|json]\n"
	"       robot-serve --hold";

static const char help[] =
	"usage: robot-serve [options]\n"
	"       robot-serve --hold\n"
	"\n"
	"Serve a robot's page, health, metrics and motion over HTTP.\n"
	"\n"
	"  -c, --config FILE      which robots there are: robots.json(5); default\n"
	"                         /etc/gantry/robots.json, else two simulated ones\n"
	"  --gpio BACKEND         sim, gpiod or pigpio, whatever the file says\n"
	"  --listen ADDRESS:PORT  where to serve; default every address and $PORT\n"
	"  --hold                 serve nothing: keep this container's network for others\n"
	"                         until SIGTERM\n"
	"  --json                 records on standard output as JSON, one a line\n"
	"  --log-format FORMAT    text or json, for standard error\n"
	"  -v, --verbose          say more\n"
	"  -q, --quiet            say less\n"
	"  -h, --help             this text\n"
	"  -V, --version          name and version\n"
	"\n"
	"Environment: ROBOT_ID, APP_VERSION, PORT (5000), LOG_DIR (access log, none),\n"
	"  GANTRY_HANDOVER (1: a served port means standby), GANTRY_INSTANCE (random),\n"
	"  GANTRY_IMAGE (REPO@DIGEST: what this runs from),\n"
	"  GANTRY_SOCKET (/run/gantry/robot.sock: the same routes, in every role)\n"
	"  ROBOT_TOKEN or ROBOT_TOKEN_FILE (what commands need), ROBOT_HOSTS (more names),\n"
	"  GANTRY_UPDATE_LOCK (/run/gantry/update.lock)\n"
	"  OTEL_EXPORTER_OTLP_ENDPOINT (where traces go) and OpenTelemetry's others\n"
	"Routes: / /health /ready-for-update /metrics /api/robots /api/robots/NAME\n"
	"  /api/events; POST: /api/robots/NAME/drive|eye|servo|speed|stop /api/stop /shutdown\n"
	"Signals: TERM finish and end, USR1 promote: serve, USR2 demote: stand by\n"
	"\n"
	"Example: ROBOT_ID=robot-1 PORT=5001 robot-serve\n"
	"\n"
	"Exit status: 0 ended by a signal; 64 wrong usage; 71 the port is served already\n"
	"or the machine is at fault; 78 a wrong variable or robots.json\n";

extern char **environ;

enum { OPT_LISTEN = CLI_OWN, OPT_HOLD, OPT_GPIO };

static int
parse(int argc, char **argv, struct setup *s)
{
	static const struct option options[] = { { "listen", required_argument, NULL, OPT_LISTEN },
						 { "hold", no_argument, NULL, OPT_HOLD },
						 { "gpio", required_argument, NULL, OPT_GPIO },
						 { "config", required_argument, NULL, 'c' },
						 CLI_LONG,
						 { NULL, 0, NULL, 0 } };
	struct err e = { 0 };
	int opt, status;

	while ((opt = getopt_long(argc, argv, CLI_SHORT "c:", options, NULL)) != -1) {
		if (opt == OPT_LISTEN) {
			if (listen_parse(optarg, &s->listen, &e) < 0)
				return cli_usage(&s->cli, "--listen %s", e.msg);
			s->listen_given = true;
		} else if (opt == OPT_HOLD) {
			s->hold = true;
		} else if (opt == 'c') {
			s->config = optarg;
		} else if (opt == OPT_GPIO) {
			if (!gpio_backend_parse(optarg, &s->gpio))
				return cli_usage(&s->cli,
						 "--gpio must be sim, gpiod or pigpio, not '%s'",
						 optarg);
			s->gpio_given = true;
		} else if ((status = cli_common(&s->cli, opt, optarg)) != CLI_GO_ON) {
			return status;
		}
	}
	if (optind < argc)
		return cli_usage(&s->cli, "robot-serve takes no arguments: '%s'", argv[optind]);
	return CLI_GO_ON;
}

/* Block what the main loop reads, in all threads to come. */
static void
own_signals(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGUSR1);
	(void)sigaddset(ret, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, ret, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* as process 1 of a container: others' orphans need no wait */
	(void)signal(SIGCHLD, SIG_IGN);
}

static int
hold(const sigset_t *signals)
{
	int sig;

	do {
		sig = sigwaitinfo(signals, NULL);
	} while (sig != SIGTERM && sig != SIGINT);
	return 0;
}

/* One record for each change: "serving 0.0.0.0:5000 9f86d081884c7d65". */
static void
print_role(const struct setup *s, const struct handover *h)
{
	char name[LISTEN_NAME_MAX];

	listen_name(&h->addr, name);
	if (s->cli.json)
		(void)printf("{\"role\":\"%s\",\"listen\":\"%s\",\"instance\":\"%s\"}\n",
			     robot_role(h->robot), name, s->instance);
	else
		(void)printf("%s %s %s\n", robot_role(h->robot), name, s->instance);
	(void)fflush(stdout);
}

static bool
obey(int sig, struct handover *h)
{
	struct err e = { 0 };

	log_debug("SIG%s", sigabbrev_np(sig));
	switch (sig) {
	case SIGUSR1:
		if (handover_promote(h, &e) < 0)
			log_error("%s", e.msg);
		return true;
	case SIGUSR2:
		handover_demote(h);
		return true;
	default:
		return false;
	}
}

static int
loop(const struct setup *s, struct handover *h, const sigset_t *signals, struct err *e)
{
	AUTO_FD int fd = signalfd(-1, signals, SFD_CLOEXEC);
	struct signalfd_siginfo info = { 0 };
	struct watch watch = { 0 };
	int shown = -1;

	if (fd < 0)
		return err_sys(e, "wait for signals");
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		bool busy = handover_tick(h);
		int role = atomic_load(&h->robot->role);

		if (role != shown)
			print_role(s, h);
		shown = role;
		if (role == ROLE_SERVING)
			watch_look(&watch, h->robot->motion);
		if (poll(&p, 1, busy ? TICK_MS : WATCH_MS) <= 0)
			continue;
		if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
			continue;
		if (!obey((int)info.ssi_signo, h))
			return 0;
	}
}

/* Everything that a robot has, but for its sockets. */
static int
assemble(const struct setup *s, const struct robots *plan, struct robot *r, struct err *e)
{
	struct err warning = { 0 };

	clock_rfc3339(clock_wall_ns(), r->started);
	if (access_new(s->log_dir, &r->access, e) < 0 ||
	    door_new(s->token[0] != '\0' ? s->token : NULL, s->hosts, &r->door, e) < 0 ||
	    events_new(r, &r->events, e) < 0 ||
	    motion_new(plan, events_changed, r->events, &r->motion, e) < 0)
		return -1;
	if (access_check(r->access, &warning) < 0)
		log_warn("%s", warning.msg);
	return 0;
}

static void
take_apart(struct robot *r)
{
	motion_free(&r->motion);
	events_free(&r->events);
	door_free(&r->door);
	access_free(&r->access);
}

static int
run(const struct setup *s, struct robot *r, const sigset_t *signals, struct err *e)
{
	struct handover h = {
		.robot = r, .addr = s->listen, .enabled = s->handover, .socket = s->socket
	};
	struct err warning = { 0 };
	int status;

	if (handover_start(&h, &warning, e) < 0)
		return -1;
	if (warning.code != ERR_NONE)
		log_warn("%s; going on without it", warning.msg);
	log_debug("robot '%s' %s: its own socket is '%s', %s", r->id, r->version, h.socket,
		  h.enabled ? "a served port means standby" : "a served port is an error");
	status = loop(s, &h, signals, e);
	/* a second one ends the process at once */
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, signals, NULL);
	handover_end(&h, DRAIN_MS);
	return status;
}

static int
serve(const struct setup *s, const struct robots *plan, const sigset_t *signals, struct err *e)
{
	static struct stats stats;
	struct robot robot = { .id = s->id,
			       .version = s->version,
			       .instance = s->instance,
			       .digest = s->digest,
			       .started_ms = clock_mono_ms(),
			       .stats = &stats,
			       .update_lock = s->update_lock };
	struct tracing *tracing = NULL;
	int status;

	status = tracing_new(&robot, environ, &tracing, e);
	if (status == 0)
		status = assemble(s, plan, &robot, e);
	if (status == 0)
		status = run(s, &robot, signals, e);
	take_apart(&robot);
	tracing_free(&robot, &tracing);
	return status;
}

int
main(int argc, char **argv)
{
	struct setup s = { .cli = { .synopsis = synopsis, .help = help } };
	static struct robots plan;
	struct err e = { 0 };
	sigset_t signals;
	int status;

	if (argc > 0 && strcmp(argv[0], GPIO_GUARD_NAME) == 0)
		return gpio_guard_main();
	log_init(argv[0]);
	status = parse(argc, argv, &s);
	if (status != CLI_GO_ON)
		return status;
	/* one heap for all threads: several would each keep the most they ever had */
	(void)mallopt(M_ARENA_MAX, 1);
	own_signals(&signals);
	if (s.hold)
		return hold(&signals);
	if (setup_from_env(&s, &e) < 0 || setup_robots(&s, &plan, &e) < 0)
		return cli_fail(&e);
	if (robots_hold_lines(&plan) && !init_stay(&signals, &status, &e))
		return e.code != ERR_NONE ? cli_fail(&e) : status;
	if (serve(&s, &plan, &signals, &e) < 0)
		return cli_fail(&e);
	return cli_flush(0);
}
