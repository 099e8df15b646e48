#!/usr/bin/env bats
# The engine and its runtime are killed at random instants while a deployment is on: the next run
# ends it, and nothing of that is held against the release.  ENGINE_KILLS=N kills so often,
# ENGINE_SEED=N draws the same lots again.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	export KILLS=${ENGINE_KILLS:-4} SEED=${ENGINE_SEED:-$((RANDOM + 32768 * RANDOM))}
	start_fleet 2 0.0.1
	release 0.0.2
}

teardown_file() {
	stop_fleet
}

setup() {
	out=$BATS_TEST_TMPDIR/out
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || {
		cat "$out" || true
		printf '%s\n' "${output:-}"
		docker ps -a
		tail -n 30 "$STATE/journal.jsonl" | cut -c 1-250
	} >&2
}

other() {
	[ "$(version_of 1)" = 0.0.1 ] && echo 0.0.2 || echo 0.0.1
}

# begin [OPTION...]: a deployment of the other version in the background: GOAL, DEPLOY.
begin() {
	GOAL=$(other)
	deploy -c "$CONF" --tag "$GOAL" "$@" >"$out" 2>&1 3>&- &
	DEPLOY=$!
}

# ends STATUS...: that deployment does, in one of these ways.
ends() {
	local status=0
	wait "$DEPLOY" || status=$?
	[[ " $* " == *" $status "* ]] || {
		echo "status $status" >&2
		return 1
	}
}

# converges: the next run is all that it takes.
converges() {
	run -0 deploy -c "$CONF" --tag "$GOAL"
	all_at "$GOAL"
	run ! grep -qE '"event":"(quarantine|passed)"' "$STATE/journal.jsonl"
}

# draw N: a number below N, in LOT.
draw() {
	LOT=$((RANDOM % $1))
}

nap() { # MILLISECONDS
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# rounds N [OPTION OF THE ENGINE...]: killed so often.
rounds() {
	local n=$1 round way at ways=(handover recreate handover)
	shift
	for ((round = 0; round < n; round++)); do
		draw 3
		way=${ways[LOT]}
		draw 3000
		at=$LOT
		echo "# $round: $way, killed after $at ms" >&2
		begin --strategy "$way" --soak 1
		nap "$at"
		kill_runtime
		draw 500
		nap "$LOT"
		start_engine --bip=10.213.0.1/24 "$@"
		# 71: it was not there to begin with
		ends 0 71 75
		converges
	done
}

@test "killed at random instants: the next run ends it, and blames nobody" {
	RANDOM=$SEED
	echo "# ENGINE_SEED=$SEED" >&2
	rounds $((KILLS / 2))
}

@test "the same where containers live through it" {
	RANDOM=$((SEED + 1))
	echo "# ENGINE_SEED=$SEED" >&2
	kill_runtime
	start_engine --bip=10.213.0.1/24 --live-restore
	rounds $((KILLS - KILLS / 2)) --live-restore
}

at_step() {
	[ "$(tail -n 1 "$STATE/journal.jsonl" | jq -r .step)" = "$1" ]
}

# An upgrade of the engine is such a restart; a socket of systemd's keeps requests waiting for it.
@test "the engine is started anew between two questions: nobody is blamed for what it stopped" {
	local signal
	for signal in KILL TERM; do
		begin --soak 600
		wait_for 60 at_step soak
		kill -STOP "$DEPLOY"
		if [ "$signal" = KILL ]; then
			kill_runtime
		else
			end_engine
		fi
		start_engine
		kill -CONT "$DEPLOY"
		ends 75
		converges
	done
}

stopped() {
	[ "$(ask_engine "containers/$1/json" | jq .State.Running)" = false ]
}

# Docker ends what it finds running, as if somebody had asked for it, and leaves `unless-stopped` down.
@test "robots that a killed engine ended when it came up are started, one that a person stopped is not" {
	GOAL=$(version_of 1)
	kill_engine
	start_engine
	stopped robot-service-1
	run --separate-stderr -0 deploy -c "$CONF" --tag "$GOAL"
	[ "${stderr_lines[0]}" = "deploy: robot-service-1: was left down by the engine, is started" ]
	[ "${stderr_lines[1]}" = "deploy: robot-service-2: was left down by the engine, is started" ]
	wait_for 10 all_at "$GOAL"

	docker stop robot-service-1 >/dev/null
	deploy -c "$CONF" --tag "$GOAL"
	stopped robot-service-1
	kill_engine
	start_engine
	run --separate-stderr -0 deploy -c "$CONF" --tag "$GOAL"
	[[ $stderr == "deploy: robot-service-2: was left down by the engine, is started"$'\n'* ]]
	stopped robot-service-1
	docker start robot-service-1 >/dev/null
	wait_for 10 all_at "$GOAL"
}

@test "the engine ends all containers and itself: nobody is blamed for that" {
	begin --soak 600
	wait_for 60 at_step soak
	end_engine
	ends 75
	start_engine
	converges
}
