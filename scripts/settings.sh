# shellcheck shell=sh disable=SC2034,SC2154
# settings.sh: sourced by the scripts beside it, which set `here` (their folder) and `self` (their
# name).  Finds the programs, the compose files and the settings, and gives one way to fail.

die() {
	code=$1
	shift
	echo "$self: $*" >&2
	exit "$code"
}

# Say what is wrong with the command line.
misused() {
	echo "$self: $*" >&2
	echo "usage: $self $synopsis" >&2
	echo "try '$self --help'" >&2
	exit 64
}

# The programs: of the build folder B, of the tree that this script lies in, or installed with it.
for _dir in ${B:+"$B"} "$here/../build" "$here/../../bin"; do
	if [ -x "$_dir/deploy" ] && [ -x "$_dir/reg-sync" ]; then
		PATH=$(cd "$_dir" && pwd):$PATH
		break
	fi
done
# cron starts its jobs with little more than /usr/bin
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin
export PATH

compose_dir() {
	for _dir in "$here/../compose" "$here/../../share/gantry/compose"; do
		[ ! -f "$_dir/docker-compose.robots.yml" ] || {
			(cd "$_dir" && pwd)
			return
		}
	done
	die 71 "the compose files are not beside the scripts: install gantry again"
}

# The settings of a file as lines `KEY 'value'` that `eval "set -- …"` reads; exit 78 as the programs.
conf_read() {
	awk -v quote="'" '
	function bad(words) {
		print FILENAME ":" FNR ": " words > "/dev/stderr"
		exit 78
	}
	{
		sub(/\r$/, "")
		line = $0
		sub(/^[ \t]+/, "", line)
		sub(/^export[ \t]+/, "", line)
		if (line == "" || line ~ /^#/)
			next
		if (line !~ /^[A-Za-z_][A-Za-z0-9_]*=/)
			bad("not a KEY=value line")
		key = substr(line, 1, index(line, "=") - 1)
		rest = substr(line, index(line, "=") + 1)
		value = ""
		open = ""
		for (i = 1; i <= length(rest); i++) {
			c = substr(rest, i, 1)
			if (open == "" && (c == quote || c == "\""))
				open = c
			else if (open != "" && c == open)
				open = ""
			else if (open != quote && (c == "$" || c == "`"))
				bad(quote c quote " must stand in single quotes")
			else if (open != quote && c == "\\")
				value = value substr(rest, ++i, 1)
			else if (open == "" && (c == " " || c == "\t"))
				break
			else
				value = value c
		}
		if (open != "")
			bad("a quote is not closed")
		gsub(quote, quote "\\" quote quote, value)
		print key "=" quote value quote
	}' "$1"
}

# settings_load [FILE]: the same file and the same order as the programs: environment before file
# before default.  Sets CONFIG and the variables that scripts need.
settings_load() {
	CONFIG=${1:-}
	if [ -z "$CONFIG" ]; then
		for _file in /etc/gantry/gantry.conf ./gantry.conf; do
			[ ! -e "$_file" ] || {
				CONFIG=$_file
				break
			}
		done
	fi
	_set=
	if [ -n "$CONFIG" ]; then
		[ -r "$CONFIG" ] || die 78 "'$CONFIG' cannot be read"
		_set=$(conf_read "$CONFIG") || die 78 "'$CONFIG' is not a configuration file"
	fi
	while IFS= read -r _line; do
		_key=${_line%%=*}
		case "$_key" in
		REGISTRY_URL | IMAGE_NAME | REMOTE_IMAGE | ROBOT_CONTAINERS | TAGS | VERIFY_KEY | POLICY | CERTIFICATE_IDENTITY | \
			COMPOSE_FILE | PINS_FILE | STATE_DIR | METRICS_DIR | SERVICE_*_HEALTH | SERVICE_*_HOST)
			eval "[ -n \"\${$_key:-}\" ] || $_line"
			;;
		esac
	done <<-LINES
		$_set
	LINES
	: "${REGISTRY_URL:=localhost:5000}" "${IMAGE_NAME:=robot-app}" "${REMOTE_IMAGE:=}"
	: "${ROBOT_CONTAINERS:=robot-service-1 robot-service-2 robot-service-3}"
	: "${TAGS:=semver:*}" "${VERIFY_KEY:=}" "${POLICY:=}" "${CERTIFICATE_IDENTITY:=}" "${COMPOSE_FILE:=}" "${PINS_FILE:=.env}"
	: "${STATE_DIR:=/var/lib/gantry}" "${METRICS_DIR:=}"
	LOCAL_IMAGE=$REGISTRY_URL/$IMAGE_NAME
	# compose takes a variable of this name for its own
	ROBOTS_FILE=$COMPOSE_FILE
	unset COMPOSE_FILE
}

# Nothing is trusted without being told whose signature counts.
need_trust() {
	[ -n "$VERIFY_KEY$CERTIFICATE_IDENTITY$POLICY" ] ||
		die 78 "neither VERIFY_KEY, CERTIFICATE_IDENTITY nor POLICY is set: no image can be trusted"
}

# img-verify by our settings: verified REF...|-
verified() {
	img-verify ${CONFIG:+-c "$CONFIG"} "$@"
}

# A setting of one robot: service_setting NAME HEALTH.
service_setting() {
	_name=$(printf %s "$1" | tr -c 'A-Za-z0-9' _)
	eval "printf %s \"\${SERVICE_${_name}_$2:-}\""
}

# Where a robot says whether it is healthy: as set, else by the port that it, or the container whose
# network it joins, publishes; empty if neither.
robot_url() {
	_url=$(service_setting "$1" HEALTH)
	if [ -z "$_url" ]; then
		_net=$(docker inspect --format '{{.HostConfig.NetworkMode}}' "$1" 2>/dev/null || true)
		case "$_net" in
		container:*) _net=${_net#container:} ;;
		*) _net=$1 ;;
		esac
		_url=$(docker port "$_net" 2>/dev/null | sed -n '1s|.* -> \(.*\)|http://\1/health|p')
	fi
	printf %s "$_url"
}

# Run a program of the suite with the same configuration file.
configured() {
	_program=$1
	shift
	"$_program" ${CONFIG:+-c "$CONFIG"} "$@"
}

# The setting that says which project a container belongs to; every compose file labels with it.
: "${COMPOSE_PROJECT_NAME:=gantry}"
export COMPOSE_PROJECT_NAME
# robots and infrastructure are one project in two files
export COMPOSE_IGNORE_ORPHANS=1

# Compose's second version if it is there, else the first.
compose() {
	if docker compose version >/dev/null 2>&1; then
		docker compose "$@"
	elif command -v docker-compose >/dev/null; then
		docker-compose "$@"
	else
		die 71 "neither 'docker compose' nor 'docker-compose' is installed"
	fi
}

# engine_answers: or the script ends; ENGINE is docker or podman.
engine_answers() {
	_said=$(docker version 2>/dev/null) ||
		die 71 "no Docker engine answers at ${DOCKER_HOST:-the usual socket}"
	case "$_said" in
	*Podman*) ENGINE=podman ;;
	*) ENGINE=docker ;;
	esac
}

# What cron's runs wrote stays under a megabyte.
log_trim() {
	_log=$STATE_DIR/cron.log
	[ -f "$_log" ] && [ "$(wc -c <"$_log")" -gt 1000000 ] || return 0
	tail -c 500000 "$_log" >"$_log.tmp" && cat "$_log.tmp" >"$_log"
	rm -f "$_log.tmp"
}
