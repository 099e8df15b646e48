#!/usr/bin/env bats
# A disk that is full.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	SITE_SIZE=64m start_fleet 1 0.0.1
}

teardown_file() {
	stop_fleet
}

@test "no space for the new image is 7, nothing is changed, and it is not held against the release" {
	release 0.0.2 --env "EXTRA=1"
	dd if=/dev/zero of="$SITE/data/fill" bs=64k 2>/dev/null || true
	run --separate-stderr -7 deploy -c "$CONF"
	[ -z "$output" ]
	[[ $stderr == "deploy: pull '$IMAGE@$(digest_of 0.0.2)': "*"no space left on device"* ]]
	all_at 0.0.1
	rm "$SITE/data/fill"
	run -0 deploy -c "$CONF"
	all_at 0.0.2
}

@test "no space for the journal is 7, and nothing is changed" {
	mount -t tmpfs -o size=4k tmpfs "$STATE"
	echo x >"$STATE/fill"
	run --separate-stderr -7 deploy -c "$CONF" --tag 0.0.1
	[[ $stderr == *"No space left on device"* ]]
	umount "$STATE"
	all_at 0.0.2
}
