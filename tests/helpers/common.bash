# Sourced by every bats file: an own empty folder, the programs on PATH, and waiting.
: "${B:=$(cd "$BATS_TEST_DIRNAME/.." && pwd)/build}"
export B PATH="$B:$PATH" NO_COLOR=1
ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
export ROOT

bats_require_minimum_version 1.5.0

# wait_for SECONDS COMMAND...: until the command succeeds, or fail saying so.  The seconds are those
# of a machine at rest; a busy one gets three times as many.
wait_for() {
	local end=$((SECONDS + 3 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= end)); then
			echo "waited in vain for: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# free_port: a TCP port that nobody listens on now and that no other file of this run was given,
# below those that connections get by themselves.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		mkdir "${TESTS_TMP:-$BATS_RUN_TMPDIR}/port.$port" 2>/dev/null || continue
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# start_registry NAME [PORT]: a real registry with its data in $BATS_FILE_TMPDIR/NAME (what lies
# there is served); sets REGISTRY_NAME to host:port.  stop_all ends it.
start_registry() {
	local name=$1 port=${2:-$(free_port)} dir=$BATS_FILE_TMPDIR/$1
	mkdir -p "$dir"
	cat >"$dir.yml" <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $dir}, delete: {enabled: true}}
		http: {addr: 127.0.0.1:$port, secret: gantry}
	YML
	docker-registry serve "$dir.yml" >"$dir.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	printf -v "REGISTRY_${name^^}" '127.0.0.1:%s' "$port"
	export "REGISTRY_${name^^}"
	wait_for 20 curl -fsS "http://127.0.0.1:$port/v2/"
}

# What start_* started, ended by its pid.
stop_all() {
	local pid
	[ -f "$BATS_FILE_TMPDIR/pids" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null || continue
		wait_for 10 not_alive "$pid" || kill -9 "$pid" 2>/dev/null || true
	done <"$BATS_FILE_TMPDIR/pids"
	rm -f "$BATS_FILE_TMPDIR/pids"
}

# keep_on COMMAND...: again and again in the background, in a folder of its own, until let_go; as who
# keeps a finger on a button.
keep_on() {
	mkdir keeping
	(
		cd keeping || exit
		while [ ! -e enough ]; do
			"$@" >/dev/null 2>&1 || true
			sleep 0.2
		done
	) 3>&- 6>&- &
	KEEPER=$!
	echo "$KEEPER" >>"$BATS_FILE_TMPDIR/pids"
}

# let_go: when it returns, the last one has been answered.
let_go() {
	touch keeping/enough
	wait "$KEEPER"
}

# A zombie is as good as gone: not every machine has an init that takes it away.  With threads that
# have not ended yet it still has its files and ports.
not_alive() {
	local threads
	kill -0 "$1" 2>/dev/null || return 0
	threads=("/proc/$1/task"/*)
	[ ${#threads[@]} = 1 ] && grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}
