#!/usr/bin/env bats
# A disk that is full.
load helpers/common
load helpers/engine
load helpers/fleet

setup_file() {
	SITE_SIZE=64m SITE_OPTIONS="--bip=10.213.0.1/24 -H tcp://127.0.0.1:2375 --tls=false" start_fleet 1 0.0.1
	[ "$GANTRY_TEST_ENGINE" = docker ] || start_podman_tcp
}

# One service of Podman listens in one place.
start_podman_tcp() {
	podman system service -t 0 tcp://127.0.0.1:2375 >>"$SITE/log" 2>&1 3>&- &
	echo $! >"$SITE/tcp"
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -fs http://127.0.0.1:2375/_ping
}

# What it could not write it remembers as written until it ends; with systemd that is when it is idle.
end_podman_tcp() {
	kill "$(<"$SITE/tcp")"
	wait_for 10 not_alive "$(<"$SITE/tcp")"
}

teardown_file() {
	stop_fleet
}

setup() {
	write_conf MIN_FREE_MB=0
}

@test "no room for the new image is 7 before anything is pulled, and not held against the release" {
	release 0.0.2 --env "EXTRA=1"
	cat /dev/zero >"$SITE/data/fill" 2>/dev/null || true
	run --separate-stderr -7 deploy -c "$CONF"
	[ -z "$output" ]
	[[ $stderr =~ ^"deploy: '$IMAGE@$(digest_of 0.0.2)' needs "[1-9][0-9]*" MB at '$SITE/data' and MIN_FREE_MB 0, and "[0-9]+" MB are free"$ ]]
	all_at 0.0.1
	[ ! -e "$STATE/journal.jsonl" ] || [ -z "$(grep -v '"proven"' "$STATE/journal.jsonl")" ]
	rm "$SITE/data/fill"
}

@test "MIN_FREE_MB has to stay free on top" {
	write_conf MIN_FREE_MB=60
	run --separate-stderr -7 deploy -c "$CONF"
	[[ $stderr == "deploy: '$IMAGE@$(digest_of 0.0.2)' needs "*" and MIN_FREE_MB 60, and "*" MB are free" ]]
	write_conf
	run --separate-stderr -7 deploy -c "$CONF"
	[[ $stderr == *" MIN_FREE_MB 200, "* ]]
	all_at 0.0.1
	write_conf MIN_FREE_MB=-1
	run --separate-stderr -78 deploy -c "$CONF"
	[[ $stderr == *"MIN_FREE_MB: "* ]]
}

@test "an engine whose disk cannot be seen from here says itself that it is full: 7" {
	write_conf SERVICE_robot_service_1_HOST=tcp://127.0.0.1:2375 SERVICE_robot_service_1_TLS=none
	cat /dev/zero >"$SITE/data/fill" 2>/dev/null || true
	run --separate-stderr -7 deploy -c "$CONF"
	[ -z "$output" ]
	[[ $stderr == "deploy: pull '$IMAGE@$(digest_of 0.0.2)': "*"no space left on device"* ]]
	all_at 0.0.1
	rm "$SITE/data/fill"
	if [ "$GANTRY_TEST_ENGINE" = podman ]; then
		end_podman_tcp
		start_podman_tcp
	fi
	run -0 deploy -c "$CONF"
	all_at 0.0.2
}

@test "layers that the running image has are not counted" {
	write_conf MIN_FREE_MB=0
	release 0.0.3 --env "OTHER=1"
	small=$(curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://127.0.0.1:5000/v2/robot-app/manifests/$(digest_of 0.0.3)" | jq '[.layers[].size] | add')
	free=$(df --output=avail -B1 "$SITE/data" | tail -1)
	# room for one time the layers, not for two
	dd if=/dev/zero of="$SITE/data/fill" bs=1k count=$(((free - small - small / 4) / 1024)) 2>/dev/null
	run --separate-stderr deploy -c "$CONF" --stage
	rm "$SITE/data/fill"
	echo "$status $stderr" >&2
	[ "$status" = 0 ]
}

@test "no space for the journal is 7, and nothing is changed" {
	mount -t tmpfs -o size=4k tmpfs "$STATE"
	echo x >"$STATE/fill"
	run --separate-stderr -7 deploy -c "$CONF" --tag 0.0.1
	[[ $stderr == *"No space left on device"* ]]
	umount "$STATE"
	all_at 0.0.2
}
