#!/usr/bin/env bats
# Several robots moved at once: four of them, three at a time.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 4 0.0.1
	release 0.0.2
	# ends at once where the robot has no id of its own
	release 0.0.3 --env 'ROBOT_ID=not a word'
	# its image asks for a log folder that is not there: honestly unhealthy
	release 0.0.4 --env LOG_DIR=/nosuch
	docker rm -f robot-service-4 >/dev/null
	start_nameless 4
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || printf '%s\n' "${output:-}" "${stderr:-}" >&2
}

teardown_file() {
	stop_fleet
}

setup() {
	settings 0 BATCH=3
}

# settings SOAK [KEY=VALUE...]
settings() {
	write_conf "${@:2}"
	sed -i "s/^SOAK=.*/SOAK=$1/; s/^HEALTH_CHECK_TIMEOUT=.*/HEALTH_CHECK_TIMEOUT=30/" "$CONF"
}

# start_nameless N: it takes its id from the image, so that 0.0.3 is bad for it and good elsewhere.
start_nameless() {
	docker run -d --name "robot-service-$1" --restart "$ROBOT_RESTART" --read-only \
		--network "container:robot-holder-$1" "${ROBOT_RUN[@]}" \
		--health-interval 5s --health-timeout 1s --health-retries 1 \
		"$IMAGE@$(digest_of 0.0.1)" >/dev/null
	wait_for 30 healthy "$1"
}

# other: the version that does not run.
other() {
	[ "$(version_of 1)" = 0.0.1 ] && echo 0.0.2 || echo 0.0.1
}

# at_once: how many services the last deployment had under way at most, by the journal.
at_once() {
	jq -s '(map(select(.event == "begin")) | last.txn) as $t
		| reduce (.[] | select(.txn == $t)) as $r ({now: 0, most: 0};
			if $r.event == "service" then .now += 1
			elif $r.event == "moved" then .now -= 1 else . end
			| .most = ([.most, .now] | max)) | .most' "$STATE/journal.jsonl"
}

# in_last EVENT: the services that the last deployment's journal has it of, in order.
in_last() {
	jq -rs --arg e "$1" '(map(select(.event == "begin")) | last.txn) as $t
		| .[] | select(.txn == $t and .event == $e) | .service' "$STATE/journal.jsonl"
}

# all_done WORD VERSION: a record of each robot, whole, in some order, and nothing else.
all_done() {
	local i
	[ "${#lines[@]}" = "$ROBOTS" ]
	for ((i = 1; i <= ROBOTS; i++)); do
		grep -qxF "$1 robot-service-$i $IMAGE:$2@$(digest_of "$2")" <<<"$output"
	done
}

@test "--batch and BATCH are numbers from 1 to 64" {
	run --separate-stderr -64 deploy --batch 0
	[ "${stderr_lines[0]}" = "deploy: --batch must be a number from 1 to 64, not '0'" ]
	run --separate-stderr -64 deploy --batch many
	write_conf BATCH=65
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == *"BATCH"*"from 1 to 64"* ]]
}

@test "three at a time by handover, their hooks at the same time, and no request is lost" {
	local hooks=$BATS_TEST_TMPDIR/hooks
	mkdir -p "$hooks" "$BATS_TEST_TMPDIR/seen"
	# goes on when there are three of them
	cat >"$hooks/pre-switch" <<-SH
		#!/bin/sh
		: >"$BATS_TEST_TMPDIR/seen/\$GANTRY_SERVICE"
		while [ "\$(ls "$BATS_TEST_TMPDIR/seen" | wc -l)" -lt 3 ]; do sleep 0.1; done
		echo "\$GANTRY_SERVICE is next"
	SH
	chmod +x "$hooks/pre-switch"
	settings 0 BATCH=1 "HOOKS_DIR='$hooks'" HOOK_TIMEOUT=120
	start_load
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 --batch 3
	end_load
	all_done moved 0.0.2
	all_at 0.0.2
	[ "$(at_once)" = 3 ]
	[ "$(grep -c 'pre-switch: robot-service-. is next$' <<<"$stderr")" = 4 ]
	# what compose reads has all of them
	[ "$(grep -cF "_IMAGE=$IMAGE@$(digest_of 0.0.2)" "$PINS")" = 4 ]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: every service runs 0.0.2 already" ]
}

@test "a rollback takes as many at a time" {
	run --separate-stderr -0 rollback -c "$CONF" --to 0.0.1
	all_done moved 0.0.1
	all_at 0.0.1
	[ "$(at_once)" -ge 2 ]
	[ "$(at_once)" -le 3 ]
}

@test "canaries come first, one at a time" {
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2 --canary 2 --force
	all_at 0.0.2
	[ "$(in_last moved | head -2 | xargs)" = "robot-service-1 robot-service-2" ]
	# before both were done nothing else began
	[ "$(jq -rs '(map(select(.event == "begin")) | last.txn) as $t
		| [.[] | select(.txn == $t and (.event == "service" or .event == "moved"))
			| .event + .service[-1:]][:5] | join(" ")' "$STATE/journal.jsonl" |
		cut -d' ' -f1-4)" = "service1 moved1 service2 moved2" ]
}

@test "three at a time by recreate" {
	local goal
	goal=$(other)
	run --separate-stderr -0 deploy -c "$CONF" --tag "$goal" --strategy recreate --force
	all_done moved "$goal"
	all_at "$goal"
	[ "$(at_once)" -ge 2 ]
}

@test "a bad release: what is under way ends, nothing more begins, and all are as before" {
	local before
	before=$(version_of 1)
	sed -i 's/^HEALTH_CHECK_TIMEOUT=.*/HEALTH_CHECK_TIMEOUT=8/' "$CONF"
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.4
	all_at "$before"
	[ "$(in_last service | sort -u | wc -l)" -le 3 ]
	[ "$(jq -r 'select(.event == "quarantine") | .digest' "$STATE/journal.jsonl" |
		grep -c "$(digest_of 0.0.4)")" = 1 ]
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.4
	[[ $stderr == *"is quarantined since"* ]]
}

@test "one bad robot of four takes all back" {
	local before
	before=$(version_of 1)
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3
	[ "$(grep -c '^failed robot-service-4 ' <<<"$output")" = 1 ]
	[ "$(grep -c '^failed ' <<<"$output")" = 1 ]
	# whoever was moved is back
	[ "$(grep '^moved ' <<<"$output" | cut -d' ' -f2 | sort)" = \
		"$(grep '^back ' <<<"$output" | grep -v robot-service-4 | cut -d' ' -f2 | sort)" ]
	all_at "$before"
	[ "$(jq -r 'select(.event == "end") | .result' "$STATE/journal.jsonl" | tail -1)" = rolled-back ]
}

@test "a canary that fails takes all back, and no batch begins" {
	local before
	before=$(version_of 1)
	sed -i 's/^ROBOT_CONTAINERS=.*/ROBOT_CONTAINERS="robot-service-4 robot-service-1 robot-service-2"/' "$CONF"
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.3 --canary 1 --on-failure stop --force
	[ "$(in_last service)" = robot-service-4 ]
	all_at "$before"
}

@test "killed in the middle of a batch, the next run settles every one of them" {
	local at goal
	for at in promote:3 soak:2 rename-new:2 moved:2; do
		goal=$(other)
		echo "# killed at $at" >&2
		GANTRY_CRASH_AT=$at run -137 "$B/crash/deploy" -c "$CONF" --tag "$goal" --force
		run -0 deploy -c "$CONF" --tag "$goal"
		all_at "$goal"
		[ "$(jq -r 'select(.event == "end") | .result' "$STATE/journal.jsonl" | tail -1)" = done ]
	done
}

@test "killed on the way back, the next run finishes that" {
	local at before
	before=$(version_of 1)
	for at in settle-remove-next quarantine back; do
		echo "# killed at $at" >&2
		GANTRY_CRASH_AT=$at run -137 "$B/crash/deploy" -c "$CONF" --tag 0.0.3 --force
		run deploy -c "$CONF" --tag 0.0.3
		# 3: gone back now; 1: it had, and the release is in quarantine
		[ "$status" = 3 ] || [ "$status" = 1 ]
		all_at "$before"
	done
}

@test "stopped by a signal, all that were under way are as before, and the next run goes on" {
	local before goal pid status=0
	before=$(version_of 1) goal=$(other)
	settings 60 BATCH=3
	deploy -c "$CONF" --tag "$goal" >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	soaking() { [ "$(in_last step | wc -l)" -gt 0 ] && [ "$(jq -rs '(map(select(.event == "begin"))
		| last.txn) as $t | map(select(.txn == $t and .step == "soak")) | length' \
		"$STATE/journal.jsonl")" = 3 ]; }
	wait_for 60 soaking
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" = 75 ]
	[ "$(grep -c '^failed .*stopped by a signal$' "$BATS_TEST_TMPDIR/out")" = 3 ]
	all_at "$before"
	settings 1 BATCH=3
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
}
