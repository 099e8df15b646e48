#!/usr/bin/env bats
# A robot that compose started goes on being compose's after deploy has moved it.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 0 0.0.1
	release 0.0.2
	export ROBOTS=1 ROBOT_1_PORT=5001
	write_conf
	pins 0.0.1 >"$PINS"
	[ "$GANTRY_TEST_ENGINE" = docker ] || export ROBOT_RESTART RUN_TMPFS=/run:size=1m
	compose up -d robot-holder-1 robot-service-1
	wait_for 20 healthy 1
	deploy -c "$CONF" --tag 0.0.2
}

teardown_file() {
	compose down || true
	stop_fleet
}

pins() { # VERSION
	local i
	echo "ROBOT_HOLDER_IMAGE=$IMAGE@$(digest_of 0.0.1)"
	for i in 1 2 3; do echo "ROBOT_SERVICE_${i}_IMAGE=$IMAGE@$(digest_of "$1")"; done
}

compose() {
	local program=(docker-compose)
	! docker compose version >/dev/null 2>&1 || program=(docker compose)
	"${program[@]}" -p site --env-file "$PINS" -f "$ROOT/compose/docker-compose.robots.yml" "$@" 3>&-
}

id_of() {
	docker inspect -f '{{.Id}}' robot-service-1
}

@test "compose ps and logs show the robot that deploy moved" {
	all_at 0.0.2
	run -0 compose ps
	grep -E 'robot-service-1 .*(Up|running)' <<<"$output"
	[ "$(compose ps -q robot-service-1)" = "$(id_of)" ]
	run -0 compose logs robot-service-1
	[[ $output == *"serving 0.0.0.0:5000"* ]]
}

@test "compose stop and start are of that robot, and deploy has nothing to do" {
	local id
	id=$(id_of)
	compose stop robot-service-1
	run ! healthy 1
	compose start robot-service-1
	wait_for 20 healthy 1
	[ "$(id_of)" = "$id" ]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: every service runs 0.0.2 already" ]
}

@test "compose up makes it once more, of what deploy proved, and after that leaves it alone" {
	local id
	id=$(id_of)
	compose up -d robot-holder-1 robot-service-1
	[ "$(id_of)" != "$id" ]
	wait_for 20 healthy 1
	all_at 0.0.2
	id=$(id_of)
	[ "$(docker inspect -f '{{.Config.Image}}' robot-service-1)" = "$IMAGE@$(digest_of 0.0.2)" ]
	compose up -d robot-holder-1 robot-service-1
	[ "$(id_of)" = "$id" ]
	# and back again
	run -0 deploy -c "$CONF" --tag 0.0.1
	all_at 0.0.1
	[ "$(compose ps -q robot-service-1)" = "$(id_of)" ]
}
