#!/usr/bin/env bash
# demo.sh: the whole story on this machine: a signed release reaches three robots, and a bad one
# comes back.  Everything it makes lies in B/demo or carries the project's label.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
self=demo.sh
synopsis='start [-v] | stop'
: "${B:=$(cd "$here/.." && pwd)/build}"
# the story has its own settings, whatever the caller's shell has set
unset REGISTRY_URL IMAGE_NAME REMOTE_IMAGE ROBOT_CONTAINERS TAGS VERIFY_KEY COMPOSE_FILE PINS_FILE \
	STATE_DIR STRATEGY SOAK HEALTH_CHECK_TIMEOUT HEALTH_CHECK_INTERVAL BIND
export no_proxy=localhost,127.0.0.1,127.0.0.2 NO_PROXY=localhost,127.0.0.1,127.0.0.2
# shellcheck source=scripts/settings.sh
. "$here/settings.sh"

D=${DEMO_DIR:-$B/demo}
# One name for all that this folder's demo makes outside of it, and for nobody else's: two demos may
# share an engine, and neither may take the other away.
id=gantry-demo-$(printf %s "$D" | cksum | cut -d ' ' -f 1)
COMPOSE_PROJECT_NAME=$id
base=${GANTRY_PORT:-5000}
label=io.gantry.project=$id
remote=127.0.0.2:$base/robot-app
mirror=localhost:$base/robot-app

help() {
	cat <<-TEXT
		usage: $self $synopsis

		  start       two registries and three robots on this machine, and a story with four releases
		  stop        take all of it away again
		  -v          show the real output of every step
		  -h, --help  this text

		environment:
		  GANTRY_PORT  the registries' port (5000); the robots have the three after it
		  DOCKER_HOST  the engine, unix:// (default the usual socket; none there: one is started)
		  B            the build folder; everything lies in B/demo

		    GANTRY_PORT=7000 $self start -v

		exit: 0 done; 1 a step failed, or a port or name is taken; 71 this machine is at fault
	TEXT
}

# --- what a person sees ------------------------------------------------------
verbose=0
bold='' green='' red='' plain='' busy=0
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m' busy=1
fi

# What a step found out, added to its line.
found() {
	printf ': %s' "$*" >"$D/found"
}

# A command as a person would type it, then its output; -v shows both.
run() {
	printf '$ %s\n' "$(printf '%q ' "$@")"
	"$@"
}

# expect STATUS COMMAND...: the exit status is part of the story.
expect() {
	local want=$1 got=0
	shift
	run "$@" || got=$?
	[ "$got" = "$want" ] || {
		echo "exit status $got, not $want"
		return 1
	}
}

tenths() {
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 100000))
}

# step WORDS COMMAND...: one line of the story.
step() {
	local words=$1 began status log=$D/step.log
	shift
	began=$(tenths)
	: >"$D/found"
	[ $busy = 0 ] || [ $verbose = 1 ] || printf '  ..  %s\r' "$words"
	[ $verbose = 0 ] || printf '%s--- %s%s\n' "$bold" "$words" "$plain"
	set +e
	if [ $verbose = 1 ]; then
		(
			set -e
			"$@"
		) 2>&1 </dev/null | tee "$log" | sed 's/^/        /'
		status=${PIPESTATUS[0]}
	else
		(
			set -e
			"$@"
		) >"$log" 2>&1 </dev/null
		status=$?
	fi
	set -e
	{
		echo "--- $words"
		cat "$log"
	} >>"$D/story.log"
	began=$(($(tenths) - began))
	if [ "$status" != 0 ]; then
		printf '%sFAIL%s  %s\n' "$red" "$plain" "$words"
		[ $verbose = 1 ] || sed 's/^/        /' "$log"
		printf '\nThe story stops here.  All output is in %s\n' "$D/story.log"
		printf 'make demo-stop takes everything away; make demo starts again.\n'
		exit 1
	fi
	printf '  %sok%s  %-84s %2d.%d s\n' "$green" "$plain" "$words$(cat "$D/found")" \
		$((began / 10)) $((began % 10))
}

# --- processes ---------------------------------------------------------------
# What is started carries this in its environment and is found again by it, whatever happened to
# its parent.
mark=GANTRY_DEMO=$D

# daemon LOG COMMAND...: on its own, with no descriptor of ours.
daemon() {
	local log=$1
	shift
	(
		for fd in /proc/"$BASHPID"/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		exec setsid env "$mark" "$@" </dev/null >>"$log" 2>&1
	) &
}

marked() {
	local p
	for p in /proc/[0-9]*; do
		if tr '\0' '\n' 2>/dev/null <"$p/environ" | grep -qxF "$mark"; then
			echo "${p#/proc/}"
		fi
	done 2>/dev/null
}

# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

none_marked() {
	[ -z "$(marked)" ]
}

end_marked() {
	local signal
	for signal in TERM KILL; do
		# shellcheck disable=SC2046
		kill -$signal $(marked) 2>/dev/null || true
		! until_true 20 none_marked || return 0
	done
	die 71 "these processes do not end: $(marked | xargs)"
}

# --- stop ----------------------------------------------------------------------
own_engine() {
	[ -f "$D/engine.own" ]
}

# ours KIND: ids of what carries the label.
ours() {
	case "$1" in
	container) docker ps -aq --filter "label=$label" ;;
	*) docker "$1" ls -q --filter "label=$label" ;;
	esac
}

clean_engine() {
	local kind ids
	# Podman does not remove what others join before those: the loop takes what is left
	ids=$(ours container)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || docker rm -f $ids >/dev/null 2>&1 || true
	for kind in container network volume; do
		ids=$(ours $kind)
		# shellcheck disable=SC2086
		[ -z "$ids" ] || docker $kind rm -f $ids >/dev/null 2>&1 ||
			docker $kind rm $ids >/dev/null
	done
}

# Images that this demo's registry gave to an engine that stays: by digest, and by the tags and
# containers with which deploy keeps what it may go back to.  What was there before stays.
clean_images() {
	local name repo=$1 digest hex ids
	[ -f "$D/digests" ] || return 0
	while read -r digest; do
		hex=${digest#sha256:}
		ids=$(docker ps -aq --filter "label=io.gantry.keep=$repo@$digest")
		# shellcheck disable=SC2086
		[ -z "$ids" ] || docker rm $ids >/dev/null
		for name in "$repo:gantry-${hex:0:12}" "$repo@$digest"; do
			! grep -qxF "$name" "$D/images" 2>/dev/null || continue
			! docker image inspect "$name" >/dev/null 2>&1 || docker image rm "$name" >/dev/null
		done
	done <"$D/digests"
}

end_engine() {
	local pid
	# what a killed engine left running is in its control groups
	for pid in $(find /sys/fs/cgroup -path "*/$id/*" -name cgroup.procs -exec cat {} + \
		2>/dev/null | sort -u); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	until_true 10 end_groups || true
	[ ! -O "/tmp/$id" ] || rm -rf "/tmp/${id:?}"
	[ ! -f "$D/engine.etc" ] || rmdir /etc/docker 2>/dev/null || true
}

end_groups() {
	find /sys/fs/cgroup -depth -type d \( -path "*/$id" -o -path "*/$id/*" \) \
		-exec rmdir {} + 2>/dev/null || true
	! find /sys/fs/cgroup -type d -name "$id" | grep -q .
}

take_away() {
	local was=''
	[ ! -f "$D/engine.host" ] || DOCKER_HOST=$(cat "$D/engine.host")
	[ ! -f "$D/mirror" ] || was=$(cat "$D/mirror")
	export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
	if docker version >/dev/null 2>&1; then
		clean_engine
		own_engine || [ -z "$was" ] || clean_images "$was"
	elif [ -f "$D/engine.host" ] && ! own_engine; then
		die 71 "the engine at $DOCKER_HOST has the demo's robots, and does not answer"
	fi
	end_marked
	end_engine
	rm -rf "$D"
}

# --- before the story ------------------------------------------------------------
# Root is needed where the engine's socket is root's, or one must be started.
as_root() {
	[ "$(id -u)" != 0 ] || return 0
	if [ -e "$D" ] && [ ! -w "$D" ] || { [ "$1" = start ] && ! docker version >/dev/null 2>&1; }; then
		command -v sudo >/dev/null ||
			die 71 "run this as root: the engine is not open to $(id -un), and there is no sudo"
		exec sudo env B="$B" DEMO_DIR="$D" GANTRY_PORT="$base" \
			${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} "$here/$self" "$@"
	fi
}

check_programs() {
	local program
	for program in docker docker-registry curl jq openssl flock setsid ss; do
		command -v $program >/dev/null || die 71 "there is no $program: scripts/install-deps.sh demo"
	done
	for program in robot-serve reg-sync img-verify deploy healthcheck rollback helpers/load; do
		[ -x "$B/$program" ] || die 71 "$B/$program is not built: make all helpers"
	done
}

check_ports() {
	local port who
	case "$base" in
	'' | *[!0-9]*) die 64 "GANTRY_PORT must be a number, not '$base'" ;;
	esac
	((base >= 1 && base <= 65532)) || die 64 "GANTRY_PORT must be from 1 to 65532, not $base"
	for port in "$base" $((base + 1)) $((base + 2)) $((base + 3)); do
		who=$(ss -Hltnp "sport = :$port" |
			awk '$4 ~ /^(127\.0\.0\.[12]|0\.0\.0\.0|\*|\[::\]|\[::1\]|\[::ffff:127\.0\.0\.[12]\]):/' |
			head -n 1)
		[ -n "$who" ] || continue
		who=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/ (\1, process \2)/p' <<<"$who")
		die 1 "port $port is taken$who: end that, or play on four other ports with GANTRY_PORT=7000"
	done
}

# A container that is there already is never touched, so its name cannot be ours.
check_names() {
	local name project
	for name in robot-{holder,service}-{1,2,3}; do
		project=$(docker inspect --type container \
			--format '{{index .Config.Labels "io.gantry.project"}}' "$name" 2>/dev/null) || continue
		[[ $project != gantry-demo-* ]] ||
			die 1 "$name of another folder's demo is there: make demo-stop in that folder takes it away"
		die 1 "there is a container named $name that is not the demo's: rename it, or name another engine in DOCKER_HOST"
	done
}

choose_engine() {
	case "${DOCKER_HOST:-}" in
	'') ;;
	unix://*)
		docker version >/dev/null 2>&1 || die 71 "no engine answers at DOCKER_HOST=$DOCKER_HOST"
		;;
	*) die 1 "the demo plays on this machine: DOCKER_HOST must be unix://SOCKET, not '$DOCKER_HOST'" ;;
	esac
	export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
	if docker version >/dev/null 2>&1; then
		check_names
		mkdir -p "$D"
		docker image ls --digests --format $'{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}' \
			>"$D/images"
	else
		command -v dockerd >/dev/null || die 71 "there is no Docker engine: scripts/install-deps.sh demo"
		mkdir -p "$D"
		: >"$D/engine.own"
		DOCKER_HOST=unix://$(engine_socket)
	fi
	echo "$DOCKER_HOST" >"$D/engine.host"
	echo "$mirror" >"$D/mirror"
	echo "$id" >"$D/project"
}

# A socket's path has at most 107 bytes.
engine_socket() {
	local dir=$D
	if [ ${#dir} -gt 90 ]; then
		dir=/tmp/$id
		mkdir -m 700 "$dir"
	fi
	echo "$dir/docker.sock"
}

# --- the steps ---------------------------------------------------------------------
# The engine sees empty folders of its own where it would write outside ours; they end with it.
# shellcheck disable=SC2016
private='
	mount -t tmpfs -o mode=755 gantry-demo /run
	mount -t tmpfs -o mode=755 gantry-demo /etc/docker
	mkdir /run/lock
	exec dockerd --data-root "$1/engine" --exec-root /run/docker --pidfile /run/docker.pid -H "$2" \
		--iptables=false --ip-forward=false --bridge=none \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent="/$3"
'

start_engine() {
	if own_engine; then
		if [ ! -d /etc/docker ]; then
			mkdir /etc/docker
			: >"$D/engine.etc"
		fi
		daemon "$D/engine.log" unshare --mount --propagation slave sh -ec "$private" sh \
			"$D" "$DOCKER_HOST" "$id"
		until_true 60 docker version || {
			tail -n 20 "$D/engine.log"
			return 1
		}
	fi
	found "Docker $(docker version --format '{{.Server.Version}} (API {{.Server.APIVersion}})')" \
		"at ${DOCKER_HOST#unix://}"
}

start_registry() {
	local name=$1 address=$2
	mkdir -p "$D/$name"
	cat >"$D/$name.yml" <<-YML
		version: 0.1
		log: { level: error, accesslog: { disabled: true } }
		storage: { filesystem: { rootdirectory: '$D/$name' }, delete: { enabled: true } }
		http: { addr: $address, secret: gantry-demo }
	YML
	daemon "$D/$name.log" docker-registry serve "$D/$name.yml"
	until_true 20 curl -fsS "http://$address/v2/"
}

start_registries() {
	start_registry remote "127.0.0.2:$base"
	start_registry local "127.0.0.1:$base"
	found "remote 127.0.0.2:$base, local localhost:$base"
}

make_keys() {
	local name
	mkdir -p "$D/keys"
	for name in cosign stranger; do
		run openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$D/keys/$name.key"
		run openssl pkey -in "$D/keys/$name.key" -pubout -out "$D/keys/$name.pub"
	done
}

write_config() {
	local n
	{
		echo "REMOTE_IMAGE=$remote"
		echo "REGISTRY_URL=localhost:$base"
		echo "IMAGE_NAME=robot-app"
		echo "VERIFY_KEY='$D/keys/cosign.pub'"
		echo "ROBOT_CONTAINERS='robot-service-1 robot-service-2 robot-service-3'"
		for n in 1 2 3; do
			echo "SERVICE_robot_service_${n}_HOST=$DOCKER_HOST"
			echo "SERVICE_robot_service_${n}_HEALTH=http://localhost:$((base + n))/health"
		done
		echo "HEALTH_CHECK_TIMEOUT=4"
		echo "HEALTH_CHECK_INTERVAL=1"
		echo "SOAK=1"
		echo "STATE_DIR='$D/state'"
		echo "PINS_FILE='$D/state/robots.env'"
	} >"$D/gantry.conf"
	mkdir -p "$D/state"
}

# release VERSION KEY [BUILD OPTION...]: what a developer's machine would do.
release() {
	local version=$1 key=$2 archive=$D/robot-app-$1.tar digest
	shift 2
	run "$here/build-image.sh" "$version" --output "$archive" "$@"
	# with sudo, what stays in the build folder is its owner's; others may be building there
	[ ! -d "$B/images" ] || chown --reference="$B" "$B/images" "$B/images/cache"{,/*}
	printf '$ push-image.sh %s %s\n' "$archive" "$remote:$version"
	digest=$("$here/push-image.sh" "$archive" "$remote:$version")
	echo "$digest"
	digest=${digest##*@}
	echo "$digest" >>"$D/digests"
	run "$here/sign-image.sh" --key "$D/keys/$key.key" "$remote@$digest"
	found "$(du -k "$archive" | awk '{ printf "%.1f MB", $1 / 1024 }'), ${digest:0:19}"
}

conf() {
	local program=$1
	shift
	"$program" -c "$D/gantry.conf" "$@"
}

sync_new() {
	expect 0 "$here/sync-images.sh" -c "$D/gantry.conf" -v
	run reg-sync --list "$mirror"
	reg-sync --list "$mirror" | grep ":$1@" >/dev/null
}

sync_refuses() {
	expect 1 "$here/sync-images.sh" -c "$D/gantry.conf" -v
	run reg-sync --list "$mirror"
	! reg-sync --list "$mirror" | grep ":$1@"
}

# The version that a robot says it is.
version_of() {
	curl -fsS -m 5 "http://localhost:$((base + $1))/health" | jq -er .version
}

all_at() {
	local n
	for n in 1 2 3; do
		[ "$(version_of $n)" = "$1" ] || {
			echo "robot $n is not at $1"
			return 1
		}
	done
}

start_robots() {
	local n
	for n in 1 2 3; do
		export "ROBOT_${n}_PORT=$((base + n))"
	done
	run "$here/manage-services.sh" -c "$D/gantry.conf" start-robots
	run healthcheck --wait 20 -i 0.2 http://localhost:$((base + 1))/health \
		http://localhost:$((base + 2))/health http://localhost:$((base + 3))/health
	all_at "$1"
}

# under_load COMMAND...: while clients ask all three robots, each request of theirs counted.
under_load() {
	local pid status=0 counts
	daemon "$D/load.out" "$B/helpers/load" -k 6 -f 3 -p 0.02 "http://127.0.0.1:$((base + 1))/" \
		"http://127.0.0.1:$((base + 2))/" "http://127.0.0.1:$((base + 3))/"
	pid=$!
	"$@" || status=$?
	kill -TERM "$pid"
	wait "$pid" || true
	tail -n 30 "$D/load.out"
	counts=$(tail -n 1 "$D/load.out")
	rm "$D/load.out"
	[[ $counts =~ ^requests\ ([0-9]+)\ failed\ ([0-9]+) ]] || return 1
	found "${BASH_REMATCH[1]} requests, ${BASH_REMATCH[2]} failed"
	[ "$status" = 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]
}

deploy_new() {
	under_load expect 0 deploy -c "$D/gantry.conf"
	all_at "$1"
}

deploy_bad() {
	under_load expect 3 deploy -c "$D/gantry.conf"
	all_at "$1"
}

deploy_again() {
	expect 0 deploy -c "$D/gantry.conf"
	all_at "$1"
}

roll_back() {
	under_load expect 0 rollback -c "$D/gantry.conf" --to "$1"
	all_at "$1"
}

story() {
	local began n
	began=$(tenths)
	echo "${bold}Gantry: three robots, two registries, four releases.${plain}"
	step "an engine" start_engine
	step "two registries" start_registries
	step "a key to sign with, and somebody else's" make_keys
	step "the site's configuration" write_config
	step "0.0.1 is built, pushed to the remote registry and signed" release 0.0.1 cosign
	step "sync brings 0.0.1 and its signature to the site" sync_new 0.0.1
	step "three robots start at 0.0.1" start_robots 0.0.1
	step "0.0.2 is built, pushed and signed" release 0.0.2 cosign
	step "sync brings 0.0.2" sync_new 0.0.2
	step "deploy moves the robots to 0.0.2, one at a time" deploy_new 0.0.2
	step "0.0.3 is signed too, but will not be healthy" release 0.0.3 cosign --env LOG_DIR=/nonexistent
	step "sync brings 0.0.3" sync_new 0.0.3
	step "deploy tries 0.0.3, and takes every robot back to 0.0.2 (exit 3)" deploy_bad 0.0.2
	step "the next deploy knows that 0.0.3 is quarantined, and does nothing" deploy_again 0.0.2
	step "0.0.4 is signed with somebody else's key" release 0.0.4 stranger
	step "sync refuses 0.0.4 (exit 1)" sync_refuses 0.0.4
	step "rollback takes the robots to 0.0.1, because we say so" roll_back 0.0.1
	began=$(($(tenths) - began))
	echo
	echo "${bold}The journal:${plain}"
	conf deploy --history | sed 's/^/  /'
	echo
	printf 'That took %d.%d s.  The robots are still there:\n' $((began / 10)) $((began % 10))
	for n in 1 2 3; do
		echo "  robot-$n  http://localhost:$((base + n))/"
	done
	echo "All output is in $D/story.log; make demo-stop takes everything away."
}

# --- the command line ----------------------------------------------------------------
verb=
for word; do
	case "$word" in
	-h | --help)
		help
		exit 0
		;;
	-v | --verbose) verbose=1 ;;
	start | stop)
		[ -z "$verb" ] || misused "start or stop, not both"
		verb=$word
		;;
	*) misused "'$word' is not an option" ;;
	esac
done
[ -n "$verb" ] || misused "start or stop?"
as_root "$@"
if [ "$verb" = stop ]; then
	take_away
	echo "Everything that the demo made is gone."
	exit 0
fi
check_programs
if [ -e "$D" ]; then
	echo "The demo of before is taken away first."
	(take_away)
fi
check_ports
choose_engine
trap 'echo; echo "Stopped."; take_away; exit 130' INT TERM
story
