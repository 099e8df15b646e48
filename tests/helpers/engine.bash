# An engine that a test may kill: loaded by a bats file after helpers/common.  tests/run gives such
# a file a machine of its own (see helpers/exec), so ports 5000 to 5003 are free, the host's engine
# is out of sight, and everything ends with the file.
#
# GANTRY_TEST_ENGINE=podman: Podman's socket in its place (see helpers/podman).

# What a robot is run with: a folder for its socket, and the policy that brings it back.
# shellcheck disable=SC2034 # helpers/fleet and the tests read them
ROBOT_RUN=(--tmpfs '/run/gantry:uid=10001,gid=10001')
ROBOT_RESTART=unless-stopped
if [ "${GANTRY_TEST_ENGINE:=docker}" = podman ]; then
	load helpers/podman
	# shellcheck disable=SC2034 # Podman gives /run to what is read-only
	ROBOT_RUN=() ROBOT_RESTART=always
fi

# start_site: dockerd with its data under $BATS_FILE_TMPDIR, on a disk of SITE_SIZE if that is set,
# with SITE_OPTIONS; exports DOCKER_HOST.
start_site() {
	if [ "${GANTRY_SITE:-}" != "$(readlink /proc/self/ns/net)" ]; then
		echo "this file needs a machine of its own: tests/run ${BATS_TEST_FILENAME:-FILE}" >&2
		return 1
	fi
	SITE=$BATS_FILE_TMPDIR/site
	mkdir -p "$SITE/data"
	[ -z "${SITE_SIZE:-}" ] || mount -t tmpfs -o "size=$SITE_SIZE" tmpfs "$SITE/data"
	export SITE DOCKER_HOST=unix://$SITE/docker.sock
	# shellcheck disable=SC2086
	start_engine ${SITE_OPTIONS:-}
}

# start_engine [OPTION...]: with a network of its own that these may name instead.
start_engine() {
	"start_$GANTRY_TEST_ENGINE" "$@"
	wait_for 60 docker version
}

# With SITE_FILTER=none without a filter of system calls, which takes a third of every start of a
# container and of every look into one.
start_docker() {
	local filter=()
	if [ "${SITE_FILTER:-}" = none ]; then
		echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$SITE/filter"
		filter=(--seccomp-profile "$SITE/filter")
	fi
	dockerd --data-root "$SITE/data" --exec-root "$SITE/exec" --pidfile "$SITE/pid" \
		-H "$DOCKER_HOST" --iptables=false --ip-forward=false --ip-masq=false \
		"${filter[@]}" "${@:---bip=10.213.0.1/24}" --log-level warn >>"$SITE/log" 2>&1 3>&- &
	echo $! >"$SITE/engine"
}

# ask_engine PATH: its answer; quicker than its command line.
ask_engine() {
	curl -fsS --unix-socket "$SITE/docker.sock" "http://engine/$1"
}

# kill_engine: as the kernel does when memory is short; containers go on.
kill_engine() {
	local pid
	pid=$(<"$SITE/engine")
	kill -9 "$pid"
	wait_for 10 not_alive "$pid"
	rm -f "$SITE/pid" "$SITE/docker.sock"
}

# end_engine: as an upgrade of it does; containers end with it.
end_engine() {
	local pid
	pid=$(<"$SITE/engine")
	kill "$pid"
	wait_for 30 not_alive "$pid"
}

# kill_runtime: the engine and its containerd; what they have started goes on.  What they had half
# started does not: an engine forgets that, and until the next boot it has its address on the bridge.
kill_runtime() {
	local pid
	pid=$(<"$SITE/exec/containerd/containerd.pid")
	kill_engine
	kill -9 "$pid" 2>/dev/null || true
	wait_for 10 not_alive "$pid"
	rm -f "$SITE/exec/containerd/containerd.pid"
	wait_for 10 nothing_half_started
}

# What creates a container ends by itself, and leaves one that waits to be started.
nothing_half_started() {
	pkill -9 '^runc:\[[0-9]:' || true
	sleep 0.1
	! pgrep '^runc' >/dev/null
}

# power_loss: engine, runtime and every container die at once.
power_loss() {
	"lose_$GANTRY_TEST_ENGINE"
}

lose_docker() {
	local pid
	kill_runtime
	# shims and containers are all that is left of the runtime
	for pid in $(pgrep -f "containerd-shim.*$SITE" || true); do
		pkill -9 -P "$pid" 2>/dev/null || true
		kill -9 "$pid" 2>/dev/null || true
	done
}

empty_docker() {
	local all
	all=$(docker ps -aq)
	# shellcheck disable=SC2086
	[ -z "$all" ] || docker rm -f $all >/dev/null
}

stop_site() {
	local pid
	[ -n "${SITE:-}" ] && [ -f "$SITE/engine" ] || return 0
	! docker version >/dev/null 2>&1 || "empty_$GANTRY_TEST_ENGINE"
	pid=$(<"$SITE/engine")
	kill "$pid" 2>/dev/null || true
	wait_for 30 not_alive "$pid" || kill -9 "$pid"
	# what a killed runtime left would keep the file's output open
	pkill -9 -f "containerd-shim.*$SITE/" || true
	# a killed engine leaves its mounts behind
	awk -v d="$SITE/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		xargs -r umount -l
	rm -rf "$SITE"
}
