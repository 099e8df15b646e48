#!/usr/bin/env bash
# sync-images.sh: brings what is new and signed from the remote registry to the local one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
self=sync-images.sh
synopsis='[-c FILE] [--every SECONDS] [-v | -q]'
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

help() {
	cat <<-TEXT
		usage: $self $synopsis

		Brings the images of REMOTE_IMAGE that TAGS allows, and that carry a signature we trust, to
		REGISTRY_URL/IMAGE_NAME, with their signatures:

		    reg-sync --list REMOTE | img-verify - | reg-sync --stdin LOCAL

		  -c, --config FILE  configuration (default /etc/gantry/gantry.conf, then ./gantry.conf)
		      --every SECONDS  go on, with so long a pause after each run, until ended; for a container
		  -v, --verbose      also name what is here already
		  -q, --quiet        name nothing that went well
		  -h, --help         this text

		Prints a line for each image copied.  A second run at the same time exits 75 at once.

		    $self -v

		exit: 0 all is here; 1 some image was refused or failed; 75 offline, or another run is at
		work; 78 wrong configuration; 71 this machine is at fault
	TEXT
}

config='' verbosity=0 every=''
while [ $# -gt 0 ]; do
	case "$1" in
	-c | --config)
		[ $# -ge 2 ] || misused "$1 needs a file"
		config=$2
		shift
		;;
	--every)
		[ $# -ge 2 ] || misused "$1 needs a number of seconds"
		case "$2" in
		'' | *[!0-9]* | ??????*) misused "--every must be a number of seconds, not '$2'" ;;
		esac
		every=$2
		shift
		;;
	-v | --verbose) verbosity=1 ;;
	-q | --quiet) verbosity=-1 ;;
	-h | --help)
		help
		exit 0
		;;
	*) misused "'$1' is not an option" ;;
	esac
	shift
done
settings_load "$config"
[ -n "$REMOTE_IMAGE" ] || die 78 "REMOTE_IMAGE is not set (see gantry.conf(5))"
need_trust

mkdir -p "$STATE_DIR" || die 71 "cannot make '$STATE_DIR'"

# Each run is a process of its own, so that one that fails ends nothing.
again_and_again() {
	local said=()
	[ "$verbosity" -le 0 ] || said=(-v)
	[ "$verbosity" -ge 0 ] || said=(-q)
	trap 'kill "$!" 2>/dev/null; exit 0' TERM INT
	while :; do
		bash "$0" ${config:+-c "$config"} ${said[@]+"${said[@]}"} &
		wait "$!" || true
		touch "$STATE_DIR/sync.looked"
		sleep "$every" &
		wait "$!"
	done
}
[ -z "$every" ] || again_and_again

lock=$STATE_DIR/sync.lock
exec 9>>"$lock" || die 71 "cannot write '$lock'"
if ! flock -n 9; then
	die 75 "another sync is at work (process $(cat "$lock" 2>/dev/null || echo unknown))"
fi
echo $$ >"$lock"
log_trim

[ -z "$METRICS_DIR" ] || [ -w "$METRICS_DIR" ] || {
	echo "$self: warning: '$METRICS_DIR' cannot be written" >&2
	METRICS_DIR=
}
numbers=${METRICS_DIR:+--metrics-file=$METRICS_DIR/gantry_sync.prom}
# No child keeps the lock, and the list comes whole or not at all.
status=0
list=$(reg-sync ${numbers:+"$numbers"} --list --tags "$TAGS" "$REMOTE_IMAGE" 9>&-) || status=$?
[ "$status" = 0 ] || exit "$status"
[ -n "$list" ] || {
	[ "$verbosity" -lt 0 ] || echo "$self: '$REMOTE_IMAGE' has no tag that '$TAGS' allows" >&2
	reg-sync ${numbers:+"$numbers"} --stdin "$LOCAL_IMAGE" </dev/null 9>&-
	exit
}

shown() {
	case "$verbosity" in
	1) cat ;;
	0) grep -v '^current ' || true ;;
	*) grep -vE '^(current|copied) ' || true ;;
	esac
}

set +e
verified ${METRICS_DIR:+"--metrics-file=$METRICS_DIR/gantry_verify.prom"} - <<<"$list" 9>&- |
	reg-sync ${numbers:+"$numbers"} --stdin "$LOCAL_IMAGE" 9>&- |
	shown
results=("${PIPESTATUS[@]}")
# what could not be copied says more than what was refused
[ "${results[1]}" = 0 ] || exit "${results[1]}"
exit "${results[0]}"
