#!/usr/bin/env bats
# Killed at random instants, again and again: whatever was under way, the next run that is left in
# peace ends it.  CRASH_RUNS=N kills so often, CRASH_SEED=N draws the same lots again.
load helpers/common
load helpers/engine
load helpers/fleet

# Two sites on one engine, of two robots each, so that no core waits.
setup_file() {
	local site
	export RUNS=${CRASH_RUNS:-40} SEED=${CRASH_SEED:-$((RANDOM + 32768 * RANDOM))}
	start_fleet 2 0.0.1
	release 0.0.2
	# ends at once where the robot has no id of its own
	release 0.0.3 --env 'ROBOT_ID=not a word'
	start_robot 3 0.0.1
	start_robot 4 0.0.1
	for site in 1 3; do
		make_site "$site"
	done
}

teardown_file() {
	stop_fleet
}

# make_site N: robots N and N+1 as a site of their own.  The second takes its id from the image, so
# that 0.0.3 is good for the first and bad for the second.
make_site() {
	local dir=$BATS_FILE_TMPDIR/site-$1 second=$(($1 + 1))
	mkdir -p "$dir"
	sed -e "s,^STATE_DIR=.*,STATE_DIR='$dir/state'," -e "s,^PINS_FILE=.*,PINS_FILE='$dir/pins'," \
		-e "s,^ROBOT_CONTAINERS=.*,ROBOT_CONTAINERS='robot-service-$1 robot-service-$second'," \
		-e 's,^HEALTH_CHECK_TIMEOUT=.*,HEALTH_CHECK_TIMEOUT=120,' "$CONF" >"$dir/conf"
	echo BATCH=1 >>"$dir/conf"
	docker rm -f "robot-service-$second" >/dev/null
	docker run -d --name "robot-service-$second" --restart "$ROBOT_RESTART" --read-only \
		--network "container:robot-holder-$second" "${ROBOT_RUN[@]}" \
		"$IMAGE@$(digest_of 0.0.1)" >/dev/null
	wait_for 10 healthy "$second"
	# both releases are proven, so that rollback knows them
	deploy -q -c "$dir/conf" --tag 0.0.2
}

# converged FIRST VERSION: both robots of the site are there, and nothing else is.
converged() {
	local n state=$BATS_FILE_TMPDIR/site-$1/state name
	for n in "$1" $(($1 + 1)); do
		name=robot-service-$n
		[ "$(version_of "$n")" = "$2" ] &&
			[ "$(ask_engine "containers/$name/json" |
				jq -r '"\(.Name) \(.HostConfig.RestartPolicy.Name)"')" = "/$name $ROBOT_RESTART" ] &&
			[ "$(ask_engine 'containers/json?all=1' |
				jq -c --arg n "$name" '[.[].Names[] | select(contains($n))]')" = "[\"/$name\"]" ] || {
			echo "robot $n is not all at $2 and alone"
			return 1
		}
	done
	[ "$(tail -n 1 "$state/journal.jsonl" | jq -r .event)" = end ] &&
		[ "$(jq -rs '[.[] | select(.event == "begin")][-1].txn' "$state/journal.jsonl")" = \
			"$(jq -rs '[.[] | select(.event == "end")][-1].txn' "$state/journal.jsonl")" ] || {
		echo "the journal does not end with an end"
		return 1
	}
}

# draw N: a number below N, in LOT.
draw() {
	LOT=$((RANDOM % $1))
}

# cut_off COMMAND...: run it and kill it at some instant, or see it end before that.
cut_off() {
	local at pid status=0
	draw 1600
	printf -v at '%d.%03d' $((LOT / 1000)) $((LOT % 1000))
	echo "$*, killed after $at s"
	"$@" &
	pid=$!
	sleep "$at"
	kill -9 $pid 2>/dev/null || true
	wait $pid || status=$?
	[ "$status" != 137 ] || kills=$((kills + 1))
}

# one_round FIRST: something is begun, killed one to five times, and ended by the next run.
one_round() {
	local first=$1 dir=$BATS_FILE_TMPDIR/site-$1 now goal status=0 tries load=''
	now=$(version_of "$first")
	goal=0.0.1
	[ "$now" != 0.0.1 ] || goal=0.0.2
	local deploy=(deploy -c "$dir/conf" --strategy) kill peace
	# one after the other, or both at once
	draw 2
	sed -i "s/^BATCH=.*/BATCH=$((1 + 2 * LOT))/" "$dir/conf"
	draw 5
	case $LOT in
	0) kill=("${deploy[@]}" handover --force --tag "$goal") ;;
	1) kill=("${deploy[@]}" recreate --force --tag "$goal") ;;
	2) kill=("${deploy[@]}" handover --force --tag 0.0.3) ;;
	3) kill=("${deploy[@]}" recreate --force --tag 0.0.3) ;;
	4) kill=(rollback -c "$dir/conf" --to "$goal") ;;
	esac
	peace=("${kill[@]}")
	# what turned out to be bad is not tried again
	[ "${kill[-1]}" != 0.0.3 ] || peace=("${deploy[@]}" "${kill[4]}" --tag 0.0.3)
	if [ "${kill[4]}" != recreate ]; then
		"$B/helpers/load" -k 1 -f 1 -p 0.02 "http://127.0.0.1:$((5000 + first))/health" \
			"http://127.0.0.1:$((5001 + first))/health" >"$dir/load" 2>&1 3>&- &
		load=$!
	fi
	draw 6
	for ((tries = LOT < 5 ? LOT % 3 : 4; tries >= 0; tries--)); do
		cut_off "${kill[@]}"
	done
	echo "${peace[*]}, in peace"
	"${peace[@]}" >"$dir/out" 2>&1 || status=$?
	cat "$dir/out"
	if [ -n "$load" ]; then
		kill -INT "$load"
		wait "$load" || true
		grep -E '^requests [1-9][0-9]* failed 0 ' "$dir/load" || {
			cat "$dir/load"
			return 1
		}
	fi
	case "$status ${peace[-1]}" in
	"0 $goal") converged "$first" "$goal" ;;
	[35]" $goal") grep -q 'interrupted again and again' "$dir/out" && converged "$first" "$now" ;;
	[13]" 0.0.3") converged "$first" "$now" ;;
	*)
		echo "ended with status $status"
		return 1
		;;
	esac
}

# site_rounds FIRST KILLS: until so many kills have hit; how many in site-FIRST/kills.
site_rounds() {
	local kills=0 rounds=0
	RANDOM=$((SEED + $1))
	while [ "$kills" -lt "$2" ]; do
		one_round "$1" || return 1
		rounds=$((rounds + 1))
	done
	echo "$kills kills in $rounds rounds" >"$BATS_FILE_TMPDIR/site-$1/kills"
}

@test "killed at random instants: every time the next run ends it, and nobody is refused meanwhile" {
	local site pids=() status=0
	for site in 1 3; do
		site_rounds "$site" $((RUNS / 2)) >"$BATS_FILE_TMPDIR/site-$site/log" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[0]}" || status=1
	wait "${pids[1]}" || status=1
	for site in 1 3; do
		echo "# robots $site and $((site + 1)): $(cat "$BATS_FILE_TMPDIR/site-$site/kills" ||
			echo "failed, with CRASH_SEED=$SEED")" >&3
	done 2>/dev/null
	[ "$status" = 0 ] || {
		tail -n 60 "$BATS_FILE_TMPDIR"/site-*/log
		docker ps -a
		tail -n 40 "$BATS_FILE_TMPDIR"/site-*/state/journal.jsonl | cut -c 1-300
		return 1
	}
}
