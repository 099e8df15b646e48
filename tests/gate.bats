#!/usr/bin/env bats
# What makes a new container good, bad, or neither.
load helpers/common
load helpers/engine
load helpers/fleet
load helpers/faults

setup_file() {
	start_fleet 2 0.0.1
	release 0.0.2
	# its image asks for a log folder that is not there: honestly unhealthy
	release 0.0.3 --env LOG_DIR=/nosuch
	# ends at once
	release 0.0.4 --env ROBOT_TOKEN_FILE=/nosuch
	# not pulled before their tests
	release 0.0.5 --env NUMBER=5
	release 0.0.6 --env NUMBER=6
}

teardown_file() {
	stop_fleet
}

setup() {
	conf
}

teardown() {
	stop_proxies
	[ -n "${BATS_TEST_COMPLETED:-}" ] || printf '%s\n' "${output:-}" "${stderr:-}" >&2
}

# conf KEY=VALUE...: the settings, with these instead of what they say.
conf() {
	local setting
	write_conf
	for setting; do
		sed -i "/^${setting%%=*}=/d" "$CONF"
		echo "$setting" >>"$CONF"
	done
}

# start TAG [KEY=VALUE...]: a deployment of robot 1 alone in the background that soaks for long; ends
# when it has begun to.  DEPLOY is its pid, its output in $BATS_TEST_TMPDIR/out and err.
start() {
	reset_fleet 0.0.1
	conf "${@:2}"
	deploy -c "$CONF" --tag "$1" --soak 600 robot-service-1 >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/err" 3>&- &
	DEPLOY=$!
	wait_for 60 at_step soak
}

at_step() {
	grep -q "\"step\":\"$1\"" "$STATE/journal.jsonl"
}

# ends STATUS: that deployment does, by itself.
ends() {
	local status=0
	wait "$DEPLOY" || status=$?
	[ "$status" = "$1" ] || {
		echo "status $status" >&2
		cat "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err" >&2
		return 1
	}
}

state_of() {
	docker inspect -f "{{.$2}}" "$1"
}

quarantined() {
	grep '"quarantine"' "$STATE/journal.jsonl" | grep -q "$(digest_of "$1")"
}

# ill N [OPTION...]: robot N anew, with a setting that makes every release unhealthy there.
ill() {
	local n=$1
	shift
	docker rm -f "robot-service-$n" >/dev/null
	docker run -d --name "robot-service-$n" --restart "$ROBOT_RESTART" --read-only \
		--network "container:robot-holder-$n" "${ROBOT_RUN[@]}" \
		-e "ROBOT_ID=robot-$n" --health-interval 1s --health-timeout 1s --health-retries 1 \
		-e LOG_DIR=/nosuch "$@" "$IMAGE@$(digest_of 0.0.1)" >/dev/null
	wait_for 20 says "$n" 503
}

# says N STATUS: robot N's health is that now.
says() {
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$((5000 + $1))/health")" = "$2" ]
}

# ill_at N VERSION: it serves as before, as unhealthy.
ill_at() {
	[ "$(curl -s "http://127.0.0.1:$((5000 + $1))/health" | jq -r .version)" = "$2" ]
	says "$1" 503
}

@test "a robot that was ill before is passed over, the others go on, and the release is not blamed" {
	local id name=robot-service-1 goal
	goal=$IMAGE:0.0.2@$(digest_of 0.0.2)
	reset_fleet 0.0.1
	conf HEALTH_CHECK_TIMEOUT=1
	ill 1
	id=$(state_of $name Id)
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.2
	[[ ${lines[0]} == "failed $name $goal '$name' is not healthy, and was not before: "*503* ]]
	[ "${lines[1]}" = "moved robot-service-2 $goal" ]
	[ "${#lines[@]}" = 2 ]
	run ! quarantined 0.0.2
	ill_at 1 0.0.1
	[ "$(version_of 2)" = 0.0.2 ]
	# cron comes again and again
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[ -z "$output" ]
	[[ $stderr == "deploy: '$name' is passed over with 0.0.2 since "*" (--force tries it): '$name' is not healthy"* ]]
	[ "${stderr_lines[1]}" = "deploy: every other service runs 0.0.2 already" ]
	run -0 deploy -q -c "$CONF" --tag 0.0.2 --check
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 -n
	[ "$output" = "current robot-service-2 $goal" ]
	[ "$(state_of $name Id)" = "$id" ]
	# a person may insist
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.2 --force
	[[ $output == "failed $name $goal "* ]]
	ill_at 1 0.0.1
	# it is well again
	docker rm -f $name >/dev/null
	start_robot 1 0.0.1
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[ "${lines[0]}" = "moved $name $goal" ]
	all_at 0.0.2
}

@test "the same by recreate; and for an ill canary the next one stands in" {
	reset_fleet 0.0.1
	conf HEALTH_CHECK_TIMEOUT=1
	ill 1
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.2 --strategy recreate robot-service-1
	run ! quarantined 0.0.2
	ill_at 1 0.0.1
	# nothing was proven
	run ! grep -q '"proven"' "$STATE/journal.jsonl"
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3 --canary 1 --on-failure stop
	[[ ${lines[0]} == "failed robot-service-1 "* ]]
	[[ ${lines[1]} == "failed robot-service-2 "* ]]
	quarantined 0.0.3
	[ "$(version_of 2)" = 0.0.1 ]
	ill_at 1 0.0.1
}

@test "a release that ends where an ill one ran is to blame; where it did not run, nobody knows" {
	reset_fleet 0.0.1
	conf HEALTH_CHECK_TIMEOUT=1
	ill 1
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.4 robot-service-1
	[[ $stderr == *"it ended with status "* ]]
	quarantined 0.0.4
	ill_at 1 0.0.1
	rm -rf "$STATE"
	docker stop robot-service-1 >/dev/null
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.4 robot-service-1
	run ! quarantined 0.0.4
	[[ $stderr == *"it ended with status "* ]]
}

# What cured it is lost with the container that had it.
@test "one that was ill, is cured and cannot go back healthy keeps what serves: 5, and a person is told" {
	local logs
	reset_fleet 0.0.1
	conf HEALTH_CHECK_TIMEOUT=20
	ill 1 -e LOG_DIR=/run/gantry/logs
	deploy -c "$CONF" --tag 0.0.3 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	DEPLOY=$!
	wait_for 30 at_step probe
	logs=/proc/$(state_of robot-service-1-next State.Pid)/root/run/gantry/logs
	mkdir "$logs" && chown 10001:10001 "$logs"
	ends 5
	grep -q "deploy: going back: 'robot-service-1': .* (nor was it before)" "$BATS_TEST_TMPDIR/err"
	[ "$(version_of 1) $(version_of 2)" = "0.0.3 0.0.1" ]
	quarantined 0.0.3
	# a person who starts it as it was, and well
	docker rm -f robot-service-1 >/dev/null
	start_robot 1 0.0.1
	run -3 deploy -c "$CONF" --tag 0.0.3
	all_at 0.0.1
}

# says_no HOOK: an executable of that name that does.
says_no() {
	mkdir -p "$BATS_TEST_TMPDIR/hooks"
	printf '%s\n' '#!/bin/sh' 'exit 1' >"$BATS_TEST_TMPDIR/hooks/$1"
	chmod +x "$BATS_TEST_TMPDIR/hooks/$1"
}

@test "one that cannot go back keeps none of the others from it" {
	local logs
	reset_fleet 0.0.1
	says_no post-deploy
	conf HEALTH_CHECK_TIMEOUT=20 "HOOKS_DIR='$BATS_TEST_TMPDIR/hooks'"
	ill 2 -e LOG_DIR=/run/gantry/logs
	deploy -c "$CONF" --tag 0.0.2 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	DEPLOY=$!
	second_at_probe() {
		jq -e 'select(.service == "robot-service-2" and .step == "probe")' "$STATE/journal.jsonl"
	}
	wait_for 30 second_at_probe
	logs=/proc/$(state_of robot-service-2-next State.Pid)/root/run/gantry/logs
	mkdir "$logs" && chown 10001:10001 "$logs"
	ends 5
	grep -q '^failed robot-service-2 ' "$BATS_TEST_TMPDIR/out"
	grep -q '^back robot-service-1 ' "$BATS_TEST_TMPDIR/out"
	[ "$(version_of 1) $(version_of 2)" = "0.0.1 0.0.2" ]
	docker rm -f robot-service-2 >/dev/null
	start_robot 2 0.0.1
	run -3 deploy -c "$CONF" --tag 0.0.2
	all_at 0.0.1
}

@test "whoever answers in its place does not make a release healthy" {
	reset_fleet 0.0.1
	# robot 2 is as well as one can be
	conf SERVICE_robot_service_1_HEALTH=http://127.0.0.1:5002/health
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.2 --strategy handover robot-service-1
	[[ $stderr == *"'instance' is '"*"', not '"* ]]
	all_at 0.0.1
}

@test "a new container is asked often, however long the pause between two questions is set" {
	reset_fleet 0.0.1
	conf HEALTH_CHECK_INTERVAL=3600
	run -0 timeout 900 deploy -c "$CONF" --tag 0.0.2 --strategy recreate robot-service-1
	[ "$(version_of 1)" = 0.0.2 ]
}

@test "a health that comes and goes is not healthy, also without a soak" {
	local port
	reset_fleet 0.0.1
	port=$(free_port)
	"$B/helpers/answer" "$port" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 5 curl -s "http://127.0.0.1:$port/json"
	conf HEALTH_CHECK_TIMEOUT=1 "SERVICE_robot_service_1_HEALTH=http://127.0.0.1:$port/flap"
	# the old one cannot be proven by it either
	run --separate-stderr -5 deploy -c "$CONF" --tag 0.0.2 --strategy recreate robot-service-1
	[[ $stderr == *"is not healthy again: answered 503"* ]]
}

@test "a container that ended and was started again is bad at once" {
	local first
	start 0.0.2 HEALTH_CHECK_INTERVAL=60
	# unseen in between: the next answer is healthy again
	kill -STOP "$DEPLOY"
	# with Podman it has its policy already
	[ "$GANTRY_TEST_ENGINE" = podman ] || docker update --restart always robot-service-1-next >/dev/null
	first=$(state_of robot-service-1-next State.StartedAt)
	kill -9 "$(state_of robot-service-1-next State.Pid)"
	again() { [ "$(state_of robot-service-1-next State.StartedAt)" != "$first" ]; }
	wait_for 20 again
	wait_for 20 healthy 1
	kill -CONT "$DEPLOY"
	ends 3
	grep -q "it ended and was started again: " "$BATS_TEST_TMPDIR/err"
	quarantined 0.0.2
	all_at 0.0.1
}

# blameless: nothing was held against a release, and nothing has changed.
blameless() {
	all_at 0.0.1
	[ ! -e "$STATE/journal.jsonl" ] || run ! grep -qE '"(quarantine|passed)"' "$STATE/journal.jsonl"
}

# before_evidence STEP: it was announced before anybody looked at what the container left.
before_evidence() {
	local at taken
	at=$(date -d "$(jq -r "select(.step == \"$1\").time" "$STATE/journal.jsonl" | head -n 1)" +%s%3N)
	taken=$(stat -c %.3Y "$STATE"/evidence/*/robot-service-1.txt | tr -d .)
	[ "$at" -lt "$taken" ] || {
		echo "$1 at $at, evidence at $taken" >&2
		return 1
	}
}

@test "a release that ends while it soaks: the old one serves before anybody asks why" {
	start 0.0.2
	kill "$(state_of robot-service-1-next State.Pid)"
	ends 3
	before_evidence settle-promote
	[ "$(version_of 1)" = 0.0.1 ]
	start 0.0.2 STRATEGY=recreate
	kill "$(state_of robot-service-1-next State.Pid)"
	ends 3
	before_evidence settle-remove-next
	[ "$(version_of 1)" = 0.0.1 ]
}

@test "a registry that has no address is the place's fault: 75, and one line" {
	reset_fleet 0.0.1
	conf REGISTRY_URL=registry.invalid:5000
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *"registry.invalid"* ]]
	blameless
}

@test "a registry that goes away while the engine pulls is the place's fault: 75; the next run is fine" {
	local asked
	reset_fleet 0.0.1
	# what comes before the pull
	start_proxy link 127.0.0.1:5000
	img-verify --key "$BATS_FILE_TMPDIR/key.pub" "$PROXY_LINK/robot-app:0.0.5"
	asked=$(crossed link down)
	stop_proxy link
	start_proxy link 127.0.0.1:5000 rate=1500
	conf "REGISTRY_URL=$PROXY_LINK"
	deploy -c "$CONF" --tag 0.0.5 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	DEPLOY=$!
	pulls() { [ "$(crossed link down)" -gt $((asked + 300)) ]; }
	wait_for 30 pulls
	stop_proxy link
	ends 75
	grep -q "deploy: pull '$PROXY_LINK/robot-app@" "$BATS_TEST_TMPDIR/err"
	blameless
	conf
	run -0 deploy -c "$CONF" --tag 0.0.5
	all_at 0.0.5
}

@test "what the engine alone cannot reach is the place's fault: 75, one line, and the next run is fine" {
	local port there words dir=$BATS_TEST_TMPDIR/canned
	reset_fleet 0.0.1
	port=$(free_port)
	mkdir "$dir"
	printf 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n' >"$dir/default"
	"$B/helpers/canned" "$port" "$dir" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 5 curl -s "http://127.0.0.1:$port/"
	while read -r there words; do
		conf "SERVICE_robot_service_2_REGISTRY=$there"
		run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.6 robot-service-2
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" = 1 ]
		[[ $stderr == "deploy: pull '$there/robot-app@"*"$words"* ]]
		blameless
	done <<-END
		registry.invalid:5000 lookup registry.invalid
		127.0.0.1:1 connection refused
		127.0.0.1:$port 503
	END
	conf
	run -0 deploy -c "$CONF" --tag 0.0.6
	all_at 0.0.6
}

# An engine whose answers say, from the moment that the file is there, that memory was short.
start_short_engine() {
	# shellcheck disable=SC2016
	node -e '
		const [, from, to, file] = process.argv, fs = require("fs"), net = require("net");
		net.createServer(c => {
			const up = net.connect(to);
			c.pipe(up);
			up.on("data", d => c.write(!fs.existsSync(file) ? d : Buffer.from(d.toString("latin1")
				.replaceAll("\"OOMKilled\":false", "\"OOMKilled\":true "), "latin1")));
			up.on("end", () => c.end());
			for (const s of [c, up]) s.on("error", () => { c.destroy(); up.destroy(); });
		}).listen(from);' "$1" "$SITE/docker.sock" "$2" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 test -S "$1"
}

# Kernels differ in whether an engine hears of that at all.
@test "a container in which something was killed for memory is bad, though it answers" {
	start_short_engine "$BATS_TEST_TMPDIR/engine" "$BATS_TEST_TMPDIR/short"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine start 0.0.2 HEALTH_CHECK_INTERVAL=1
	touch "$BATS_TEST_TMPDIR/short"
	ends 3
	grep -q "it runs on, but a part of it was killed for memory" "$BATS_TEST_TMPDIR/err"
	quarantined 0.0.2
	all_at 0.0.1
}

# last_step: what the last deployment announced for its service, before it was settled.
last_step() {
	jq -rs '(map(select(.event == "begin"))[-1].txn) as $t
		| map(select(.txn == $t and .step and (.step | startswith("settle-") | not)).step)[-1]' \
		"$STATE/journal.jsonl"
}

# fails_once STRATEGY CALL STEP: the engine answers 500 to that in the middle of a deployment, which is
# nobody's fault, and had been announced as that step; the next run is fine.
fails_once() {
	local goal=0.0.2 fault=$BATS_TEST_TMPDIR/engine.fault
	[ "$(version_of 1)" = 0.0.1 ] || goal=0.0.1
	printf '%s\n' "$2" 'out of file descriptors' >"$fault"
	rm -f "$fault.log"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine run --separate-stderr -75 deploy -c "$CONF" --tag "$goal" \
		--strategy "$1" robot-service-1
	[[ $stderr == *"out of file descriptors"* ]]
	[ -s "$fault.log" ]
	[ "$(last_step)" = "$3" ]
	run ! grep -qE '"(quarantine|passed)"' "$STATE/journal.jsonl"
	rm "$fault"
	run -0 deploy -c "$CONF" --tag "$goal" --strategy "$1" robot-service-1
	[ "$(version_of 1)" = "$goal" ]
}

@test "an engine that cannot do a thing is nobody's fault: 75, and the next run does it" {
	reset_fleet 0.0.1
	start_engine_proxy engine
	# what its restart policy can be is asked before anything is done
	fails_once handover 'POST .*/update' null
	fails_once handover 'POST .*/containers/create.*-next' create
	fails_once handover 'POST .*/start' start
	fails_once handover 'POST .*/exec' probe
	fails_once handover 'POST .*/rename' rename-old
	fails_once handover 'POST .*/stop' stop-old
	fails_once handover 'DELETE .*/containers/' remove-old
	fails_once recreate 'POST .*/stop' halt-old
	fails_once recreate 'POST .*/start' start
	docker rm -f robot-service-1 >/dev/null
}

@test "an engine that stands still in the middle is waited for" {
	reset_fleet 0.0.1
	conf
	deploy -c "$CONF" --tag 0.0.2 --soak 3 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	DEPLOY=$!
	wait_for 60 at_step soak
	kill -STOP "$(cat "$SITE/engine")"
	sleep 5
	kill -0 "$DEPLOY"
	kill -CONT "$(cat "$SITE/engine")"
	ends 0
	all_at 0.0.2
}

@test "a robot that is busy is left for the next run: 75; when it is ready in time it is moved" {
	reset_fleet 0.0.1
	conf
	exec 7>"/proc/$(state_of robot-service-1 State.Pid)/root/run/gantry/update.lock"
	flock 7
	[ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:5001/ready-for-update)" = 423 ]
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2 --max-wait 1 7>&-
	[[ $stderr == *"robot-service-1"*"the robot is busy"* ]]
	blameless
	deploy -c "$CONF" --tag 0.0.2 --max-wait 300 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- 7>&- &
	DEPLOY=$!
	wait_for 30 grep -q "robot-service-1: is busy, waiting" "$BATS_TEST_TMPDIR/err"
	exec 7>&-
	ends 0
	all_at 0.0.2
}

# at HH:MM:SS: sets TZ so that it is that late, UTC being what it is.
at() {
	local now want
	now=$(date -u +%s) want=$(date -u -d "1970-01-01 $1" +%s)
	now=$(((now % 86400 - want + 86400) % 86400))
	printf -v TZ 'SITE%d:%02d:%02d' $((now / 3600)) $((now / 60 % 60)) $((now % 60))
	export TZ
}

@test "a window over midnight is open late and early, closed at noon, and cuts nothing when it closes" {
	reset_fleet 0.0.1
	conf UPDATE_WINDOW=22:00-05:00 "HOOKS_DIR='$BATS_TEST_TMPDIR/hooks'"
	at 12:00:00
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == "deploy: it is "*" 12:00, outside UPDATE_WINDOW '22:00-05:00'" ]]
	blameless
	at 23:30:00
	run -0 deploy -c "$CONF" --tag 0.0.2
	# begun before its end: the first robot is touched only after that
	mkdir "$BATS_TEST_TMPDIR/hooks"
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' 'while [ "$(date +%H)" = 04 ]; do sleep 0.2; done' >"$BATS_TEST_TMPDIR/hooks/pre-deploy"
	chmod +x "$BATS_TEST_TMPDIR/hooks/pre-deploy"
	at 04:59:50
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1
	all_at 0.0.1
	run --separate-stderr -75 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == "deploy: it is "*" 05:00, outside UPDATE_WINDOW '22:00-05:00'" ]]
}
