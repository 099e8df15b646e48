#!/bin/sh
# auto-deploy.sh: one run of deploy, as cron calls it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
self=auto-deploy.sh
synopsis='[-c FILE] [--check-only | --force] [-v | -q] [SERVICE...]'
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

help() {
	cat <<-TEXT
		usage: $self $synopsis

		Moves the robots to the newest signed release, one at a time, and back if it is not healthy.

		  --check-only       say whether there is an update, change nothing
		  --force            try a release again that failed before
		  -c, --config FILE  configuration (default /etc/gantry/gantry.conf, then ./gantry.conf)
		  -v, --verbose      more words
		  -q, --quiet        fewer
		  -h, --help         this text

		    $self --check-only

		exit: 0 up to date, or updated; 10 there is an update (--check-only); 1 failed, nothing
		changed; 3 the release was bad and every robot is back; 5 a robot needs a person; 7 no disk
		space; 75 not now, try again; 78 wrong configuration; 71 this machine is at fault
	TEXT
}

config='' what=''
while [ $# -gt 0 ]; do
	case "$1" in
	-c | --config)
		[ $# -ge 2 ] || misused "$1 needs a file"
		config=$2
		shift
		;;
	--check-only) what="$what --check" ;;
	--force) what="$what --force" ;;
	-v | --verbose) what="$what -v" ;;
	-q | --quiet) what="$what -q" ;;
	-h | --help)
		help
		exit 0
		;;
	-*) misused "'$1' is not an option" ;;
	*) break ;;
	esac
	shift
done
case "$what" in
*--check*--force* | *--force*--check*) misused "--check-only and --force do not go together" ;;
esac
settings_load "$config"
log_trim

# Alerts are held back from here on until deploy leaves its own numbers.
begun() {
	_new=$METRICS_DIR/.gantry_deploy_started.new
	cat >"$_new" <<-TEXT && mv "$_new" "$METRICS_DIR/gantry_deploy_started.prom"
		# HELP gantry_deploy_started_timestamp_seconds When auto-deploy.sh last began.
		# TYPE gantry_deploy_started_timestamp_seconds gauge
		gantry_deploy_started_timestamp_seconds $(date +%s)
	TEXT
}

case "$what" in
*--check*) METRICS_DIR= ;;
esac
[ -z "$METRICS_DIR" ] || begun || echo "$self: warning: '$METRICS_DIR' cannot be written" >&2
# shellcheck disable=SC2086
configured deploy ${METRICS_DIR:+"--metrics-file=$METRICS_DIR/gantry_deploy.prom"} $what -- "$@"
