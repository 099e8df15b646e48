#!/usr/bin/env bats
# A clock that is wrong, or jumps: what runs is counted on one that nobody sets.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	local lib
	lib=$(ls /usr/lib/*/faketime/libfaketime.so.1)
	export LIB=$lib TIME_FILE=$BATS_FILE_TMPDIR/time
	start_fleet 1 0.0.1
	release 0.0.2
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || printf '%s\n' "${output:-}" "${stderr:-}" >&2
}

# at TIME COMMAND...: with the clock set to that, which goes on; TIME_FILE sets it later.
at() {
	echo "$1" >"$TIME_FILE"
	env LD_PRELOAD="$LIB" FAKETIME_TIMESTAMP_FILE="$TIME_FILE" FAKETIME_NO_CACHE=1 \
		FAKETIME_DONT_FAKE_MONOTONIC=1 ASAN_OPTIONS=verify_asan_link_order=0 "${@:2}"
}

other() {
	[ "$(version_of 1)" = 0.0.1 ] && echo 0.0.2 || echo 0.0.1
}

blameless() {
	[ ! -e "$STATE/journal.jsonl" ] || run ! grep -qE '"event":"(quarantine|passed)"' "$STATE/journal.jsonl"
}

@test "with a clock at 1970, or 2100, a deployment is like any other" {
	local year goal
	for year in 1970 2100; do
		goal=$(other)
		run -0 at "@$year-01-01 00:00:10" deploy -c "$CONF" --tag "$goal" --soak 1
		[[ $(tail -n 1 "$STATE/journal.jsonl" | jq -r '.time + .event') == "$year-01-01T00:0"*end ]]
		all_at "$goal"
		# what the clock was set forward by is no time that it ran
		run --separate-stderr -0 deploy -c "$CONF" --status
		[[ $output == "robot-service-1 $goal "*" soaked" ]]
		run -0 rollback -c "$CONF" --list
	done
	blameless
}

soaks() {
	[ "$(tail -n 1 "$STATE/journal.jsonl" | jq -r .step)" = soak ]
}

@test "a clock that jumps by years, forth and back, makes a soak neither shorter nor longer" {
	local goal pid
	goal=$(other)
	at +0 deploy -c "$CONF" --tag "$goal" --soak 6 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_for 30 soaks
	sleep 1
	echo +40y >"$TIME_FILE"
	sleep 2
	soaks
	echo -40y >"$TIME_FILE"
	wait_for 20 not_alive "$pid"
	wait "$pid"
	[[ $(tail -n 1 "$STATE/journal.jsonl" | jq -r .time) == 19* ]]
	all_at "$goal"
	blameless
}

@test "windows go by the clock of the wall" {
	sed -i '/^UPDATE_WINDOW/d' "$CONF"
	echo 'UPDATE_WINDOW=22:00-05:00' >>"$CONF"
	TZ=UTC run --separate-stderr -75 at '@2031-01-01 12:00:00' deploy -c "$CONF" --tag "$(other)"
	[[ $stderr == "deploy: it is Wed 12:00, outside UPDATE_WINDOW "* ]]
	TZ=UTC run -0 at '@2031-01-01 23:00:00' deploy -c "$CONF" --tag "$(other)"
	blameless
}

# A gateway without a battery begins in 1970, until it hears what time it is.
@test "a certificate that is not valid yet, by a wrong clock, is the place's fault: 75, and then fine" {
	local dir=$BATS_FILE_TMPDIR port goal
	port=$(free_port) goal=$(other)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=site \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null
	cat >"$dir/tls.yml" <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $dir/local}}
		http: {addr: 127.0.0.1:$port, secret: gantry, tls: {certificate: $dir/tls.crt, key: $dir/tls.key}}
	YML
	docker-registry serve "$dir/tls.yml" >"$dir/tls.log" 2>&1 3>&- &
	echo $! >>"$dir/pids"
	wait_for 20 curl -fsS --cacert "$dir/tls.crt" "https://127.0.0.1:$port/v2/"
	sed -i "s,^REGISTRY_URL=.*,REGISTRY_URL=127.0.0.1:$port," "$CONF"
	# this file has its own mounts
	cat /etc/ssl/certs/ca-certificates.crt "$dir/tls.crt" >"$dir/ca"
	mount --bind "$dir/ca" /etc/ssl/certs/ca-certificates.crt
	run --separate-stderr -75 at '@1970-01-01 00:00:10' deploy -c "$CONF" --tag "$goal"
	[ -z "$output" ]
	[[ $stderr == "deploy: registry '127.0.0.1:$port': "*"certificate is not yet valid" ]]
	blameless
	run -0 deploy -c "$CONF" --tag "$goal"
	all_at "$goal"
}
