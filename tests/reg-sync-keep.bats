#!/usr/bin/env bats
# reg-sync's retention on real registries, and what it leaves for people and monitoring.

setup_file() {
	load helpers/common
	load helpers/image
	start_registry src
	start_registry dst
	start_stubborn
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	for v in 1.0.0 1.0.1 1.0.2 1.1.0 1.1.1-rc.1; do
		image_archive "$BATS_FILE_TMPDIR/$v.tar" "robot $v" >"$BATS_FILE_TMPDIR/$v.digest"
	done
	image_key "$BATS_FILE_TMPDIR/good" P-256
	for v in 1.0.0 1.0.1 1.0.2 1.1.0; do
		put src/robot-app "$v"
	done
}

# A registry that deletes nothing, at $STUBBORN.
start_stubborn() {
	local dir=$BATS_FILE_TMPDIR/stubborn port
	port=$(free_port)
	export STUBBORN=127.0.0.1:$port
	mkdir "$dir"
	cat >"$dir.yml" <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $dir}}
		http: {addr: $STUBBORN, secret: gantry}
	YML
	docker-registry serve "$dir.yml" >"$dir.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 curl -fsS "http://$STUBBORN/v2/"
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/image
	cd "$BATS_TEST_TMPDIR" || return 1
	# every test has a repository and a journal of its own
	REPO=t$BATS_TEST_NUMBER
	DEST=$REGISTRY_DST/$REPO
	export STATE_DIR=$BATS_TEST_TMPDIR/state
	mkdir state
}

# put src|dst/REPO VERSION [TAG]: that image.
put() {
	local host=REGISTRY_${1%%/*}
	host=${host^^}
	"$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/$2.tar" "${!host}/${1#*/}:${3:-$2}" >/dev/null
}

# fill VERSION...: these images at the destination.
fill() {
	local v
	for v; do put "dst/$REPO" "$v"; done
}

sign() { # VERSION
	"$ROOT/scripts/sign-image.sh" --key "$BATS_FILE_TMPDIR/good.pem" "$DEST:$1" >/dev/null
}

tags() { # [HOST/REPO]
	local at=${1:-$DEST}
	curl -sS "http://${at%%/*}/v2/${at#*/}/tags/list" | jq -r '.tags // [] | .[]' | sort | xargs
}

digest() { # VERSION
	cat "$BATS_FILE_TMPDIR/$1.digest"
}

status_of() { # TAG|DIGEST
	curl -s -o /dev/null -w '%{http_code}' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.oci.image.index.v1+json' "http://$REGISTRY_DST/v2/$REPO/manifests/$1"
}

# journal EVENT VERSION [FIELD=VALUE...]: a line more.
journal() {
	jq -cn --arg e "$1" --arg t "$2" --arg d "$(digest "$2")" '{time: "2026-11-21T07:00:00.000Z",
		event: $e, tag: $t, digest: $d} + ([$ARGS.positional[] | split("=") | {(.[0]): .[1]}] | add // {})' \
		--args "${@:3}" >>state/journal.jsonl
}

@test "--prune --keep N: the newest versions stay, what is no version is left alone" {
	fill 1.0.0 1.0.1 1.0.2 1.1.0 1.1.1-rc.1
	put "dst/$REPO" 1.0.0 latest
	put "dst/$REPO" 1.0.1 nightly
	run --separate-stderr -0 reg-sync -n --prune --keep 3 "$DEST"
	[ "${lines[0]}" = "deleted $DEST:1.0.0@$(digest 1.0.0)" ]
	[ "${lines[1]}" = "deleted $DEST:1.0.1@$(digest 1.0.1)" ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(tags)" = "1.0.0 1.0.1 1.0.2 1.1.0 1.1.1-rc.1 latest nightly" ]
	# this registry deletes digests only, and latest and nightly have theirs
	run --separate-stderr -0 reg-sync -v --prune --keep 3 "$DEST"
	[ -z "$output" ]
	[[ $stderr == *"'$DEST:1.0.0@$(digest 1.0.0)' stays: its image is in use, and the registry removes no tag alone"* ]]
	[ "$(tags)" = "1.0.0 1.0.1 1.0.2 1.1.0 1.1.1-rc.1 latest nightly" ]
	put "dst/$REPO" 1.1.0 latest
	run --separate-stderr -0 reg-sync --prune --keep 3 "$DEST"
	[ "$output" = "deleted $DEST:1.0.0@$(digest 1.0.0)" ]
	[ -z "$stderr" ]
	[ "$(tags)" = "1.0.1 1.0.2 1.1.0 1.1.1-rc.1 latest nightly" ]
	[ "$(status_of "$(digest 1.0.0)")" = 404 ]
}

@test "--tags says which ones --keep is about, --keep-tags which ones stay, --exclude which are not looked at" {
	fill 1.0.0 1.0.1 1.0.2 1.1.0
	run -0 reg-sync --prune --keep 1 --tags 'semver:~1.0' --keep-tags 1.0.0 --exclude '*.7' "$DEST"
	[ "$output" = "deleted $DEST:1.0.1@$(digest 1.0.1)" ]
	[ "$(tags)" = "1.0.0 1.0.2 1.1.0" ]
	run -0 reg-sync --json --prune --keep 1 --exclude 1.1.0 --keep-tags 'regex:1\.0\.[2-9]' "$DEST"
	jq -e --arg r "$DEST:1.0.0@$(digest 1.0.0)" '. == {result: "deleted", ref: $r}' <<<"$output"
	[ "$(tags)" = "1.0.2 1.1.0" ]
	put "dst/$REPO" 1.0.0 build-7
	put "dst/$REPO" 1.0.1 build-8
	run -0 reg-sync --prune --keep 1 --tags 'build-*' "$DEST"
	[ "$output" = "deleted $DEST:build-7@$(digest 1.0.0)" ]
}

@test "signatures go with their image, and no other ones" {
	fill 1.0.0 1.0.1
	sign 1.0.0
	sign 1.0.1
	run --separate-stderr -0 reg-sync -v --prune --keep 1 "$DEST"
	[ "$output" = "deleted $DEST:1.0.0@$(digest 1.0.0)" ]
	[[ $stderr == *"'$DEST:1.0.0@$(digest 1.0.0)' goes: newer ones are kept"* ]]
	[[ $stderr == *":sha256-$(digest 1.0.0 | cut -d: -f2).sig@"*"' goes with it"* ]]
	[ "$(tags)" = "1.0.1 sha256-$(digest 1.0.1 | cut -d: -f2).sig" ]
}

@test "an index takes its children along, except those of an index that stays" {
	# a tag that goes on leaves them there without one
	for v in 1.0.0 1.0.1 1.0.2 1.1.0; do put "dst/$REPO" "$v" x; done
	index() { # TAG VERSION...
		local v
		for v in "${@:2}"; do
			jq -cn --arg d "$(digest "$v")" --argjson n "$(curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
				"http://$REGISTRY_DST/v2/$REPO/manifests/$(digest "$v")" | wc -c)" \
				'{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}'
		done | jq -cs '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' >index
		curl -fsS -T index -H 'Content-Type: application/vnd.oci.image.index.v1+json' \
			"http://$REGISTRY_DST/v2/$REPO/manifests/$1"
	}
	index 2.0.0 1.0.0 1.0.1
	index 2.0.1 1.0.1 1.0.2
	run -0 reg-sync --prune --keep 1 "$DEST"
	[[ $output == "deleted $DEST:2.0.0@"* ]]
	[ "${#lines[@]}" -eq 1 ]
	[ "$(tags)" = "2.0.1 x" ]
	[ "$(status_of "$(digest 1.0.0)")" = 404 ]
	[ "$(status_of "$(digest 1.0.1)")" = 200 ]
	[ "$(status_of "$(digest 1.0.2)")" = 200 ]
}

@test "what runs, what may be gone back to, and what a deployment is about to start stay" {
	fill 1.0.0 1.0.1 1.0.2 1.1.0 1.1.1-rc.1
	journal proven 1.0.0
	journal moved 1.0.1 service=robot-service-1
	journal begin 1.0.2 txn=t9
	run --separate-stderr -0 reg-sync -v --prune --keep 1 "$DEST"
	[ "$output" = "deleted $DEST:1.1.0@$(digest 1.1.0)" ]
	[[ $stderr == *"'$DEST:1.0.0@$(digest 1.0.0)' stays: it runs, or may be gone back to"* ]]
	[ "$(tags)" = "1.0.0 1.0.1 1.0.2 1.1.1-rc.1" ]
	journal end 1.0.2 txn=t9 result=stopped
	run -0 reg-sync --prune --keep 1 "$DEST"
	[ "$output" = "deleted $DEST:1.0.2@$(digest 1.0.2)" ]
}

@test "a journal that cannot be read deletes nothing" {
	fill 1.0.0 1.0.1
	mkdir state/journal.jsonl
	run --separate-stderr -71 reg-sync --prune --keep 1 "$DEST"
	[ -z "$output" ]
	[[ $stderr == "reg-sync: what runs is not known, so nothing is deleted: journal in '$STATE_DIR': "* ]]
	rmdir state/journal.jsonl
	: >file
	STATE_DIR=$PWD/file run --separate-stderr -71 reg-sync --prune --keep 1 "$DEST"
	[[ $stderr == *"nothing is deleted: open folder '$PWD/file': Not a directory" ]]
	[ "$(tags)" = "1.0.0 1.0.1" ]
}

@test "a registry that refuses says so in words" {
	REGISTRY_DST=$STUBBORN fill 1.0.0 1.0.1 1.0.2
	run --separate-stderr -1 reg-sync --prune --keep 1 "$STUBBORN/$REPO"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "failed $STUBBORN/$REPO:1.0.0@sha256:"*" '$STUBBORN' does not delete "*UNSUPPORTED* ]]
	[ "$(tags "$STUBBORN/$REPO")" = "1.0.0 1.0.1 1.0.2" ]
}

@test "a list that failed deletes nothing" {
	run --separate-stderr -1 reg-sync --prune --keep 1 "$REGISTRY_DST/nobody/knows"
	[ -z "$output" ]
	[[ $stderr == "reg-sync: "*nobody/knows* ]]
	run --separate-stderr -75 reg-sync --retry 0 --timeout 1 --prune --keep 1 127.0.0.1:1/x
	[ "${#stderr_lines[@]}" -eq 1 ]
	fill 1.0.0
	put "dst/$REPO" 1.0.1 9.9.9
	run --separate-stderr -75 reg-sync --insecure-skip-verify -q --retry 0 --timeout 1 --delete-extra 127.0.0.1:1/x "$DEST"
	[ "${#stderr_lines[@]}" -eq 1 ]
	# a source that was set up anew
	put src/empty 1.0.0
	curl -fsS -X DELETE "http://$REGISTRY_SRC/v2/empty/manifests/$(digest 1.0.0)"
	run --separate-stderr -1 reg-sync --insecure-skip-verify -q --delete-extra "$REGISTRY_SRC/empty" "$DEST"
	[ "$stderr" = "reg-sync: the source has no tags at all: nothing is deleted" ]
	[ "$(tags)" = "1.0.0 9.9.9" ]
}

@test "--delete-extra: what the source does not have goes, after everything was copied" {
	fill 1.0.0
	put "dst/$REPO" 1.1.1-rc.1 0.9.0
	put "dst/$REPO" 1.1.1-rc.1 old-stable
	run --separate-stderr -0 reg-sync --insecure-skip-verify --delete-extra --keep-tags 'old-*' -n \
		"$REGISTRY_SRC/robot-app" "$DEST"
	[ "${lines[4]}" = "deleted $DEST:0.9.0@$(digest 1.1.1-rc.1)" ]
	run --separate-stderr -0 reg-sync --insecure-skip-verify -v --delete-extra "$REGISTRY_SRC/robot-app" "$DEST"
	[[ $stderr == *"'$DEST:0.9.0@$(digest 1.1.1-rc.1)' goes: the source does not have it"* ]]
	[ "${lines[0]}" = "current $DEST:1.0.0@$(digest 1.0.0)" ]
	[ "${lines[1]}" = "copied $DEST:1.0.1@$(digest 1.0.1)" ]
	[ "${lines[4]}" = "deleted $DEST:old-stable@$(digest 1.1.1-rc.1)" ]
	[ "${lines[5]}" = "deleted $DEST:0.9.0@$(digest 1.1.1-rc.1)" ]
	[ "$(tags)" = "1.0.0 1.0.1 1.0.2 1.1.0" ]
}

@test "--keep with a source: what would go at once is not copied" {
	fill 1.0.0
	sync() {
		run --separate-stderr -0 reg-sync --insecure-skip-verify -q --keep 2 "$@" "$REGISTRY_SRC/robot-app" "$DEST"
	}
	sync -n
	first=$output
	sync
	[ "$output" = "$first" ]
	[ "${lines[0]}" = "copied $DEST:1.0.2@$(digest 1.0.2)" ]
	[ "${lines[1]}" = "copied $DEST:1.1.0@$(digest 1.1.0)" ]
	[ "${lines[2]}" = "deleted $DEST:1.0.0@$(digest 1.0.0)" ]
	sync
	[ "$output" = "current $DEST:1.0.2@$(digest 1.0.2)
current $DEST:1.1.0@$(digest 1.1.0)" ]
	# one that is only here is newer than both
	put "dst/$REPO" 1.0.0 2.0.0
	sync
	[ "$output" = "current $DEST:1.1.0@$(digest 1.1.0)
deleted $DEST:1.0.2@$(digest 1.0.2)" ]
}

@test "rules that make no sense are refused" {
	bad() { # WORDS OPTION...
		run --separate-stderr -64 reg-sync "${@:2}"
		[ "${stderr_lines[0]}" = "reg-sync: $1" ]
	}
	bad "--prune needs a rule: --keep N" --prune "$DEST"
	bad "--keep-tags needs --keep or --delete-extra" --keep-tags x a b
	bad "--delete-extra is for SOURCE DEST" --prune --delete-extra --keep 1 "$DEST"
	bad "--keep is for SOURCE DEST and for --prune" --list --keep 1 "$DEST"
	bad "--list, --stdin and --prune do not go together" --list --prune "$DEST"
	bad "--keep must be a number from 1 to 100000, not '0'" --prune --keep 0 "$DEST"
	bad "--limit-rate must be a number of bytes from 1 to 1099511627776, with k, M or G for 1024, not '5x'" \
		--limit-rate 5x a b
	run --separate-stderr -64 reg-sync --prune --keep 1 "$REGISTRY_DST"
	[ "$stderr" = "reg-sync: '$REGISTRY_DST' names no repository" ]
	run --separate-stderr -64 reg-sync --insecure-skip-verify -q --delete-extra "$REGISTRY_SRC/robot-app:1.0.0" "$DEST"
	[ "$stderr" = "reg-sync: --delete-extra needs a SOURCE with all its tags" ]
}

@test "--metrics-file counts on from run to run" {
	value() { # SAMPLE
		awk -v s="$1" 'BEGIN { r = 1 } $1 == s { print $2; r = 0 } END { exit r }' m.prom
	}
	sync() {
		reg-sync --insecure-skip-verify -q --metrics-file m.prom "$@" "$DEST"
	}
	sync "$REGISTRY_SRC/robot-app:1.0.0"
	bytes=$(value gantry_sync_bytes_total)
	[ "$bytes" -gt 1000 ]
	[ "$(value 'gantry_sync_tags{state="copied"}')" = 1 ]
	[ "$(value 'gantry_sync_tags{state="current"}')" = 0 ]
	[ "$(value gantry_sync_last_success_timestamp_seconds)" = "$(value gantry_sync_last_run_timestamp_seconds)" ]
	then=$(value gantry_sync_last_success_timestamp_seconds)
	sync --keep 1 "$REGISTRY_SRC/robot-app"
	[ "$(value gantry_sync_bytes_total)" -gt "$bytes" ]
	[ "$(value 'gantry_sync_tags{state="copied"}')" = 1 ]
	[ "$(value 'gantry_sync_tags{state="deleted"}')" = 1 ]
	awk -v a="$then" -v b="$(value gantry_sync_last_success_timestamp_seconds)" 'BEGIN { exit !(b > a) }'
	# a failure has a time, the last success stays
	then=$(value gantry_sync_last_success_timestamp_seconds)
	run -75 sync --retry 0 127.0.0.1:1/x
	[ "$(value gantry_sync_last_success_timestamp_seconds)" = "$then" ]
	awk -v a="$then" -v b="$(value gantry_sync_last_run_timestamp_seconds)" 'BEGIN { exit !(b > a) }'
	run -0 promtool check metrics <m.prom
	[ -z "$output" ]
	# a file that is none of ours counts from nothing, and no success is made up
	echo 'gantry_sync_bytes_total many' >m.prom
	run -75 sync --retry 0 127.0.0.1:1/x
	[ "$(value gantry_sync_bytes_total)" = 0 ]
	run ! value gantry_sync_last_success_timestamp_seconds
	cp m.prom before
	sync -n "$REGISTRY_SRC/robot-app"
	reg-sync -q --metrics-file m.prom --list "$REGISTRY_SRC/robot-app" >/dev/null
	cmp m.prom before
	run --separate-stderr -71 sync --metrics-file nowhere/m.prom "$REGISTRY_SRC/robot-app:1.0.0"
	[[ $stderr == "reg-sync: metrics file: "*nowhere/m.prom* ]]
}

@test "a host that is silent is given up within --timeout, retries and all: one line, 75" {
	load helpers/faults
	start_proxy silent "$REGISTRY_SRC" delay=100000
	run --separate-stderr -75 timeout 60 reg-sync --timeout 1 --retry 90 --list "$PROXY_SILENT/robot-app"
	stop_proxies
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "reg-sync: registry '$PROXY_SILENT': "* ]]
}

@test "bars on a terminal, none in the records" {
	export TERM=vt100
	head -c 600000 /dev/urandom >word
	BATS_TEST_TMPDIR=$PWD image_archive big.tar "$(base64 -w0 word)" >/dev/null
	"$ROOT/scripts/push-image.sh" big.tar "$REGISTRY_SRC/$REPO:1.0.0" >/dev/null
	script -qefc "stty rows 24 cols 80
		reg-sync --insecure-skip-verify --limit-rate 1M $REGISTRY_SRC/$REPO:1.0.0 $DEST" screen </dev/null >/dev/null
	grep -qE 'total .* of .*/s' screen
	grep -qE '^[^[]*sha256:[0-9a-f]{12} +\[#* *\] +[0-9]+%' screen
	tr -d '\r' <screen | sed 's/.*\x1b\[J//' | grep -q "^copied $DEST:1.0.0@"
}
