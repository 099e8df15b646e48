#include "engine/local.h"

#include <unistd.h>

#include "unit.h"

/* A process of that number is here, and it is not the container's: that one is on another machine.
 */
TEST(a_process_counts_only_where_its_container_is)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct err e = { 0 };
	int fd = -1;

	CHECK(local_network(getpid(), id, &fd, &e) < 0 && e.code == ERR_TEMP && fd == -1);
	CHECK_STR(e.msg, "the container's process is not on this machine");
	CHECK(!local_signal(getpid(), id, 0));
	/* nothing is a part of everything */
	CHECK(!local_signal(getpid(), "", 0) && local_network(getpid(), "", &fd, NULL) < 0);
}

TEST(one_that_does_not_run_has_no_network)
{
	struct err e = { 0 };
	int fd = -1;

	CHECK(local_network(0, "", &fd, &e) < 0 && e.code == ERR_TEMP);
}

UNIT_MAIN
