#!/usr/bin/env bats
# test-deployment.sh: a site that is well is all "ok"; whatever is not is named, with what to do.

load helpers/common
load helpers/engine
load helpers/image
load helpers/site

setup_file() {
	start_fleet 0.0.1
}

teardown_file() {
	stop_fleet
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	look=$ROOT/scripts/test-deployment.sh
}

bad_lines() {
	grep -c '^bad ' <<<"$output"
}

@test "--help says what it does; wrong usage is 64" {
	run -0 --separate-stderr "$look" --help
	[ "$stderr" = "" ]
	[[ $output == "usage: test-deployment.sh [-c FILE]"* ]]
	run -64 --separate-stderr "$look" --frob
	[ "${stderr_lines[0]}" = "test-deployment.sh: '--frob' is not an option" ]
}

@test "a site that is well: nothing but ok, and nothing changes" {
	docker ps -aq --no-trunc | sort >before
	run -0 --separate-stderr "$look" -c "$CONF"
	[ "$stderr" = "" ]
	[ "$(grep -vc '^ok   ' <<<"$output")" = 0 ]
	[[ $output == *"robot-service-3 runs sha256:"*", which is signed"* ]]
	[[ $output == *"all robots have one version"* ]]
	docker ps -aq --no-trunc | sort | diff before -
}

@test "a robot that is stopped is named" {
	docker stop -t 1 robot-service-2 >/dev/null
	run -1 "$look" -c "$CONF"
	[ "$(bad_lines)" = 1 ]
	[[ $output == *"bad  robot-service-2 is stopped"$'\n'"     start it: manage-services.sh start-robots"* ]]
	docker start robot-service-2 >/dev/null
	wait_for 20 healthcheck http://localhost:5002/health
}

@test "a robot that is not there is named" {
	sed '/^ROBOT_CONTAINERS/d' "$CONF" >more.conf
	echo 'ROBOT_CONTAINERS="robot-service-1 robot-service-9"' >>more.conf
	run -1 "$look" -c more.conf
	[[ $output == *"bad  robot-service-9: there is no such container"* ]]
	[ "$(bad_lines)" = 1 ]
}

@test "what runs without a signature that we trust is named" {
	sed "s|good.pub|stranger.pub|" "$CONF" >other.conf
	run -1 "$look" -c other.conf
	[ "$(bad_lines)" = 3 ]
	[[ $output == *"bad  robot-service-1: "* ]]
	[[ $output == *"move it to a signed release: deploy robot-service-1"* ]]
}

@test "robots of two versions are named" {
	release 0.0.2
	bring "$CONF"
	deploy -q -c "$CONF" robot-service-1
	run -1 "$look" -c "$CONF"
	[ "$(bad_lines)" = 1 ]
	[[ $output == *"bad  the robots have 2 versions"$'\n'"     bring them together: deploy"* ]]
	deploy -q -c "$CONF"
	run -0 "$look" -c "$CONF"
}

@test "a registry that is away is named, and the rest is still looked at" {
	sed "s|^REGISTRY_URL=.*|REGISTRY_URL=127.0.0.1:$(free_port)|" "$CONF" >away.conf
	run -1 "$look" -c away.conf
	[[ $output == *"start it: manage-services.sh start-infra"* ]]
	[[ $output == *"ok   engine "* ]]
}

@test "no engine and no key are named" {
	sed '/^VERIFY_KEY/d' "$CONF" >nokey.conf
	run -1 env DOCKER_HOST=unix:///nonexistent.sock "$look" -c nokey.conf
	[[ $output == *"bad  no engine answers at unix:///nonexistent.sock"* ]]
	[[ $output == *"bad  neither VERIFY_KEY, CERTIFICATE_IDENTITY nor POLICY is set"* ]]
	[ "$(bad_lines)" = 2 ]
}

@test "a configuration that the programs refuse is named" {
	cp "$CONF" frob.conf
	echo "FROB=1" >>frob.conf
	run -1 "$look" -c frob.conf
	[[ $output == *"bad  configuration: frob.conf:"*"unknown key 'FROB'"* ]]
}
