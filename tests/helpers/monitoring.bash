# Debian's Prometheus, Alertmanager, node_exporter and vmagent, and a robot to watch; loaded after
# helpers/common.  What start_* starts, stop_all ends.

# need PROGRAM...: or skip, naming the package; under CI=true a skip is a failure.
need() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			skip "this release of Debian has no $program (prometheus*, victoria-metrics)"
	done
}

started() {
	echo "$1" >>"$BATS_FILE_TMPDIR/pids"
}

# start_prometheus NAME PORT CONFIG [OPTION...]
start_prometheus() {
	local name=$1 port=$2 config=$3
	shift 3
	prometheus --config.file="$config" --storage.tsdb.path="$BATS_FILE_TMPDIR/$name" \
		--web.listen-address="127.0.0.1:$port" --log.level=warn "$@" \
		>>"$BATS_FILE_TMPDIR/$name.log" 2>&1 3>&- &
	started $!
	wait_for 30 curl -fsS "http://127.0.0.1:$port/-/ready"
}

# start_alertmanager PORT CONFIG
start_alertmanager() {
	prometheus-alertmanager --config.file="$2" --storage.path="$BATS_FILE_TMPDIR/alertmanager" \
		--web.listen-address="127.0.0.1:$1" --cluster.listen-address= --log.level=warn \
		>>"$BATS_FILE_TMPDIR/alertmanager.log" 2>&1 3>&- &
	started $!
	wait_for 30 curl -fsS "http://127.0.0.1:$1/-/ready"
}

# start_node_exporter PORT TEXTFILES
start_node_exporter() {
	prometheus-node-exporter --web.listen-address="127.0.0.1:$1" --collector.textfile.directory="$2" \
		>>"$BATS_FILE_TMPDIR/node.log" 2>&1 3>&- &
	started $!
	wait_for 30 curl -fsS "http://127.0.0.1:$1/metrics"
}

# start_robot PORT ID VERSION: with GANTRY_SOCKET of its own; sets ROBOT_PID.
start_robot() {
	ROBOT_ID=$2 APP_VERSION=$3 GANTRY_SOCKET=$BATS_FILE_TMPDIR/$2.sock \
		robot-serve --listen "127.0.0.1:$1" --gpio sim >>"$BATS_FILE_TMPDIR/$2.log" 2>&1 3>&- &
	ROBOT_PID=$!
	started $ROBOT_PID
	wait_for 20 curl -fsS "http://127.0.0.1:$1/health"
}

# ask PORT QUERY: the result of an instant query, a JSON array.
ask() {
	curl -fsS "http://127.0.0.1:$1/api/v1/query" --data-urlencode "query=$2" | jq -c .data.result
}

# has PORT QUERY: it returns data.
has() {
	[ "$(ask "$1" "$2")" != '[]' ]
}
