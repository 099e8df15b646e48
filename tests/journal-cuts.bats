#!/usr/bin/env bats
# The power fails while the journal is written: of its last record any part may be there, or zeros
# in its place.  The next run ends what was begun.  JOURNAL_CUTS=all cuts at every step and in
# every way, otherwise at a few.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	start_fleet 1 0.0.1
	release 0.0.2
	# its image asks for a log folder that is not there: honestly unhealthy
	release 0.0.3 --env LOG_DIR=/nosuch
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf
	sed -i 's,^HEALTH_CHECK_TIMEOUT=.*,HEALTH_CHECK_TIMEOUT=1,' "$CONF"
}

# cut_record WAY: the journal's last record as the power left it.
cut_record() {
	local file=$STATE/journal.jsonl size last
	size=$(stat -c %s "$file")
	last=$(tail -n 1 "$file" | wc -c)
	case $1 in
	empty) truncate -s $((size - last)) "$file" ;;
	half) truncate -s $((size - last / 2)) "$file" ;;
	line) truncate -s $((size - 1)) "$file" ;;
	zeros) truncate -s $((size - last)) "$file" && truncate -s "$size" "$file" ;;
	torn) truncate -s $((size - last / 2)) "$file" && truncate -s "$size" "$file" ;;
	esac
}

other() {
	[ "$(version_of 1)" = 0.0.1 ] && echo 0.0.2 || echo 0.0.1
}

# dies STEP VERSION [OPTION...]: a deployment does at that step, or fails as it never comes there.
dies() {
	local at=$1 version=$2 status=0
	shift 2
	GANTRY_CRASH_AT=$at "$B/crash/deploy" -q -c "$CONF" --tag "$version" "$@" >/dev/null 2>&1 || status=$?
	[ "$status" = 137 ]
}

# What some steps have before them.
prepare() { # STEP VERSION [OPTION...]
	case $1 in
	resume) dies soak "${@:2}" ;;
	settle-rename) dies rename-new "${@:2}" ;;
	settle-remove-prev) dies remove-old "${@:2}" ;;
	settle-make) docker rm -f robot-service-1 >/dev/null ;;
	esac
}

# ends_well GOAL [OPTION...]: after that cut.
ends_well() {
	local goal=$1
	shift
	if [ "$goal" = 0.0.3 ]; then
		run deploy -c "$CONF" --tag "$goal" "${@:2}"
		[[ $status == [13] ]] || return 1
		run deploy -c "$CONF" --tag "$goal"
		[ "$status" = 1 ] && [[ $output == *"is quarantined since"* ]] || return 1
		goal=$1
	else
		run deploy -c "$CONF" --tag "$goal" "${@:2}"
		[ "$status" = 0 ] && grep -q "$(digest_of "$goal")" "$PINS" || return 1
	fi
	# what was torn is gone, and has taken nothing with it
	jq -es 'last(.[] | select(.event == "end")).txn == last(.[] | select(.event == "begin")).txn' \
		"$STATE/journal.jsonl" >/dev/null && all_at "$goal"
}

# cuts STEPS WAYS VERSION [OPTION...]: at each of these steps, as far as the deployment comes to it,
# in each of these ways; VERSION - is the other one.
cuts() {
	local step way goal before
	for step in $1; do
		for way in $2; do
			before=$(version_of 1) goal=$3
			[ "$goal" != - ] || goal=$(other)
			if ! prepare "$step" "$goal" --force "${@:4}" || ! dies "$step" "$goal" --force "${@:4}"; then
				deploy -q -c "$CONF" --tag "$before" --force
				break
			fi
			echo "$step" >>"$BATS_FILE_TMPDIR/cut"
			tail -n 1 "$STATE/journal.jsonl" >"$BATS_TEST_TMPDIR/whole"
			cut_record "$way"
			ends_well "$goal" "$before" "${@:4}" || {
				echo "$goal ${*:4}: $step, $way: status $status" "$output" >&2
				cut -c 1-200 "$BATS_TEST_TMPDIR/whole" >&2
				tail -n 20 "$STATE/journal.jsonl" | cut -c 1-250 >&2
				docker ps -a >&2
				return 1
			}
		done
	done
}

# all_cuts: and how often at each step.
all_cuts() {
	local all ways='empty half line zeros torn' step
	all=$(GANTRY_CRASH_AT=list "$B/crash/deploy")
	cuts "$all" "$ways" -
	cuts "$all" "$ways" - --strategy recreate
	cuts "$all" "$ways" 0.0.3
	cuts "$all" "$ways" 0.0.3 --on-failure stop
	for step in $all; do
		echo "# $step: $(grep -cx "$step" "$BATS_FILE_TMPDIR/cut")" >&3
	done
}

@test "a last record that is cut or zeros is as good as none" {
	if [ "${JOURNAL_CUTS:-}" = all ]; then
		all_cuts
		return
	fi
	cuts service:1 half -
	cuts start zeros -
	cuts promote empty -
	cuts rename-old line -
	cuts moved torn -
	cuts end half -
	cuts quarantine line 0.0.3
	[ "$(wc -l <"$BATS_FILE_TMPDIR/cut")" = 7 ]
}
