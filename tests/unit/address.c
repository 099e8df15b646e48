#include "engine/address.h"

#include "unit.h"

static void
check(const char *text, const char *want)
{
	struct address a;
	char got[512] = "refused";

	if (address_parse(text, &a, NULL) == 0)
		(void)snprintf(got, sizeof(got), "%d user=%s host=%s port=%d path=%s", (int)a.kind,
			       a.user, a.host, a.port, a.path);
	CHECK_STR(got, want);
}

TEST(sockets_of_this_machine)
{
	check("unix:///var/run/docker.sock", "0 user= host= port=0 path=/var/run/docker.sock");
	check("unix://docker.sock", "refused");
	check("/var/run/docker.sock", "refused");
	check("", "refused");
}

TEST(hosts_by_tcp)
{
	check("tcp://robot:2376", "1 user= host=robot port=2376 path=");
	check("tcp://10.0.0.7", "1 user= host=10.0.0.7 port=0 path=");
	check("tcp://robot:2376/", "1 user= host=robot port=2376 path=");
	check("tcp://[fe80::1%eth0]:2376", "1 user= host=fe80::1%eth0 port=2376 path=");
	check("tcp://robot:0", "refused");
	check("tcp://robot:65536", "refused");
	check("tcp://robot:", "refused");
	check("tcp://:2376", "refused");
	check("tcp://[::1", "refused");
	check("tcp://[::1]x", "refused");
	check("tcp://a/b", "refused");
}

TEST(hosts_by_ssh)
{
	check("ssh://robot", "2 user= host=robot port=0 path=");
	check("ssh://pi@robot.local:2222", "2 user=pi host=robot.local port=2222 path=");
	check("ssh://pi@robot/", "2 user=pi host=robot port=0 path=");
	check("ssh://pi@robot/run/user/1000/docker.sock",
	      "2 user=pi host=robot port=0 path=/run/user/1000/docker.sock");
}

TEST(nothing_is_an_option_or_more_than_one_word)
{
	check("ssh://-oProxyCommand=x", "refused");
	check("ssh://-l@robot", "refused");
	check("ssh://robot;reboot", "refused");
	check("ssh://robot/run/a b", "refused");
	check("ssh://robot/run/$(x)", "refused");
	check("ssh://pi:secret@robot", "refused");
	check("tcp://robot?x", "refused");
}

UNIT_MAIN
