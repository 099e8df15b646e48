#include "fleet/probe_parts.h"

#include "unit.h"

static const char *
judge_container(const char *status, const char *health, struct probe_result *r)
{
	struct peek p = { .exit_code = 3 };

	(void)snprintf(p.status, sizeof(p.status), "%s", status);
	(void)snprintf(p.health, sizeof(p.health), "%s", health);
	*r = (struct probe_result){ .healthy = true };
	probe_judge_container(&p, r);
	CHECK(r->healthy == (r->reason[0] == '\0'));
	return r->reason;
}

TEST(only_a_container_that_runs_is_healthy)
{
	struct probe_result r;

	CHECK_STR(judge_container("running", "", &r), "");
	CHECK_STR(judge_container("running", "healthy", &r), "");
	CHECK_STR(judge_container("running", "starting", &r),
		  "its health check has not passed yet");
	CHECK_STR(judge_container("running", "unhealthy", &r), "its health check fails");
	CHECK_STR(judge_container("paused", "healthy", &r), "it is paused");
	CHECK_STR(judge_container("restarting", "", &r), "it is restarting");
	CHECK_STR(judge_container("created", "", &r), "it is created");
	CHECK_STR(judge_container("exited", "healthy", &r), "it has exited with status 3");
}

static const char *
judge(const char *target, const struct probe_opts *o, struct probe_result *r)
{
	AUTO_TARGET struct probe_target t = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(1);

	CHECK(probe_target_parse(target, &t, NULL) == 0);
	r->healthy = true;
	probe_judge(o, NULL, &t, &body, r);
	return r->reason;
}

TEST(a_certificate_whose_end_is_not_known_is_not_good)
{
	struct probe_opts o = { .tls_days = 1 };
	struct probe_result r = { .status = 200 };

	CHECK_STR(judge("https://robot/", &o, &r), "it cannot be told when the certificate ends");
	CHECK(!r.healthy);
}

TEST(a_connection_may_take_too_long_as_well)
{
	struct probe_opts o = { .max_time_ms = 100 };
	struct probe_result at = { .ms = 100 }, over = { .ms = 101 };

	CHECK_STR(judge("tcp://robot:1", &o, &at), "");
	CHECK_STR(judge("tcp://robot:1", &o, &over), "took 101 ms, longer than 100");
}

TEST(the_first_reason_stays)
{
	struct probe_opts o = { .tls_days = 1, .max_time_ms = 1 };
	struct probe_result r = { .status = 500, .ms = 2 };

	CHECK_STR(judge("https://robot/", &o, &r), "answered 500, not 200-399");
}

UNIT_MAIN
