#!/usr/bin/env bats
# rollback, on a real engine with real robots.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 2 0.0.1
	release 0.0.2
	release 0.0.3 --env LOG_DIR=/nonexistent
}

teardown_file() {
	stop_fleet
}

short() {
	digest_of "$1" | cut -c 1-19
}

@test "with nothing proven there is nothing to go back to: 6" {
	run --separate-stderr -6 rollback -c "$CONF"
	[ -z "$output" ]
	[ "$stderr" = "rollback: nothing to go back to: no other image was proven here" ]
	run --separate-stderr -0 rollback -c "$CONF" --list
	[ -z "$output$stderr" ]
}

@test "--to names something that never ran: 6" {
	run --separate-stderr -6 rollback -c "$CONF" --to 9.9.9
	[ "$stderr" = "rollback: '9.9.9' was never proven here (see rollback --list)" ]
}

@test "--list: newest first, with what runs" {
	run -0 deploy -c "$CONF" --tag 0.0.2
	run --separate-stderr -0 rollback -c "$CONF" --list
	[[ ${lines[0]} == "0.0.2 $(short 0.0.2) 20"*" running soaked" ]]
	[[ ${lines[1]} == "0.0.1 $(short 0.0.1) 20"*" proven soaked" ]]
	[ "${#lines[@]}" = 2 ]
	run -0 rollback -c "$CONF" --list --json
	[ "$(jq -r .digest <<<"${lines[1]}")" = "$(digest_of 0.0.1)" ]
}

@test "--dry-run says what would be done" {
	run --separate-stderr -0 rollback -c "$CONF" -n
	[ "${lines[0]}" = "would-move robot-service-1 $IMAGE:0.0.1@$(digest_of 0.0.1)" ]
	all_at 0.0.2
}

@test "back to the last good image, with no registry" {
	stop_all
	run --separate-stderr -0 rollback -c "$CONF"
	[ "${lines[0]}" = "moved robot-service-1 $IMAGE:0.0.1@$(digest_of 0.0.1)" ]
	[ "${lines[1]}" = "moved robot-service-2 $IMAGE:0.0.1@$(digest_of 0.0.1)" ]
	[ "${stderr_lines[0]}" = "rollback: robot-service-1: 0.0.2 to 0.0.1 by handover" ]
	all_at 0.0.1
	grep -qx "ROBOT_SERVICE_1_IMAGE=$IMAGE@$(digest_of 0.0.1)" "$PINS"
}

@test "what was left is in quarantine, so deploy does not go straight back" {
	run --separate-stderr -0 rollback -c "$CONF" --list
	[[ ${lines[0]} == "0.0.1 "*" running soaked" ]]
	[[ ${lines[1]} == "0.0.2 "*" quarantined candidate" ]]
	run --separate-stderr -6 rollback -c "$CONF"
	start_registry local 5000
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.1
	run --separate-stderr -1 deploy -c "$CONF" --tag 0.0.2
	[[ $stderr == "deploy: 0.0.2 ($(short 0.0.2)) is quarantined since "*": rolled back by hand (--force lifts it)" ]]
}

@test "--to goes where it is told, by tag or by digest" {
	run -0 rollback -c "$CONF" --to 0.0.2
	all_at 0.0.2
	run --separate-stderr -0 rollback -c "$CONF" --to 0.0.2
	[ "$stderr" = "rollback: every service runs 0.0.2 already" ]
	run -0 rollback -c "$CONF" --to "$(digest_of 0.0.1)"
	all_at 0.0.1
	run -0 rollback -c "$CONF" --to "$(digest_of 0.0.2 | cut -c 8-19)" robot-service-2
	[ "$(version_of 1)" = 0.0.1 ]
	[ "$(version_of 2)" = 0.0.2 ]
	run -0 rollback -c "$CONF" --to 0.0.1
	all_at 0.0.1
}

@test "the image is kept under a name of its own, and pulled if somebody removed it" {
	hex=$(digest_of 0.0.2 | cut -c 8-19)
	docker image inspect "$IMAGE:gantry-$hex" >/dev/null
	docker rm "gantry-keep-$hex" >/dev/null
	docker image rm -f "$(docker image inspect -f '{{.Id}}' "$IMAGE:gantry-$hex")" >/dev/null
	run ! docker image inspect "$IMAGE@$(digest_of 0.0.2)"
	run -0 rollback -c "$CONF" --to 0.0.2
	all_at 0.0.2
}

@test "a target that is not healthy any more: 5, and everything runs as before" {
	jq -nc --arg d "$(digest_of 0.0.3)" --arg i "$IMAGE" '{time: "2026-01-01T00:00:00.000Z",
		event: "proven", image: $i, tag: "0.0.3", digest: $d}' >>"$STATE/journal.jsonl"
	run --separate-stderr -5 rollback -c "$CONF" --to 0.0.3
	[[ ${lines[0]} == "failed robot-service-1 "* ]]
	[[ ${lines[1]} == "back robot-service-1 "* ]]
	[[ $stderr == *"rollback: 0.0.3 failed and was rolled back: "* ]]
	all_at 0.0.2
}

@test "wrong options are 64, no engine 71, wrong settings 78" {
	run --separate-stderr -64 rollback -c "$CONF" robot-service-9
	DOCKER_HOST=unix:///nosuch run --separate-stderr -71 rollback -c "$CONF"
	[ "$stderr" = "rollback: no container engine at '/nosuch': No such file or directory" ]
	DOCKER_HOST=unix:///nosuch run --separate-stderr -0 rollback -c "$CONF" --list
	[[ ${lines[0]} == "0.0.3 "* ]] || [[ ${lines[0]} == "0.0.2 "* ]]
	run --separate-stderr -78 rollback -c /nosuch.conf
}

@test "a deployment that was cut off is ended first" {
	GANTRY_CRASH_AT=demote:2 run -137 "$B/crash/deploy" -c "$CONF" --tag 0.0.1 --force
	run --separate-stderr -0 rollback -c "$CONF" --to 0.0.1
	[[ $stderr == *"goes on with what was left unfinished"* ]]
	all_at 0.0.1
}
