#!/usr/bin/env bats
# What stays on an engine for the way back and what goes, what is kept as evidence of a failure,
# and what people see of it.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	local v
	start_fleet 1 0.0.1
	# images that differ, for the engine counts layers
	for v in 2 3 4 5; do release "0.0.$v" --env "NUMBER=$v"; done
	release 0.0.9 --env LOG_DIR=/nosuch --env NUMBER=9 --env API_TOKEN=s3cret \
		--env UPLINK=https://me:s3cret@example.org/
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf
}

hex() {
	digest_of "$1" | cut -c 8-19
}

is_kept() {
	docker image inspect "$IMAGE@$(digest_of "$1")" >/dev/null
	docker image inspect "$IMAGE:gantry-$(hex "$1")" >/dev/null
	docker inspect "gantry-keep-$(hex "$1")" >/dev/null
}

is_gone() {
	! docker image inspect "$IMAGE@$(digest_of "$1")" >/dev/null 2>&1 || return 1
	! docker inspect "gantry-keep-$(hex "$1")" >/dev/null 2>&1
}

@test "what ran, what runs and what is staged survive prune --all, and rollback needs no registry" {
	deploy -c "$CONF" --tag 0.0.2
	deploy -c "$CONF" --stage --tag 0.0.3
	docker pull -q "$IMAGE@$(digest_of 0.0.4)" >/dev/null
	"$GANTRY_TEST_ENGINE" image prune -af >/dev/null
	run ! docker image inspect "$IMAGE@$(digest_of 0.0.4)"
	is_kept 0.0.1
	is_kept 0.0.2
	is_kept 0.0.3
	[ "$(docker inspect -f '{{.State.Status}}' "gantry-keep-$(hex 0.0.1)")" = created ]
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.2
	[ "$stderr" = "deploy: every service runs 0.0.2 already" ]
	sed -i 's/^REGISTRY_URL=.*/REGISTRY_URL=127.0.0.1:1/' "$CONF"
	run -0 rollback -c "$CONF"
	all_at 0.0.1
	run -0 deploy -c "$CONF" --switch
	all_at 0.0.3
}

@test "the image before is kept before its container goes, though a crash comes in between" {
	reset_fleet 0.0.1
	docker rm "gantry-keep-$(hex 0.0.1)" >/dev/null
	GANTRY_CRASH_AT=rename-old run -137 "$B/crash/deploy" -c "$CONF" --tag 0.0.2
	is_kept 0.0.1
	is_kept 0.0.2
	"$GANTRY_TEST_ENGINE" image prune -af >/dev/null
	run -0 deploy -c "$CONF" --tag 0.0.2
	all_at 0.0.2
}

# Holders run 0.0.1: its image is used, whatever robots do.

@test "KEEP_IMAGES proven ones stay, the others go and what that frees is said" {
	write_conf KEEP_IMAGES=2
	reset_fleet 0.0.1
	deploy -c "$CONF" --tag 0.0.2
	deploy -c "$CONF" --tag 0.0.3
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.4 -v
	[[ $stderr == *"'$IMAGE@$(digest_of 0.0.2)' is removed from $DOCKER_HOST: up to "*" MB are free again"* ]]
	is_gone 0.0.2
	is_kept 0.0.3
	run --separate-stderr -0 deploy -c "$CONF" --tag 0.0.5
	[[ $stderr != *"is removed"* ]]
	is_gone 0.0.3
	is_kept 0.0.4
	is_kept 0.0.5
	run --separate-stderr -0 rollback -c "$CONF" --list
	[[ ${lines[1]} == "0.0.4 "*" proven soaked" ]]
	write_conf KEEP_IMAGES=0
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == *"KEEP_IMAGES"*"from 1 to 1000, not '0'"* ]]
}

@test "what a container uses or somebody else has named stays" {
	write_conf KEEP_IMAGES=1
	reset_fleet 0.0.1
	deploy -c "$CONF" --tag 0.0.2
	docker create --name mine "$IMAGE@$(digest_of 0.0.2)" >/dev/null
	deploy -c "$CONF" --tag 0.0.3
	docker tag "$IMAGE@$(digest_of 0.0.3)" mine/robot:3
	deploy -c "$CONF" --tag 0.0.4
	docker image inspect "$IMAGE@$(digest_of 0.0.1)" >/dev/null
	docker image inspect "$IMAGE@$(digest_of 0.0.2)" >/dev/null
	docker image inspect mine/robot:3 >/dev/null
	run ! docker inspect "gantry-keep-$(hex 0.0.2)"
	run ! docker inspect "gantry-keep-$(hex 0.0.3)"
	docker rm mine >/dev/null
	docker rmi mine/robot:3 >/dev/null
	# where the name that it was pulled by keeps it
	[ "$GANTRY_TEST_ENGINE" = docker ] || podman image prune -af >/dev/null
	deploy -c "$CONF" --tag 0.0.5
	is_gone 0.0.2
	is_gone 0.0.3
}

@test "a failure keeps every image; a container that only has such a name is not ours" {
	write_conf KEEP_IMAGES=1
	reset_fleet 0.0.1
	deploy -c "$CONF" --tag 0.0.2
	run -3 deploy -c "$CONF" --tag 0.0.9
	is_kept 0.0.2
	is_kept 0.0.9
	docker rm "gantry-keep-$(hex 0.0.9)" >/dev/null
	docker create --name "gantry-keep-$(hex 0.0.9)" "$IMAGE@$(digest_of 0.0.2)" >/dev/null
	run -0 deploy -c "$CONF" --tag 0.0.3
	run ! docker image inspect "$IMAGE@$(digest_of 0.0.9)"
	docker rm "gantry-keep-$(hex 0.0.9)" >/dev/null
}

@test "on a terminal --status, --history and --list are tables, and NO_COLOR is honoured" {
	run -0 env -u NO_COLOR script -qec "deploy -c '$CONF' --status" /dev/null
	[[ ${lines[0]} == *$'\e[1mSERVICE\e[0m          '*VERSION*DIGEST*STATE*HEALTH*RUNG*SINCE* ]]
	run -0 script -qec "deploy -c '$CONF' --status" /dev/null
	[[ ${lines[0]} == "SERVICE          VERSION  DIGEST               STATE    HEALTH"*"RUNG    SINCE"* ]]
	[[ ${lines[1]} == "robot-service-1  0.0.3    $(digest_of 0.0.3 | cut -c 1-19)  running  "*"  soaked  20"* ]]
	run -0 script -qec "deploy -c '$CONF' --history" /dev/null
	[[ ${lines[0]} == "TIME  "*"KIND  "*"VERSION  DIGEST  "*"RESULT  "*"RUNG  "*"REASON"* ]]
	run -0 script -qec "rollback -c '$CONF' --list" /dev/null
	[[ ${lines[0]} == "VERSION  DIGEST               STATE    RUNG"*"SINCE"* ]]
	run -0 script -qec "rollback -c '$CONF' --list --json" /dev/null
	[ "$(jq -r .rung <<<"${lines[0]}")" = soaked ]
	DOCKER_HOST=unix:///nosuch run -0 script -qec "deploy -c '$CONF' --status" /dev/null
	[[ $output == *"no container engine at '/nosuch': No such file or directory; from the journal alone"* ]]
	[[ $output == *"robot-service-1  0.0.3  "*"unknown"* ]]
}

@test "what has run for STABLE_AFTER is stable" {
	write_conf STABLE_AFTER=0
	run --separate-stderr -0 deploy -c "$CONF" --status
	[[ $output == "robot-service-1 0.0.3 "*" running 20"*" stable" ]]
	write_conf STABLE_AFTER=soon
	run --separate-stderr -78 deploy -c "$CONF" --status
	[[ $stderr == *"STABLE_AFTER: it must be from 0 to "*" seconds, not 'soon'" ]]
}

@test "where robots differ, rollback takes none of them forward" {
	reset_fleet 0.0.1
	start_robot 2 0.0.1
	ROBOTS=2 write_conf
	deploy -c "$CONF" --tag 0.0.2 robot-service-1
	run --separate-stderr -0 rollback -c "$CONF" -n
	[ "${lines[0]}" = "would-move robot-service-1 $IMAGE:0.0.1@$(digest_of 0.0.1)" ]
	[ "${lines[1]}" = "current robot-service-2 $IMAGE:0.0.1@$(digest_of 0.0.1)" ]
	docker rm -f robot-service-2 >/dev/null
	docker rm -f robot-holder-2 >/dev/null
}

@test "a container that failed leaves evidence, without secrets, and everybody is told where" {
	local dir
	reset_fleet 0.0.1
	mkdir -p "$BATS_TEST_TMPDIR/hooks"
	printf '#!/bin/sh\necho "$%s" >%s\n' GANTRY_EVIDENCE "$BATS_TEST_TMPDIR/told" >"$BATS_TEST_TMPDIR/hooks/failed"
	chmod +x "$BATS_TEST_TMPDIR/hooks/failed"
	write_conf "HOOKS_DIR='$BATS_TEST_TMPDIR/hooks'"
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.9
	dir=$(echo "$STATE"/evidence/*)
	[[ ${stderr_lines[-1]} == "deploy: 0.0.9 failed and was rolled back: "*" (evidence in $dir)" ]]
	[ "$(cat "$BATS_TEST_TMPDIR/told")" = "$dir" ]
	[ "$(stat -c %a "$STATE/evidence" "$dir" | xargs)" = "700 700" ]
	cd "$dir"
	grep -q 503 robot-service-1.txt
	grep -q ^MemAvailable: robot-service-1.txt
	grep -q "^disk of '$STATE/evidence': [0-9]* of [0-9]* MB free" robot-service-1.txt
	grep -q /nosuch robot-service-1.log
	jq -e .Status robot-service-1.health.json
	jq -e '.Config.Env | index("API_TOKEN=***") and index("UPLINK=***") and index("NUMBER=9")' robot-service-1.new.json
	[ "$(jq -r .Name robot-service-1.old.json)" = /robot-service-1 ]
	grep -qx 'Config.Env: + "NUMBER=9"' robot-service-1.diff
	grep -q "^Config.Image: .* -> \"$IMAGE@$(digest_of 0.0.9)\"" robot-service-1.diff
	run ! grep -r s3cret .
	cd /
	all_at 0.0.1
}

@test "the oldest evidence goes, and none that can be kept keeps no robot from going back" {
	local i
	reset_fleet 0.0.1
	docker rm -f robot-service-1 >/dev/null
	start_robot 1 0.0.1 --label "long=$(head -c 70000 /dev/zero | tr '\0' x)"
	for ((i = 10; i < 35; i++)); do
		mkdir -p "$STATE/evidence/$i"
		touch "$STATE/evidence/$i/x"
	done
	run -3 deploy -c "$CONF" --tag 0.0.9
	[ "$(find "$STATE/evidence" -mindepth 1 -maxdepth 1 | wc -l)" = 20 ]
	[ ! -e "$STATE/evidence/15" ]
	[ -e "$STATE/evidence/16" ]
	[ "$(stat -c %s "$STATE"/evidence/*/robot-service-1.old.json)" = 65536 ]
	[ "$(stat -c %s "$STATE"/evidence/*/robot-service-1.new.json)" = 65536 ]
	rm -r "$STATE/evidence"
	echo "in the way" >"$STATE/evidence"
	run --separate-stderr -3 deploy -c "$CONF" --tag 0.0.9 --force
	[[ $stderr == *"robot-service-1: evidence: "* ]]
	all_at 0.0.1
	rm "$STATE/evidence"
}
