#include "engine/spec.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/jsn.h"
#include "unit.h"

#define NEXT_IMAGE                         \
	"registry.local/robot-app@sha256:" \
	"2222222222222222222222222222222222222222222222222222222222222222"

static struct json_t *
sample(const char *path)
{
	AUTO_BUF struct buf text = BUF_INIT(1U << 20);
	struct err e = { 0 };

	if (file_read(AT_FDCWD, path, &text, &e) < 0) {
		printf("# %s\n", e.msg);
		return NULL;
	}
	return jsn_parse(view_buf(&text), path, NULL);
}

static struct json_t *
make(const char *container, const char *tag)
{
	AUTO_JSN struct json_t *c = sample(container);
	AUTO_JSN struct json_t *image = sample("tests/data/image-0.0.1.json");
	struct spec_new n = {
		.image = NEXT_IMAGE, .service = "robot-service-1", .tag = tag, .instance = "i-2"
	};
	struct json_t *made = NULL;
	struct err e = { 0 };

	if (spec_make(c, image, &n, &made, &e) < 0)
		printf("# %s\n", e.msg);
	return made;
}

static void
check_json(const struct json_t *v, const char *path, const char *want)
{
	const struct json_t *at = jsn_get(v, path);
	char *got = at != NULL ? jsn_dump_sorted(at) : NULL;

	CHECK_STR(got != NULL ? got : "nothing", want);
	free(got);
}

TEST(what_came_with_the_image_follows_the_new_one)
{
	AUTO_JSN struct json_t *s = make("tests/data/container-robot-service-1.json", "0.0.2");

	check_json(s, "Cmd", "nothing");
	check_json(s, "Entrypoint", "nothing");
	check_json(s, "User", "nothing");
	check_json(s, "WorkingDir", "nothing");
	check_json(s, "Healthcheck", "nothing");
	check_json(s, "Volumes", "nothing");
	check_json(s, "StopSignal", "nothing");
	check_json(s, "Env",
		   "[\"ROBOT_ID=robot-1\",\"GANTRY_INSTANCE=i-2\",\"GANTRY_IMAGE=" NEXT_IMAGE
		   "\"]");
	check_json(s, "Labels",
		   "{\"com.docker.compose.project\":\"site\","
		   "\"com.docker.compose.service\":\"robot-service-1\","
		   "\"io.gantry.service\":\"robot-service-1\",\"io.gantry.tag\":\"0.0.2\"}");
	CHECK_STR(jsn_str(s, "Image"), NEXT_IMAGE);
}

TEST(a_joined_network_leaves_no_names_or_ports)
{
	AUTO_JSN struct json_t *s = make("tests/data/container-robot-service-1.json", "");

	check_json(s, "Hostname", "nothing");
	check_json(s, "ExposedPorts", "nothing");
	check_json(s, "NetworkingConfig", "nothing");
	check_json(s, "HostConfig.ReadonlyRootfs", "true");
	check_json(s, "HostConfig.Tmpfs", "{\"/run/gantry\":\"uid=10001,gid=10001\"}");
	CHECK(jsn_at_key(jsn_get(s, "Labels"), "io.gantry.tag") == NULL);
}

TEST(the_restart_policy_waits_with_the_old_container)
{
	AUTO_JSN struct json_t *s = make("tests/data/container-web.json", "");

	check_json(s, "HostConfig.RestartPolicy", "{\"MaximumRetryCount\":0,\"Name\":\"no\"}");
}

TEST(what_people_set_stays)
{
	AUTO_JSN struct json_t *s = make("tests/data/container-web.json", "");

	check_json(s, "Entrypoint", "[\"/t\"]");
	check_json(s, "Cmd", "[\"serve\"]");
	check_json(s, "Hostname", "\"web1\"");
	check_json(s, "Env",
		   "[\"APP_VERSION=dev\",\"GANTRY_INSTANCE=i-2\",\"GANTRY_IMAGE=" NEXT_IMAGE "\"]");
	check_json(s, "HostConfig.Memory", "67108864");
	check_json(s, "HostConfig.PortBindings",
		   "{\"5000/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]}");
	check_json(s, "NetworkingConfig.EndpointsConfig.site",
		   "{\"Aliases\":[\"front\",\"web1\"]}");
	CHECK(jsn_get(s, "NetworkingConfig.EndpointsConfig.extra") != NULL);
}

TEST(volumes_without_a_name_keep_their_data)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = make("tests/data/container-web.json", "");
	const struct json_t *binds = jsn_get(s, "HostConfig.Binds");
	const char *name = NULL;
	char want[128];

	for (size_t i = 0; i < jsn_len(jsn_get(c, "Mounts")); i++) {
		const struct json_t *m = jsn_at(jsn_get(c, "Mounts"), i);

		if (strcmp(jsn_str_or(m, "Destination", ""), "/data") == 0)
			name = jsn_str(m, "Name");
	}
	(void)snprintf(want, sizeof(want), "%s:/data", name != NULL ? name : "none");
	CHECK(jsn_len(binds) == 2);
	CHECK_STR(jsn_str(jsn_at(binds, 0), ""), "logs:/logs:ro");
	CHECK_STR(jsn_str(jsn_at(binds, 1), ""), want);
}

TEST(a_volume_is_mounted_once_however_its_place_is_written)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	struct json_t *host = jsn_child(c, "HostConfig"), *mount = jsn_object();
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	/* "--volume logs:/logs/ --mount type=volume,dst=/data/" */
	jsn_set(host, "Binds", jsn_array());
	jsn_push(jsn_mutable(jsn_at_key(host, "Binds")), jsn_string("logs:/logs/:ro"));
	jsn_set_str(mount, "Type", "volume");
	jsn_set_str(mount, "Target", "/data/");
	jsn_set(host, "Mounts", jsn_array());
	jsn_push(jsn_mutable(jsn_at_key(host, "Mounts")), mount);
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	check_json(s, "HostConfig.Binds", "[\"logs:/logs/:ro\"]");
	CHECK(jsn_len(jsn_get(s, "HostConfig.Mounts")) == 1);
	mount = jsn_mutable(jsn_at(jsn_get(s, "HostConfig.Mounts"), 0));
	CHECK(strlen(jsn_str_or(mount, "Source", "")) == 64);
}

TEST(a_volume_without_a_name_that_is_only_read_stays_so)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	const struct json_t *mounts = jsn_get(c, "Mounts");
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	for (size_t i = 0; i < jsn_len(mounts); i++)
		jsn_set_bool(jsn_mutable(jsn_at(mounts, i)), "RW", false);
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	CHECK(strstr(jsn_str_or(jsn_at(jsn_get(s, "HostConfig.Binds"), 1), "", ""), ":/data:ro") !=
	      NULL);
}

TEST(a_port_of_the_image_and_a_name_that_is_the_id_follow_too)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *image = jsn_object();
	AUTO_JSN struct json_t *s = NULL;
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set_str(c, "Id", "0123456789abcdef");
	jsn_set_str(jsn_child(c, "Config"), "Hostname", "0123456789ab");
	jsn_set(jsn_child(c, "Config"), "ExposedPorts", jsn_object());
	jsn_set(jsn_child(jsn_child(c, "Config"), "ExposedPorts"), "9/tcp", jsn_object());
	jsn_set(jsn_child(jsn_child(c, "Config"), "ExposedPorts"), "5000/tcp", jsn_object());
	jsn_set(jsn_child(jsn_child(image, "Config"), "ExposedPorts"), "9/tcp", jsn_object());
	CHECK(spec_make(c, image, &n, &s, NULL) == 0);
	check_json(s, "ExposedPorts", "{\"5000/tcp\":{}}");
	check_json(s, "Hostname", "nothing");
}

TEST(what_a_network_was_told_stays)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	struct json_t *end = jsn_mutable(jsn_get(c, "NetworkSettings.Networks.site"));
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set_str(jsn_child(end, "IPAMConfig"), "IPv4Address", "10.214.0.50");
	jsn_set_str(jsn_child(end, "DriverOpts"), "a", "b");
	jsn_set_int(end, "GwPriority", 7);
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	end = jsn_mutable(jsn_get(s, "NetworkingConfig.EndpointsConfig.site"));
	check_json(end, "IPAMConfig", "{\"IPv4Address\":\"10.214.0.50\"}");
	check_json(end, "DriverOpts", "{\"a\":\"b\"}");
	check_json(end, "GwPriority", "7");
}

TEST(a_name_goes_where_the_engine_takes_none)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set_str(jsn_child(c, "HostConfig"), "UTSMode", "host");
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	check_json(s, "Hostname", "nothing");
}

TEST(what_podman_makes_up_does_not_stay_and_what_it_does_not_tell_is_said)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *image = jsn_object();
	AUTO_JSN struct json_t *s = NULL;
	struct json_t *env = jsn_array(), *devices = jsn_array(), *device = jsn_object();
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set_str(c, "Id", "0123456789abcdef");
	jsn_push(env, jsn_string("HOSTNAME=0123456789ab"));
	jsn_push(env, jsn_string("HOSTNAME=mine"));
	jsn_set(jsn_child(c, "Config"), "Env", env);
	jsn_set_str(jsn_child(c, "Config"), "StopSignal", "2");
	jsn_set_str(jsn_child(image, "Config"), "StopSignal", "SIGINT");
	jsn_set_str(device, "PathOnHost", "/dev/gpiochip0");
	jsn_set_str(device, "CgroupPermissions", "");
	jsn_push(devices, device);
	jsn_set(jsn_child(c, "HostConfig"), "Devices", devices);
	CHECK(spec_make(c, image, &n, &s, NULL) == 0);
	check_json(s, "Env", "[\"HOSTNAME=mine\",\"GANTRY_INSTANCE=i\",\"GANTRY_IMAGE=x\"]");
	check_json(s, "StopSignal", "nothing");
	check_json(jsn_at(jsn_get(s, "HostConfig.Devices"), 0), "CgroupPermissions", "\"rwm\"");
	jsn_set_str(jsn_child(image, "Config"), "StopSignal", "SIGQUIT");
	jsn_free(&s);
	CHECK(spec_make(c, image, &n, &s, NULL) == 0);
	check_json(s, "StopSignal", "\"2\"");
}

TEST(what_podman_tells_twice_or_by_another_name_is_taken_by_it)
{
	static const char *const twice[] = { "NanoCpus", "CpuPeriod", "CpuQuota" };
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	struct json_t *host = jsn_child(c, "HostConfig");
	struct json_t *limits = jsn_array(), *limit = jsn_object();
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	for (size_t i = 0; i < COUNT_OF(twice); i++)
		jsn_set_int(host, twice[i], 100000);
	jsn_set_str(limit, "Name", "RLIMIT_NOFILE");
	jsn_push(limits, limit);
	jsn_set(host, "Ulimits", limits);
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	check_json(s, "HostConfig.NanoCpus", "100000");
	check_json(s, "HostConfig.CpuPeriod", "nothing");
	check_json(s, "HostConfig.CpuQuota", "nothing");
	check_json(s, "HostConfig.Ulimits", "[{\"Name\":\"nofile\"}]");
	jsn_free(&s);
	/* --cpu-quota */
	jsn_set_int(host, "NanoCpus", 0);
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	check_json(s, "HostConfig.CpuQuota", "100000");
}

TEST(one_network_is_kept_where_its_mode_has_no_name)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	struct json_t *nets = jsn_child(jsn_child(c, "NetworkSettings"), "Networks");
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set_str(jsn_child(c, "HostConfig"), "NetworkMode", "bridge");
	jsn_remove(nets, "extra");
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	CHECK(jsn_get(s, "NetworkingConfig.EndpointsConfig.site") != NULL);
	jsn_free(&s);
	jsn_set(nets, "bridge", jsn_object());
	jsn_remove(nets, "site");
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	check_json(s, "NetworkingConfig", "nothing");
}

TEST(an_address_of_the_link_stays_if_somebody_set_it)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *made_up = NULL;
	AUTO_JSN struct json_t *set = NULL;
	struct json_t *end = jsn_mutable(jsn_get(c, "NetworkSettings.Networks.site"));
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set_str(end, "IPAddress", "10.214.0.50");
	jsn_set_str(end, "MacAddress", "02:42:0a:d6:00:32");
	CHECK(spec_make(c, NULL, &n, &made_up, NULL) == 0);
	check_json(made_up, "NetworkingConfig.EndpointsConfig.site.MacAddress", "nothing");
	jsn_set_str(end, "MacAddress", "02:42:0a:d6:00:33");
	CHECK(spec_make(c, NULL, &n, &set, NULL) == 0);
	check_json(set, "NetworkingConfig.EndpointsConfig.site.MacAddress",
		   "\"02:42:0a:d6:00:33\"");
}

TEST(graphics_cards_and_all_that_we_do_not_know_stay)
{
	static const char gpus[] = "[{\"Capabilities\":[[\"gpu\"]],\"Count\":-1,"
				   "\"DeviceIDs\":null,\"Driver\":\"nvidia\",\"Options\":{}}]";
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	AUTO_JSN struct json_t *s = NULL;
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };

	jsn_set(jsn_child(c, "HostConfig"), "DeviceRequests",
		jsn_parse(view_of(gpus), "gpus", NULL));
	jsn_set_str(jsn_child(c, "HostConfig"), "OfTheFuture", "x");
	jsn_set_str(jsn_child(c, "Config"), "OfTheFuture", "y");
	CHECK(spec_make(c, NULL, &n, &s, NULL) == 0);
	check_json(s, "HostConfig.DeviceRequests", gpus);
	check_json(s, "HostConfig.OfTheFuture", "\"x\"");
	check_json(s, "OfTheFuture", "\"y\"");
}

TEST(what_was_saved_is_made_again_for_another_image)
{
	AUTO_JSN struct json_t *s = make("tests/data/container-robot-service-1.json", "0.0.2");
	AUTO_JSN struct json_t *again = NULL;
	AUTO_JSN struct json_t *bad = jsn_string("torn");
	struct spec_new n = {
		.image = "y", .service = "robot-service-1", .tag = "", .instance = "z"
	};

	CHECK(spec_again(s, &n, &again, NULL) == 0);
	CHECK_STR(jsn_str(again, "Image"), "y");
	check_json(again, "Env",
		   "[\"ROBOT_ID=robot-1\",\"GANTRY_INSTANCE=i-2\",\"GANTRY_IMAGE=y\"]");
	CHECK(jsn_at_key(jsn_get(again, "Labels"), "io.gantry.tag") == NULL);
	CHECK(jsn_equal(jsn_get(again, "HostConfig"), jsn_get(s, "HostConfig")));
	CHECK_STR(jsn_str(s, "Image"), NEXT_IMAGE);
	jsn_free(&again);
	again = NULL;
	CHECK(spec_again(bad, &n, &again, NULL) == -1);
	CHECK(spec_again(NULL, &n, &again, NULL) == -1);
}

TEST(a_second_time_gives_the_same)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-robot-service-1.json");
	AUTO_JSN struct json_t *image = sample("tests/data/image-0.0.1.json");
	AUTO_JSN struct json_t *first = NULL;
	AUTO_JSN struct json_t *second = NULL;
	struct spec_new n = {
		.image = NEXT_IMAGE, .service = "robot-service-1", .tag = "", .instance = "i-2"
	};

	CHECK(spec_make(c, image, &n, &first, NULL) == 0);
	jsn_set(c, "Config", jsn_copy(first));
	CHECK(spec_make(c, image, &n, &second, NULL) == 0);
	check_json(second, "Env",
		   "[\"ROBOT_ID=robot-1\",\"GANTRY_INSTANCE=i-2\",\"GANTRY_IMAGE=" NEXT_IMAGE
		   "\"]");
	jsn_remove(first, "HostConfig");
	jsn_remove(second, "HostConfig");
	CHECK(jsn_equal(first, second));
}

TEST(what_removes_itself_is_refused)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");
	struct spec_new n = { .image = "x", .service = "web", .tag = "", .instance = "i" };
	struct json_t *made = NULL;
	struct err e = { 0 };

	jsn_set_bool(jsn_child(c, "HostConfig"), "AutoRemove", true);
	CHECK(spec_make(c, NULL, &n, &made, &e) == -1);
	CHECK(e.code == ERR_NO);
	CHECK_STR(e.msg, "'web' was started with --rm and cannot be replaced");
}

TEST(an_environment_variable_is_found_by_its_whole_name)
{
	AUTO_JSN struct json_t *c = sample("tests/data/container-web.json");

	CHECK_STR(spec_env(c, "APP_VERSION"), "dev");
	CHECK(spec_env(c, "APP") == NULL);
}

UNIT_MAIN
