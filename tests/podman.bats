#!/usr/bin/env bats
# The same on Podman's Docker-compatible socket.  GANTRY_TEST_ENGINE=podman runs the other files there.
load helpers/common
GANTRY_TEST_ENGINE=podman
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 1 0.0.1
	release 0.0.2 --env EXTRA=new
	release 0.0.3 --env LOG_DIR=/nonexistent
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf
}

other() {
	[ "$(version_of 1)" = 0.0.1 ] && echo 0.0.2 || echo 0.0.1
}

@test "handed over without a lost request, and all that people set is the same" {
	docker rm -f robot-service-1 >/dev/null
	start_robot 1 0.0.1 --cap-add SYS_NICE -v named:/named -v /anonymous \
		--device /dev/null:/dev/mine --group-add 44 --memory 128m --workdir /named \
		--stop-timeout 7 --shm-size 32m --security-opt no-new-privileges
	holder=$(docker inspect -f '{{.Id}}' robot-holder-1)
	start_load
	keeps deploy -c "$CONF" --tag 0.0.2
	end_load
	[[ $output == *"0.0.1 to 0.0.2 by handover"* ]]
	all_at 0.0.2
	[ "$(docker inspect -f '{{.Id}}' robot-holder-1)" = "$holder" ]
	run -0 healthcheck docker:robot-service-1
	[[ $output == "healthy docker:robot-service-1 "* ]]
}

@test "a release that is not healthy goes back, without a lost request: 3" {
	start_load
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3
	end_load
	[[ ${lines[0]} == "failed robot-service-1 $IMAGE:0.0.3@$(digest_of 0.0.3) 'robot-service-1': "*"503"* ]]
	all_at 0.0.2
}

@test "killed at any step it converges" {
	local step goal
	start_load
	for step in probe demote rename-new remove-old; do
		goal=$(other)
		GANTRY_CRASH_AT=$step run -137 "$B/crash/deploy" -c "$CONF" --tag "$goal"
		run -0 deploy -c "$CONF" --tag "$goal"
		all_at "$goal"
	done
	end_load
}

@test "the image before survives podman image prune --all: rollback needs no registry" {
	podman image prune --all --force >/dev/null
	sed -i 's/^REGISTRY_URL=.*/REGISTRY_URL=127.0.0.1:1/' "$CONF"
	goal=$(other)
	run --separate-stderr -0 rollback -c "$CONF"
	[[ $output == "moved robot-service-1 $IMAGE:$goal@$(digest_of "$goal")" ]]
	all_at "$goal"
}

@test "containers go on without the service, and come back after a power loss" {
	goal=$(version_of 1)
	kill_engine
	healthy 1
	run -71 deploy -c "$CONF"
	start_engine
	power_loss
	run ! healthy 1
	start_engine
	run --separate-stderr -0 deploy -c "$CONF" --tag "$goal" --force
	[[ $stderr == *"every service runs $goal already" ]]
	all_at "$goal"
}

@test "a container with a port of its own is recreated, and one that somebody removed is made again" {
	docker rm -f robot-service-1 >/dev/null
	docker rm -f robot-holder-1 >/dev/null
	again --restart always --read-only -p 127.0.0.1:5001:5000 -e ROBOT_ID=robot-1 \
		"$IMAGE@$(digest_of 0.0.1)"
	wait_for 10 healthy 1
	keeps deploy -c "$CONF" --tag 0.0.2 --force
	[[ $output == *"0.0.1 to 0.0.2 by recreate"* ]]
	run -3 deploy -c "$CONF" --force --tag 0.0.3
	all_at 0.0.2
	docker rm -f robot-service-1 >/dev/null
	run -0 deploy -c "$CONF" --tag 0.0.2
	[[ $output == *"robot-service-1: was gone, is made again"* ]]
	all_at 0.0.2
}
