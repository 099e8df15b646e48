#!/bin/sh
# manage-services.sh: starts and stops the robots and the gateway's own services with compose.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
self=manage-services.sh
synopsis='[-c FILE] COMMAND [...]'
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

help() {
	cat <<-TEXT
		usage: $self $synopsis

		  start, stop, restart    infrastructure and robots
		  start-infra             the local registry
		  start-robots            the robots; the first time at the newest signed release that the
		                          local registry has
		  start-monitoring        what watches the site, with the settings and secrets of
		                          monitoring.env beside gantry.conf
		  stop-infra, stop-robots, stop-monitoring
		  restart-robots          one robot after the other, each when the one before is healthy
		  status                  one table: each service, its version, digest and health, since when it
		                          runs, and where its page is
		  health                  ask every robot whether it is healthy
		  logs [OPTIONS]          all logs; OPTIONS as compose's (-f, --tail=N)
		  logs-robots, logs-infra, logs-monitoring [OPTIONS]
		  help

		  -c, --config FILE       configuration (default /etc/gantry/gantry.conf, then ./gantry.conf)
		  -h, --help              this text

		    $self logs-robots --tail=20

		Works with 'docker compose' and with 'docker-compose', on the engine that DOCKER_HOST names.
		exit: 0 done; 1 failed, or not healthy; 75 not now; 78 wrong configuration; 71 this machine
		is at fault
	TEXT
}

# Both files read the pins, so that compose starts what deploy proved.
robots() {
	compose -p "$COMPOSE_PROJECT_NAME" --env-file "$PINS_FILE" -f "$ROBOTS_FILE" "$@"
}

infra() {
	compose -p "$COMPOSE_PROJECT_NAME" -f "$INFRA_FILE" "$@"
}

monitoring() {
	[ -r "$MONITORING_ENV" ] ||
		die 78 "'$MONITORING_ENV' cannot be read: copy $(compose_dir)/env.example there and fill it in"
	compose -p "$COMPOSE_PROJECT_NAME" --env-file "$MONITORING_ENV" \
		-f "$(compose_dir)/docker-compose.monitoring.yml" "$@"
}

pin_name() {
	printf '%s_IMAGE' "$(printf %s "$1" | tr -c 'A-Za-z0-9' _ | tr '[:lower:]' '[:upper:]')"
}

pinned() {
	grep -q "^$1=." "$PINS_FILE" 2>/dev/null
}

# Podman knows no uid of a tmpfs, covers what is below /run, and brings only "always" back after a power loss.
suit_podman() {
	pinned RUN_TMPFS || export RUN_TMPFS="${RUN_TMPFS:-/run:size=1m}"
	pinned ROBOT_RESTART || export ROBOT_RESTART="${ROBOT_RESTART:-always}"
}

# The newest release here, by digest, once its signature is proven.
newest() {
	need_trust
	list=$(reg-sync --list --tags "$TAGS" --newest 1 "$LOCAL_IMAGE") || exit
	[ -n "$list" ] || die 1 "'$LOCAL_IMAGE' has no tag that '$TAGS' allows: run sync-images.sh"
	good=$(printf '%s\n' "$list" | verified -) || exit
	printf '%s@%s\n' "$LOCAL_IMAGE" "${good##*@}"
}

# Which image each robot is to run is asked once; from then on deploy writes it.
pin_robots() {
	missing=
	for robot in holder $ROBOT_CONTAINERS; do
		name=$(pin_name "$robot")
		[ "$robot" != holder ] || name=ROBOT_HOLDER_IMAGE
		pinned "$name" || missing="$missing $name"
	done
	[ -n "$missing" ] || return 0
	image=$(newest) || exit
	mkdir -p "$(dirname "$PINS_FILE")"
	{
		[ ! -f "$PINS_FILE" ] || cat "$PINS_FILE"
		for name in $missing; do
			echo "$name=$image"
		done
	} >"$PINS_FILE.new"
	sync "$PINS_FILE.new"
	mv "$PINS_FILE.new" "$PINS_FILE"
}

start_infra() {
	infra up -d
}

start_robots() {
	pin_robots
	# what runs stays: deploy changes robots, compose only starts what is missing
	robots up -d --no-recreate
}

stop_infra() {
	infra stop
}

stop_robots() {
	if [ -f "$PINS_FILE" ]; then
		robots stop
	else
		echo "$self: no robots were started here" >&2
	fi
}

restart_robots() {
	[ -f "$PINS_FILE" ] || die 1 "no robots were started here"
	for robot in $ROBOT_CONTAINERS; do
		robots restart "$robot"
		url=$(robot_url "$robot")
		[ -z "$url" ] || healthcheck -q --wait 60 "$url" >/dev/null ||
			die 1 "'$robot' is not healthy after its restart: the others were left as they are"
	done
}

health() {
	urls=
	for robot in $ROBOT_CONTAINERS; do
		url=$(robot_url "$robot")
		[ -n "$url" ] || die 1 "'$robot' does not run here, and no address of its health is set"
		urls="$urls $url"
	done
	# shellcheck disable=SC2086
	healthcheck ${METRICS_DIR:+"--metrics-file=$METRICS_DIR/gantry_health.prom"} $urls
}

# SERVICE VERSION DIGEST HEALTH SINCE PAGE of what the gateway itself runs.
infra_rows() {
	docker ps -a --filter "label=io.gantry.project=$COMPOSE_PROJECT_NAME" --format '{{.Names}}' | sort |
		while read -r name; do
			case " $ROBOT_CONTAINERS " in
			*" $name "*) continue ;;
			esac
			case "$name" in
			robot-holder-*) continue ;;
			esac
			# without a check Podman's health is an empty word
			row=$(docker inspect --format '{{.Config.Image}} {{.State.Status}} {{.State.StartedAt}} {{with .State.Health}}{{.Status}}{{end}}' "$name")
			# shellcheck disable=SC2086
			set -- $row
			page=$(docker port "$name" 2>/dev/null | sed -n '1s|.* -> |http://|p')
			version=${1##*/}
			echo "$name ${version##*:} - ${4:-$2} ${3%%.*} ${page:--}"
		done
}

# The same of the robots: what runs is deploy's word, its health the robot's own.
robot_rows() {
	urls=
	for robot in $ROBOT_CONTAINERS; do
		urls="$urls $(robot_url "$robot")"
	done
	# shellcheck disable=SC2086
	said=$([ -z "${urls# }" ] || healthcheck -q -t 3 $urls 2>/dev/null || true)
	configured deploy --status | while read -r name version digest state since _; do
		url=$(robot_url "$name")
		health=$(printf '%s\n' "$said" | awk -v url="$url" '$2 == url { print $1 }')
		[ "$state" = running ] || health=$state
		# no deployment has moved it yet
		[ "$since" != - ] || since=$(docker inspect --format '{{.State.StartedAt}}' "$name" 2>/dev/null || echo -)
		echo "$name $version $digest ${health:-unknown} ${since%%.*} ${url%/health}"
	done
}

status() {
	{
		echo SERVICE VERSION DIGEST HEALTH SINCE PAGE
		robot_rows
		infra_rows
	} | awk '
		{
			for (i = 1; i <= 6; i++) {
				cell[NR, i] = $i == "" ? "-" : $i
				if (length(cell[NR, i]) > width[i])
					width[i] = length(cell[NR, i])
			}
		}
		END {
			for (row = 1; row <= NR; row++) {
				for (i = 1; i < 6; i++)
					printf "%-" width[i] "s  ", cell[row, i]
				print cell[row, 6]
			}
		}'
}

logs_of() {
	which=$1
	shift
	[ $# -gt 0 ] || set -- --tail=100
	"$which" logs --no-color "$@"
}

config=
while [ $# -gt 0 ]; do
	case "$1" in
	-c | --config)
		[ $# -ge 2 ] || misused "$1 needs a file"
		config=$2
		shift 2
		;;
	-h | --help | help)
		help
		exit 0
		;;
	-*) misused "'$1' is not an option" ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || misused "what is to be done?"
verb=$1
shift
case "$verb" in
start | stop | restart | start-infra | start-robots | start-monitoring | stop-infra | stop-robots | \
	stop-monitoring | restart-robots | \
	status | health)
	[ $# = 0 ] || misused "$verb takes no arguments"
	;;
logs | logs-robots | logs-infra | logs-monitoring) ;;
*) misused "'$verb' is not something that can be done" ;;
esac
settings_load "$config"
# registry-sync leaves its numbers there, and node-exporter reads them
[ -z "$METRICS_DIR" ] || export METRICS_DIR
MONITORING_ENV=$(dirname "${CONFIG:-/etc/gantry/gantry.conf}")/monitoring.env
INFRA_FILE=$(compose_dir)/docker-compose.infrastructure.yml || exit
[ -n "$ROBOTS_FILE" ] || ROBOTS_FILE=$(compose_dir)/docker-compose.robots.yml
case "$PINS_FILE" in
/*) ;;
*) PINS_FILE=$PWD/$PINS_FILE ;;
esac
[ "$verb" = health ] || engine_answers
[ "${ENGINE:-docker}" = docker ] || suit_podman

case "$verb" in
start)
	start_infra
	start_robots
	;;
stop)
	stop_robots
	stop_infra
	;;
restart)
	restart_robots
	infra restart
	;;
start-infra) start_infra ;;
start-monitoring) monitoring up -d ;;
stop-monitoring) monitoring stop ;;
stop-infra) stop_infra ;;
start-robots) start_robots ;;
stop-robots) stop_robots ;;
restart-robots) restart_robots ;;
status) status ;;
health) health ;;
logs)
	[ ! -f "$PINS_FILE" ] || logs_of robots "$@"
	logs_of infra "$@"
	;;
logs-robots)
	[ -f "$PINS_FILE" ] || die 1 "no robots were started here"
	logs_of robots "$@"
	;;
logs-infra) logs_of infra "$@" ;;
logs-monitoring) logs_of monitoring "$@" ;;
esac
