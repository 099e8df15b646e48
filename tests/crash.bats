#!/usr/bin/env bats
# Killed at any step: the next run ends with every robot at one version, and nothing left over.
load helpers/common
load helpers/engine
load helpers/fleet
load helpers/faults

setup_file() {
	start_fleet 2 0.0.1
	release 0.0.2
	# ends at once where the robot has no id of its own
	release 0.0.3 --env 'ROBOT_ID=not a word'
	docker rm -f robot-service-2 >/dev/null
	start_nameless
}

teardown_file() {
	stop_fleet
}

teardown() {
	stop_proxies
}

# Robot 2 takes its id from the image, so that 0.0.3 is good for robot 1 and bad for robot 2.
start_nameless() {
	docker run -d --name robot-service-2 --restart "$ROBOT_RESTART" --read-only \
		--network container:robot-holder-2 "${ROBOT_RUN[@]}" \
		"$IMAGE@$(digest_of 0.0.1)" >/dev/null
	wait_for 10 healthy 2
}

# killed STEP[:N] VERSION [OPTION...]: deploy, which must die there.
killed() {
	local at=$1 version=$2
	shift 2
	GANTRY_CRASH_AT=$at run -137 "$B/crash/deploy" -c "$CONF" --tag "$version" "$@"
}

# other: the version that does not run.
other() {
	[ "$(version_of 1)" = 0.0.1 ] && echo 0.0.2 || echo 0.0.1
}

# converges STEP...: killed there on the way to a good release, the next run brings all to it, and
# whoever asks the robots meanwhile sees nothing of all that.
converges() {
	local step goal
	start_load
	for step in "$@"; do
		goal=$(other)
		echo "# killed at $step" >&2
		killed "$step" "$goal"
		healthy 1
		run -0 deploy -c "$CONF" --tag "$goal"
		all_at "$goal"
		[ "$(jq -r 'select(.event == "end") | .result' "$STATE/journal.jsonl" | tail -n 1)" = done ]
	done
	end_load
}

# remove NAME...: one after the other, as Podman wants it of a robot and its holder.
remove() {
	printf '%s\n' "$@" | xargs -n 1 docker rm -f >/dev/null
}

@test "every step is in one of these tests" {
	steps=$(GANTRY_CRASH_AT=list "$B/crash/deploy")
	for step in $steps; do
		grep -qE "\\b$step\\b" <(sed '/^@test "every step/,/^}/d' "$BATS_TEST_FILENAME") || {
			echo "no test kills at $step" >&2
			return 1
		}
	done
}

@test "an ordinary build has no place to die" {
	run ! grep -q GANTRY_CRASH_AT "$B/deploy"
	grep -q GANTRY_CRASH_AT "$B/crash/deploy"
	GANTRY_CRASH_AT=begin run -0 deploy -c "$CONF" --tag 0.0.1
}

@test "killed before the new one serves" {
	converges begin service:2 create:2 start:2 probe:2
}

@test "killed while the service is handed over" {
	converges promote:2 demote:2 soak:2
}

# role_is SUFFIX ROLE: what the instance says on its own socket.
role_is() {
	docker exec "robot-service-2$1" healthcheck -q --json-path "role=$2" \
		http+unix:///run/gantry/robot.sock:/health
}

@test "the old one is told to go only when the new one serves" {
	goal=$(other)
	killed promote:2 "$goal"
	role_is '' serving
	role_is -next standby
	# the first robot has moved already
	killed demote "$goal"
	role_is '' serving
	role_is -next serving
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
}

@test "killed in the commit" {
	converges policy-new:2 policy-old:2 rename-old:2 rename-new:2 stop-old:2 remove-old:2
}

@test "killed while it is written down" {
	converges pins:2 moved:1 moved:2 proven
}

@test "killed after the end, there is nothing to do" {
	goal=$(other)
	killed end "$goal"
	run --separate-stderr -0 deploy -c "$CONF" --tag "$goal"
	[ "$stderr" = "deploy: every service runs $goal already" ]
	all_at "$goal"
}

@test "killed while it goes on after a kill" {
	goal=$(other)
	killed rename-new:2 "$goal"
	killed settle-rename "$goal"
	killed settle-promote "$goal"
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
	goal=$(other)
	killed remove-old:2 "$goal"
	killed settle-remove-prev "$goal"
	killed resume "$goal"
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
	goal=$(other)
	killed demote:2 "$goal"
	killed settle-remove-next "$goal"
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
}

@test "taken up again and again, it goes back at last" {
	before=$(version_of 1) goal=$(other)
	killed soak:2 "$goal"
	for _ in 1 2 3; do
		killed soak "$goal"
	done
	run --separate-stderr -3 deploy -c "$CONF" --tag "$goal"
	[[ $stderr == *"failed and was rolled back: it was interrupted again and again"* ]]
	all_at "$before"
}

# goes_back STEP...: killed there while a bad release is taken back, the next run finishes that.
goes_back() {
	local step before
	start_load
	before=$(version_of 1)
	for step in "$@"; do
		echo "# killed at $step" >&2
		killed "$step" 0.0.3 --force
		healthy 2
		run deploy -c "$CONF" --tag 0.0.3
		# 3: gone back now; 1: it had, and the release is in quarantine
		[ "$status" = 3 ] || [ "$status" = 1 ]
		all_at "$before"
		run -1 deploy -c "$CONF" --tag 0.0.3
		[[ $output == *"is quarantined since"* ]]
	done
	end_load
}

@test "killed when the release turns out to be bad" {
	goes_back settle-promote settle-remove-next quarantine back
}

@test "killed while the first service goes back" {
	goes_back create:3 start:3 probe:3 promote:2 demote:2 soak:2 policy-new:2
}

@test "killed in the commit of the way back" {
	goes_back policy-old:2 rename-old:2 rename-new:2 stop-old:2 remove-old:2 pins:2 moved:2 end
}

@test "killed where a failure does not take the others back" {
	local before step
	before=$(version_of 1)
	for step in failed quarantine end; do
		killed "$step" 0.0.3 --force --on-failure stop
		healthy 2
		run -1 deploy -c "$CONF" --tag 0.0.3
		[ "$(version_of 1)" = 0.0.3 ]
		[ "$(version_of 2)" = "$before" ]
		[ "$(jq -r 'select(.event == "end") | .result' "$STATE/journal.jsonl" | tail -n 1)" = stopped ]
		run -1 deploy -c "$CONF" --tag 0.0.3
		[[ $output == *"is quarantined since"* ]]
		run -0 deploy -c "$CONF" --tag "$before"
		all_at "$before"
	done
}

@test "killed in a recreate" {
	recreated() {
		local step goal
		for step in "$@"; do
			goal=$(other)
			killed "$step" "$goal" --strategy recreate
			run -0 deploy -c "$CONF" --tag "$goal" --strategy recreate
			all_at "$goal"
		done
	}
	recreated create guard-old:2 halt-old:2 start:2 soak:2 policy-new:2 rename-old:2 rename-new:2 \
		remove-old:2
}

# It has no holder that would have to be there first.
@test "the power fails in a recreate: the old one comes back by itself" {
	local before goal
	before=$(version_of 1) goal=$(other)
	remove robot-service-1 robot-holder-1
	"$GANTRY_TEST_ENGINE" run -d --name robot-service-1 --restart "$ROBOT_RESTART" -p 127.0.0.1:5001:5000 \
		"${ROBOT_RUN[@]}" "$IMAGE@$(digest_of "$before")" >/dev/null
	wait_for 10 healthy 1
	killed start "$goal" robot-service-1
	run ! healthy 1
	power_loss
	start_engine
	if [ "$GANTRY_TEST_ENGINE" = podman ]; then
		# it starts both, and the one that comes too late spoils the other's port: the next run ends that
		run -0 deploy -c "$CONF" --tag "$goal" --strategy recreate robot-service-1
		before=$goal
	fi
	wait_for 20 healthy 1
	[ "$(version_of 1)" = "$before" ]
	docker ps -aq --filter name=robot-service-1 | xargs docker rm -f >/dev/null
	start_robot 1 "$before"
	run -0 deploy -c "$CONF" --tag "$before"
	all_at "$before"
}

last_step() {
	[ "$(tail -n 1 "$STATE/journal.jsonl" | jq -r .step)" = "$1" ]
}

pid_of() { # N
	docker inspect -f '{{.State.Pid}}' "robot-service-$1"
}

# The robot does not mind the signal that it is stopped with, so that stopping it takes its time,
# in which it answers as if nothing were.
@test "killed while the engine stops the old one: the end of that is waited for" {
	local before
	before=$(version_of 1)
	docker rm -f robot-service-1 >/dev/null
	start_robot 1 "$before" --stop-signal SIGWINCH
	goal=$(other)
	deploy -c "$CONF" --tag "$goal" --strategy recreate >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for 20 last_step halt-old
	# its request is on the way
	sleep 0.5
	last_step halt-old
	kill -9 "$pid"
	wait "$pid" || true
	stopping=$(pid_of 1)
	# the next run goes back, and does nothing with it that would take as long
	goes_back_next
	run -3 deploy -c "$CONF" --tag "$goal"
	all_at "$before"
	[ "$(pid_of 1)" != "$stopping" ]
	docker rm -f robot-service-1 >/dev/null
	start_robot 1 "$before"
}

@test "the engine is killed in the middle: 75, and the next run ends it" {
	goal=$(other)
	deploy -c "$CONF" --tag "$goal" --soak 30 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for 20 last_step soak
	kill_engine
	status=0
	wait "$pid" || status=$?
	cat "$BATS_TEST_TMPDIR/out"
	[ "$status" = 75 ]
	start_engine
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
}

# goes_back_next: the next run does not go on with what is unfinished.
goes_back_next() {
	local txn
	txn=$(tail -n 1 "$STATE/journal.jsonl" | jq -r .txn)
	for _ in 1 2 3; do
		echo "{\"txn\":\"$txn\",\"event\":\"resume\"}" >>"$STATE/journal.jsonl"
	done
}

@test "an old one that does not answer any more is started anew before a person is called" {
	local before goal
	before=$(version_of 1) goal=$(other)
	killed promote "$goal"
	kill -STOP "$(pid_of 1)"
	goes_back_next
	killed settle-restart "$goal"
	run -3 deploy -c "$CONF" --tag "$goal"
	all_at "$before"
}

# A runtime that was killed may keep the id of a container that has ended, or of its task.
@test "a container that its runtime cannot start any more is made again; no other fault removes it" {
	local before id words fault=$BATS_TEST_TMPDIR/engine.fault
	before=$(version_of 1)
	start_engine_proxy engine
	while read -r words; do
		killed soak "$(other)" --strategy recreate
		goes_back_next
		id=$(id_of 1)
		printf '%s\n' "POST .*/containers/$id/start" 'no such device' >"$fault"
		DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine run --separate-stderr -75 deploy -c "$CONF" --tag "$(other)"
		[[ $stderr == *"no such device"* ]]
		[ "$(id_of 1)" = "$id" ]
		printf '%s\n' "POST .*/containers/$id/start" "$words" >"$fault"
		: >"$fault.log"
		DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine run -3 deploy -c "$CONF" --tag "$(other)"
		[ -s "$fault.log" ]
		[ "$(id_of 1)" != "$id" ]
		all_at "$before"
		[ "$(docker inspect -f '{{.Config.Labels.site}}' robot-service-1)" = test ]
	done <<-END
		failed to create task for container: runc create failed: container with id already in use
		failed to create task for container: task 0123: already exists: unknown
	END
}

id_of() { # N
	docker inspect -f '{{.Id}}' "robot-service-$1"
}

@test "a robot that somebody removed is made again, by deploy and by rollback" {
	local now back
	now=$(other)
	back=$(version_of 1)
	run -0 deploy -c "$CONF" --tag "$now" --force
	docker rm -f robot-service-1 >/dev/null
	run --separate-stderr -0 deploy -c "$CONF" --tag "$now"
	[ "${stderr_lines[0]}" = "deploy: robot-service-1: was gone, is made again" ]
	[ "${stderr_lines[1]}" = "deploy: every service runs $now already" ]
	all_at "$now"
	docker rm -f robot-service-1 robot-service-2 >/dev/null
	killed settle-make "$now"
	run ! docker inspect robot-service-1
	run -0 rollback -c "$CONF" --to "$back"
	all_at "$back"
	[ "$(docker inspect -f '{{.Config.Labels.site}}' robot-service-1)" = test ]
	# only what it is asked to change, is changed
	docker rm -f robot-service-1 >/dev/null
	run -1 deploy -c "$CONF" --tag "$now" --force --check
	run ! docker inspect robot-service-1
	run -0 deploy -c "$CONF" --tag "$now" --force
	all_at "$now"
}

@test "robots that somebody removes in the middle are made again" {
	local goal step
	for step in create:2 soak:2 rename-old:2 rename-new:2 remove-old:2; do
		goal=$(other)
		killed "$step" "$goal" --force
		docker ps -aq --filter name=robot-service | xargs docker rm -f >/dev/null
		run -0 deploy -c "$CONF" --tag "$goal"
		all_at "$goal"
	done
	goal=$(other)
	deploy -c "$CONF" --tag "$goal" --force --soak 3 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for 20 last_step soak
	docker rm -f robot-service-1 robot-service-1-next >/dev/null
	status=0
	wait "$pid" || status=$?
	cat "$BATS_TEST_TMPDIR/out"
	# nobody's fault, so that the release may be tried again
	[ "$status" = 75 ]
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
}

@test "a site that was taken down with its holders is left alone" {
	local now
	now=$(version_of 1)
	remove robot-service-1 robot-holder-1
	run --separate-stderr -1 deploy -c "$CONF" --tag "$now"
	[[ ${stderr_lines[0]} == *"'robot-service-1' and the container whose network it joins are gone: "* ]]
	run ! docker inspect robot-service-1
	start_robot 1 "$now"
	run -0 deploy -c "$CONF" --tag "$now"
	all_at "$now"
}

# The engine starts robots and holders in any order and leaves robots down whose holder was not up
# yet, so two rounds are not always the same.
@test "the power fails in the middle: the next run brings every robot back" {
	for step in soak:2 policy-old:2 rename-old:2; do
		goal=$(other)
		killed "$step" "$goal"
		power_loss
		start_engine
		run -0 deploy -c "$CONF" --tag "$goal"
		all_at "$goal"
		power_loss
		start_engine
		run -0 deploy -c "$CONF" --tag "$goal"
		wait_for 10 healthy 1
		wait_for 10 healthy 2
		all_at "$goal"
	done
}
