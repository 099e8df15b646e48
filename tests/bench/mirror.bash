# Two registries and links between them, for the benchmarks of reg-sync; what they share with the
# tests is taken from there.  Sourced by the benchmarks that need it.
# shellcheck shell=bash
bats_require_minimum_version() { :; }
BATS_TEST_DIRNAME=$PWD/tests
. tests/helpers/common.bash
. tests/helpers/faults.bash

# mirror_up: registries at $REGISTRY_SRC and $REGISTRY_DST, gone when the shell ends.
mirror_up() {
	BATS_FILE_TMPDIR=$(mktemp -d)
	export BATS_FILE_TMPDIR BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR BATS_RUN_TMPDIR=$BATS_FILE_TMPDIR
	DIR=$BATS_FILE_TMPDIR
	export STATE_DIR=$DIR/state
	trap 'stop_proxies; stop_all; rm -rf "$DIR"' EXIT
	start_registry src
	start_registry dst
}

# empty_dst: nothing is there any more.
empty_dst() {
	rm -rf "$DIR/dst/docker"
}

# ours SRC-HOST/REPO[:TAG] DST-HOST/REPO, theirs likewise: one run of each program.
ours() {
	reg-sync -q -c /dev/null --insecure-skip-verify "$1" "$2"
}

theirs() {
	local how=(--src-tls-verify=false --dest-tls-verify=false)
	if [[ ${1##*/} == *:* ]]; then
		skopeo copy -q "${how[@]}" "docker://$1" "docker://$2:${1##*:}"
	else
		skopeo sync "${how[@]}" --src docker --dest docker "$1" "${2%/*}"
	fi
}
export -f ours theirs

# used ours|theirs ARGUMENT...: run it; its milliseconds, peak kB and CPU milliseconds are lines of
# $DIR/ours.wall, ours.rss and ours.cpu.
used() {
	local who=$1 from to
	from=$(date +%s%N)
	if ! /usr/bin/time -f '%M %U %S' -o "$DIR/time" bash -c '"$@"' bash "$@" >"$DIR/$who.log" 2>&1; then
		cat "$DIR/$who.log" >&2
		return 1
	fi
	to=$(date +%s%N)
	echo $(((to - from) / 1000000)) >>"$DIR/$who.wall"
	awk -v dir="$DIR/$who" '{ print $1 >>(dir ".rss"); print ($2 + $3) * 1000 >>(dir ".cpu") }' "$DIR/time"
}

# compared NAME KIND UNIT PEER REACH: report the medians of what used has written.
compared() {
	local theirs=-
	[ ! -f "$DIR/theirs.$2" ] || theirs=$(median <"$DIR/theirs.$2")
	report "$1" "$3" "$(median <"$DIR/ours.$2")" "$4" "$theirs" "$5"
}

# in_turn N ARGUMENT...: ours and theirs N times each, `before` in front of every run.
in_turn() {
	local n=$1 i
	shift
	rm -f "$DIR"/ours.* "$DIR"/theirs.*
	for ((i = 0; i < n; i++)); do
		before
		used ours "$@"
		command -v skopeo >/dev/null || continue
		before
		used theirs "$@"
	done
}
