#!/usr/bin/env bash
# What podman.bench measures, in a machine of its own (see there): "ours LOST GAP" or "theirs LOST GAP",
# a line for each update, the gap in milliseconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$B:$PATH

# the tests' helpers, without bats
# shellcheck disable=SC2034 # they read it
BATS_TEST_DIRNAME=$PWD/tests
BATS_FILE_TMPDIR=$(mktemp -d)
load() {
	# shellcheck source=/dev/null
	. "tests/$1.bash"
}
bats_require_minimum_version() { :; }
# shellcheck disable=SC2034 # helpers/engine reads it
GANTRY_TEST_ENGINE=podman
load helpers/common
load helpers/engine
load helpers/fleet

ip link set lo up
mount -t tmpfs tmpfs /run
trap 'stop_fleet; rm -rf "$BATS_FILE_TMPDIR"' EXIT
start_fleet 1 0.0.1
release 0.0.2

# A robot as a unit of systemd runs it, with a port of its own.
run_unit() {
	podman run -d --name robot-unit --replace --restart always --read-only -p 127.0.0.1:5002:5000 \
		-e ROBOT_ID=robot-unit "$IMAGE@$(digest_of "$1")"
}

# What auto-update has the unit do, once the image is there.
update_unit() {
	podman stop -t 10 robot-unit
	podman rm -f robot-unit
	run_unit "$1"
	healthcheck --wait 20 -i 0.05 http://127.0.0.1:5002/health
}

# busy SIDE PORT COMMAND...: what fifty busy connections to that port miss meanwhile.
busy() {
	local side=$1 port=$2 load out=$BATS_FILE_TMPDIR/load
	shift 2
	"$B/helpers/load" -k 40 -f 10 -p 0.01 "http://127.0.0.1:$port/health" >"$out" 2>/dev/null &
	load=$!
	"$@" >&2
	kill -INT "$load"
	wait "$load" || true
	awk -v side="$side" '/^requests/ { for (i = 1; i < NF; i++) v[$i] = $(i + 1)
		print side, v["failed"], v["longest_gap_ms"] }' "$out"
}

podman pull -q "$IMAGE@$(digest_of 0.0.2)" >&2
run_unit 0.0.1 >&2
healthcheck --wait 20 -i 0.05 http://127.0.0.1:5002/health >&2
for version in 0.0.2 0.0.1 0.0.2 0.0.1 0.0.2; do
	busy ours 5001 deploy -q -c "$CONF" --force --soak 0.5 --tag "$version"
	busy theirs 5002 update_unit "$version"
done
