#!/usr/bin/env bats
# robot-serve: every option, variable, route, signal and exit status.  Handover has handover.bats.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	export GANTRY_SOCKET=$BATS_TEST_TMPDIR/r.sock ROBOT_ID=robot-1 APP_VERSION=1.2.3
	unset PORT LOG_DIR GANTRY_HANDOVER GANTRY_INSTANCE GANTRY_IMAGE
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
	stop_all
}

# serve [OPTION...]: in the background on a free port; ADDR and PID are set when it answers.
serve() {
	launch robot-serve --listen 127.0.0.1:0 "$@"
	wait_for 10 test -s out
	ADDR=$(jq -r .listen out 2>/dev/null || cut -d' ' -f2 out)
	URL=http://$ADDR
}

# launch COMMAND...: in the background; sets PID.
launch() {
	rm -f out err
	"$@" >out 2>err 3>&- &
	PID=$!
	echo $PID >>pids
}

# caught PID: it has taken its signals over.
caught() {
	local ignored
	ignored=$(awk '/^SigIgn/ { print $2 }' "/proc/$1/status")
	(((16#$ignored & 0x10000) != 0))
}

# status_of CURL-ARGUMENTS...
status_of() {
	curl -s -o body -D header -w '%{http_code}' "$@"
}

ends() { # SIGNAL: PID ends with status 0
	kill "-$1" "$PID"
	wait "$PID"
	: >pids
}

# --- command line -----------------------------------------------------------------------------

@test "--help names every route, variable and exit status" {
	run --separate-stderr -0 robot-serve --help
	[ -z "$stderr" ]
	for word in /health /ready-for-update /metrics ROBOT_ID APP_VERSION PORT LOG_DIR GANTRY_HANDOVER \
		GANTRY_INSTANCE GANTRY_SOCKET USR1 USR2 TERM 64 71 78; do
		[[ $output == *"$word"* ]]
	done
}

@test "--version" {
	run --separate-stderr -0 robot-serve -V
	[ "$output" = "robot-serve (gantry) 0.1.0" ]
	[ -z "$stderr" ]
}

@test "an argument is 64" {
	run --separate-stderr -64 robot-serve now
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "robot-serve: robot-serve takes no arguments: 'now'" ]
	[[ ${stderr_lines[1]} == "usage: robot-serve "* ]]
}

@test "--listen that is no address is 64" {
	for bad in 5000 '' : 1.2.3:5 localhost:80 127.0.0.1:65536 127.0.0.1:-1 127.0.0.1: '[::1:80' \
		127.0.0.1:080000 '[::x]:80' 127.0.0.1:http; do
		run --separate-stderr -64 robot-serve --listen "$bad"
		[ "${stderr_lines[0]}" = "robot-serve: --listen must be ADDRESS:PORT or [ADDRESS]:PORT in numbers, not '$bad'" ]
	done
}

@test "--listen takes IPv6, and :PORT for every address" {
	launch robot-serve --listen '[::1]:0'
	wait_for 10 test -s out
	addr=$(cut -d' ' -f2 out)
	[[ $addr == "[::1]:"* ]]
	[ "$(status_of -g "http://$addr/health")" = 200 ]
	ends TERM
	launch robot-serve --listen :0
	wait_for 10 test -s out
	[[ $(cat out) == "serving 0.0.0.0:"* ]]
	ends TERM
}

@test "PORT says where, and --listen says it better" {
	local port
	port=$(free_port)
	PORT=$port launch robot-serve
	wait_for 10 curl -fs "http://127.0.0.1:$port/health"
	[[ $(cat out) == "serving 0.0.0.0:$port "* ]]
	ends TERM
	PORT=$port serve
	[ "$ADDR" != "127.0.0.1:$port" ]
	ends TERM
}

@test "a wrong variable is 78 and is named" {
	bad() { # VARIABLE=VALUE MESSAGE
		run --separate-stderr -78 env "$1" robot-serve --listen 127.0.0.1:0
		[ -z "$output" ]
		[ "$stderr" = "robot-serve: $2" ]
	}
	bad PORT=0 "PORT must be a number from 1 to 65535, not '0'"
	bad PORT=http "PORT must be a number from 1 to 65535, not 'http'"
	bad ROBOT_ID='a"b' "ROBOT_ID may have letters, digits and '._-+', not 'a\"b'"
	bad ROBOT_ID="$(printf 'x%.0s' {1..65})" "ROBOT_ID is longer than 64 characters"
	bad APP_VERSION='1 2' "APP_VERSION may have letters, digits and '._-+', not '1 2'"
	bad GANTRY_INSTANCE=a/b "GANTRY_INSTANCE may have letters, digits and '._-+', not 'a/b'"
	bad GANTRY_IMAGE=r@sha256:12 "GANTRY_IMAGE has no sha256 digest after its '@': 'r@sha256:12'"
	bad GANTRY_HANDOVER=yes "GANTRY_HANDOVER must be 0 or 1, not 'yes'"
}

@test "an empty variable counts as none" {
	ROBOT_ID='' APP_VERSION='' PORT='' LOG_DIR='' GANTRY_HANDOVER='' GANTRY_INSTANCE='' serve
	[ "$(status_of "$URL/health")" = 200 ]
	jq -e '.version == "0.1.0" and (.robot_id | length) > 0 and (.instance | test("^[0-9a-f]{16}$"))' body
}

@test "a served port is 71" {
	serve
	GANTRY_SOCKET=$PWD/2.sock run --separate-stderr -71 robot-serve --listen "$ADDR"
	[ -z "$output" ]
	[ "$stderr" = "robot-serve: listen on $ADDR: Address already in use" ]
}

@test "a port can be served again at once, although old connections linger" {
	local i
	serve
	for i in 1 2 3; do
		curl -s -H 'Connection: close' "$URL/health" >/dev/null
	done
	ends TERM
	launch robot-serve --listen "$ADDR"
	wait_for 10 curl -fs "$URL/health"
}

@test "records: the role, the address and the instance; as JSON with --json" {
	GANTRY_INSTANCE=abc serve
	[ "$(cat out)" = "serving $ADDR abc" ]
	[ ! -s err ]
	ends TERM
	GANTRY_INSTANCE=abc serve --json
	jq -e '. == {"role": "serving", "listen": "'"$ADDR"'", "instance": "abc"}' out
}

@test "warnings are for standard error, as JSON with --log-format json, and not under -q" {
	GANTRY_SOCKET=/nonexistent/r.sock serve --log-format json
	jq -e '.level == "warn" and .program == "robot-serve" and (.msg | contains("/nonexistent"))' err
	ends TERM
	GANTRY_SOCKET=/nonexistent/r.sock serve -q
	[ ! -s err ]
}

# --- routes -----------------------------------------------------------------------------------

@test "/health tells who and how" {
	GANTRY_INSTANCE=abc serve
	[ "$(status_of "$URL/health")" = 200 ]
	grep -qi '^content-type: application/json' header
	jq -e '.status == "healthy" and .version == "1.2.3" and .robot_id == "robot-1" and
		.instance == "abc" and .role == "serving" and .problems == [] and .uptime_seconds >= 0 and
		(.started | test("^20[0-9-]+T[0-9:.]+Z$")) and (has("digest") | not)' body
}

@test "GANTRY_IMAGE: the digest that runs is in /health" {
	digest=sha256:$(printf x | sha256sum | cut -c1-64)
	GANTRY_IMAGE=localhost:5000/robot-app@$digest serve
	curl -s "$URL/health" | jq -e --arg d "$digest" '.digest == $d'
	ends TERM
	GANTRY_IMAGE=$digest serve # an id, which is not the image's digest
	curl -s "$URL/health" | jq -e 'has("digest") | not'
}

@test "/ready-for-update is 200 while nothing speaks against it" {
	serve
	[ "$(status_of "$URL/ready-for-update")" = 200 ]
	jq -e '.ready == true' body
}

@test "the page has its values without JavaScript too, and loads nothing from elsewhere" {
	GANTRY_INSTANCE=abc serve
	[ "$(status_of "$URL/")" = 200 ]
	grep -qi '^content-type: text/html; charset=utf-8' header
	grep -q '<h1 id="robot_id">robot-1</h1>' body
	grep -q '<dd id="version">1.2.3</dd>' body
	grep -q '<code>abc</code>' body
	grep -q 'class="pill healthy"' body
	run ! grep -q '{{' body
	run ! grep -qE '(src|href)="(https?:)?//' body
	for asset in $(grep -oE '(src|href)="page\.[a-z]+"' body | grep -oE 'page\.[a-z]+'); do
		[ "$(status_of "$URL/$asset")" = 200 ]
		cmp body "$ROOT/tools/robot-serve/web/$asset"
	done
	curl -s "$URL/page.css" | grep -q 'prefers-color-scheme: dark'
}

@test "what the page shows is escaped" {
	mkdir log
	chmod 0 log
	LOG_DIR="$PWD/<b>&'\"" serve
	curl -s "$URL/" >body
	grep -q "&lt;b&gt;&amp;&#39;&quot;" body
	run ! grep -q '<b>' body
}

@test "every answer has the security headers" {
	serve
	for path in / /health /metrics /nothing /page.js; do
		status_of "$URL$path" >/dev/null
		grep -qi "^content-security-policy: default-src 'none'; script-src 'self'" header
		grep -qi '^x-content-type-options: nosniff' header
		grep -qi '^cache-control: no-store' header
		run ! grep -qi '^access-control-' header
		run ! grep -qi '^server:' header
	done
}

@test "an unknown path is 404 in JSON" {
	serve
	for path in /nothing /health/ //health /HEALTH /page /%2e%2e/etc/passwd /..%2f..%2fetc/passwd; do
		[ "$(status_of --path-as-is "$URL$path")" = 404 ]
		jq -e '. == {"error": "there is nothing here"}' body
	done
	[ "$(status_of "$URL/health?x=y")" = 200 ]
}

@test "other methods are 405 and say which are allowed; the connection lives on" {
	serve
	for method in POST PUT DELETE PATCH OPTIONS BREW; do
		[ "$(status_of -X $method "$URL/health")" = 405 ]
		grep -qi '^allow: GET, HEAD' header
		jq -e '.error == "only GET and HEAD are understood here"' body
	done
	[ "$(status_of -X POST "$URL/nothing")" = 404 ]
	head -c 200000 /dev/zero >big
	run curl -sv --data-binary @big "$URL/health" --next -sv "$URL/health"
	[[ $output == *"e-using existing"* ]]
}

@test "HEAD is GET without the body" {
	serve
	for path in / /health /metrics; do
		curl -sI "$URL$path" >head
		curl -s -D header -o body "$URL$path"
		[ "$(head -n 1 head)" = "$(head -n 1 header)" ]
		[ "$(grep -i ^content-type head)" = "$(grep -i ^content-type header)" ]
	done
	[ "$(curl -sI "$URL/page.css" | tr -d '\r' | awk 'tolower($1) == "content-length:" { print $2 }')" = \
		"$(stat -c %s "$ROOT/tools/robot-serve/web/page.css")" ]
}

@test "/metrics is Prometheus text, and counts" {
	serve
	curl -s "$URL/health" "$URL/health" "$URL/nowhere" >/dev/null
	[ "$(status_of "$URL/metrics")" = 200 ]
	grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8' header
	grep -qx 'robot_info{robot_id="robot-1",version="1.2.3",status="healthy"} 1' body
	grep -qx 'robot_health_status{robot_id="robot-1"} 1' body
	grep -qx 'robot_version{robot_id="robot-1",version="1.2.3"} 1' body
	grep -qx 'robot_requests_total{endpoint="/health",robot_id="robot-1"} 2' body
	grep -qx 'robot_requests_total{endpoint="other",robot_id="robot-1"} 1' body
	grep -qx 'http_request_duration_seconds_bucket{endpoint="/health",le="+Inf"} 2' body
	grep -qx 'http_request_duration_seconds_count{endpoint="/health"} 2' body
	for name in process_cpu_seconds_total process_open_fds process_max_fds \
		process_resident_memory_bytes process_virtual_memory_bytes process_start_time_seconds; do
		grep -qE "^$name [0-9.e+]+$" body
	done
	# every family once, its help and type before its samples, and a last line that ends
	[ -z "$(grep '^# TYPE' body | sort | uniq -d)" ]
	[ -z "$(grep -v '^#' body | sed 's/ [^ ]*$//' | sort | uniq -d)" ]
	[ -z "$(tail -c 1 body | tr -d '\n')" ]
}

@test "/metrics counts what robots were told, and promtool has nothing to say about it" {
	serve
	told() { curl -s -o body -H 'Content-Type: application/json' -d "$2" "$URL/api/$1"; }
	told robots/linus/eye '{"state":"on"}'
	told robots/linus/servo '{"servo":0,"angle":5}'
	told robots/torvalds/servo '{"servo":0,"angle":5}'
	told stop '{}'
	curl -s "$URL/metrics" >body
	for line in 'robot="linus",command="eye",result="done"} 1' 'robot="linus",command="servo",result="done"} 1' \
		'robot="torvalds",command="servo",result="failed"} 1' 'robot="torvalds",command="stop",result="done"} 1' \
		'robot="linus",command="stop",result="done"} 1' 'robot="linus",command="drive",result="done"} 0'; do
		grep -qxF "robot_commands_total{robot_id=\"robot-1\",$line" body
	done
	grep -qx 'robot_spans_total{result="dropped"} 0' body
	run -0 promtool check metrics <body
	[ -z "$output" ]
}

@test "paths from strangers make no new time series" {
	local before
	serve
	before=$(curl -s "$URL/metrics" | grep -c '^[a-z]')
	for path in / /api/robots/ /api/robots/x/ /items/; do
		curl -s "$URL$path$RANDOM" >/dev/null
	done
	[ "$(curl -s "$URL/metrics" | grep -c '^[a-z]')" = "$before" ]
}

# --- health and the access log --------------------------------------------------------------

@test "a LOG_DIR that is not there makes the robot unhealthy, in words; it serves on" {
	LOG_DIR=/nonexistent/logs serve
	[ "$(cat err)" = "robot-serve: warning: LOG_DIR '/nonexistent/logs': No such file or directory" ]
	[ "$(status_of "$URL/health")" = 503 ]
	jq -e '.status == "unhealthy" and .problems == ["LOG_DIR '"'/nonexistent/logs'"': No such file or directory"]' body
	[ "$(status_of "$URL/")" = 200 ]
	grep -q 'class="pill unhealthy"' body
	curl -s "$URL/metrics" >body
	grep -qx 'robot_health_status{robot_id="robot-1"} 0' body
	grep -q '^robot_info{.*status="unhealthy"} 1' body
}

@test "a LOG_DIR that comes back makes the robot healthy again" {
	local i
	LOG_DIR=$PWD/logs serve
	for i in 1 2; do
		[ "$(status_of "$URL/health")" = 503 ]
		jq -e '.status == "unhealthy" and (.problems | length) == 1' body
		[ "$(status_of "$URL/")" = 200 ]
		grep -q 'class="pill unhealthy"' body
		mkdir logs
		[ "$(status_of "$URL/health")" = 200 ]
		jq -e '.status == "healthy" and .problems == []' body
		[ "$(status_of "$URL/")" = 200 ]
		grep -q 'class="pill healthy"' body
		rm -r logs
	done
}

@test "a disk for logs that is nearly full degrades, and no more" {
	local map=''
	[ "$(id -u)" = 0 ] || map=-r
	mkdir logs
	# shellcheck disable=SC2086
	LOG_DIR=$PWD/logs launch unshare $map --mount sh -c \
		'mount -t tmpfs -o size=8m tmpfs logs && exec robot-serve --listen 127.0.0.1:0'
	wait_for 10 test -s out
	URL=http://$(cut -d' ' -f2 out)
	[ "$(status_of "$URL/health")" = 200 ]
	jq -e '.status == "degraded" and (.problems | length == 1) and
		(.problems[0] | test("^LOG_DIR .* has only [0-9] MiB left$"))' body
	curl -s "$URL/metrics" | grep -qx 'robot_health_status{robot_id="robot-1"} 1'
}

@test "-v says who it is, every request and every signal; without it there is nothing" {
	serve -v
	curl -sS -o body --head "$URL/health"
	curl -sS -o body "$URL/no%0Asuch"
	kill -USR2 "$PID"
	wait_for 5 grep -q SIGUSR2 err
	kill "$PID"
	wait "$PID"
	sed -E 's/[0-9.]+ ms$/N ms/' err >said
	diff said - <<-END
		robot-serve: robot 'robot-1' 1.2.3: its own socket is '$GANTRY_SOCKET', a served port is an error
		robot-serve: 127.0.0.1 HEAD '/health': 200, N ms
		robot-serve: 127.0.0.1 GET '/no\x0asuch': 404, N ms
		robot-serve: SIGUSR2
		robot-serve: SIGTERM
	END
	serve
	curl -sS -o body "$URL/health"
	kill "$PID"
	wait "$PID"
	[ ! -s err ]
}

@test "the access log has one JSON object a request" {
	mkdir logs
	LOG_DIR=$PWD/logs serve
	curl -s "$URL/health" >/dev/null
	curl -sI "$URL/a%22b%0Ac" >/dev/null
	curl -s --unix-socket r.sock http://robot/health >/dev/null
	wait_for 5 bash -c '[ "$(wc -l <logs/access.log)" = 3 ]'
	jq -se 'map([.remote, .method, .path, .status]) == [["127.0.0.1", "GET", "/health", 200],
		["127.0.0.1", "HEAD", "/a\"b\nc", 404], ["unix", "GET", "/health", 200]]' logs/access.log
	jq -se 'all((.trace_id | test("^[0-9a-f]{32}$")) and (.span_id | test("^[0-9a-f]{16}$")))' \
		logs/access.log
	jq -se 'all(.ms >= 0 and (.time | endswith("Z"))) and .[0].bytes > 100 and .[1].bytes == 0' \
		logs/access.log
}

@test "a log that cannot be written is a problem, not a failed request" {
	mkdir logs
	ln -s /dev/full logs/access.log
	LOG_DIR=$PWD/logs serve
	[ "$(status_of "$URL/")" = 200 ]
	full() { [ "$(status_of "$URL/health")" = 503 ]; }
	wait_for 5 full
	jq -e '.problems[0] | endswith("access.log'"'"': No space left on device")' body
}

# --- the socket -------------------------------------------------------------------------------

@test "the socket has the same routes, and goes with the process" {
	serve
	[ "$(status_of --unix-socket r.sock http://robot/health)" = 200 ]
	[ "$(status_of --unix-socket r.sock http://robot/)" = 200 ]
	[ "$(status_of --unix-socket r.sock http://robot/nothing)" = 404 ]
	ends TERM
	[ ! -e r.sock ]
}

@test "a socket file that a killed process left is replaced" {
	serve
	kill -9 "$PID"
	wait "$PID" || true
	[ -S r.sock ]
	serve
	[ "$(status_of --unix-socket r.sock http://robot/health)" = 200 ]
}

@test "without handover, a socket that cannot be made is said once" {
	GANTRY_SOCKET=/nonexistent/r.sock serve
	[ "$(cat err)" = "robot-serve: warning: listen on '/nonexistent/r.sock': No such file or directory; going on without it" ]
	[ "$(status_of "$URL/health")" = 200 ]
}

@test "with handover, a socket that cannot be made is 71: nobody could look at this instance" {
	export GANTRY_HANDOVER=1
	GANTRY_SOCKET=/nonexistent/r.sock run --separate-stderr -71 robot-serve --listen 127.0.0.1:0
	[ "$stderr" = "robot-serve: listen on '/nonexistent/r.sock': No such file or directory" ]
	GANTRY_SOCKET=/$(printf 'x%.0s' {1..120}) run --separate-stderr -78 robot-serve --listen 127.0.0.1:0
	[[ $stderr == *"is longer than 107 bytes" ]]
	serve
	run --separate-stderr -71 robot-serve --listen 127.0.0.1:0
	[ "$stderr" = "robot-serve: listen on '$GANTRY_SOCKET': Address already in use" ]
}

# --- signals ------------------------------------------------------------------------------------

@test "TERM and INT end with 0, at once if nobody is there" {
	local from
	for sig in TERM INT; do
		serve
		from=$(date +%s%N)
		ends $sig
		(($(date +%s%N) - from < 2000000000))
	done
}

@test "an idle connection does not keep it from ending" {
	local from
	serve
	exec 5<>"/dev/tcp/${ADDR%:*}/${ADDR#*:}"
	printf 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n' >&5
	read -r line <&5
	[[ $line == "HTTP/1.1 200"* ]]
	from=$(date +%s%N)
	ends TERM
	(($(date +%s%N) - from < 3000000000))
	exec 5>&-
}

@test "--hold opens nothing and ends with TERM" {
	PORT=nonsense launch robot-serve --hold
	wait_for 5 caught "$PID"
	[ "$(ls -l "/proc/$PID/fd" | grep -c socket:)" = 0 ]
	[ "$(ls "/proc/$PID/task" | wc -l)" = 1 ]
	ends TERM
	[ ! -s out ]
	[ ! -s err ]
}

@test "as process 1 it obeys TERM too" {
	local args map='' child
	[ "$(id -u)" = 0 ] || map=-r
	for args in "--hold" "--listen 127.0.0.1:0"; do
		# shellcheck disable=SC2086
		launch unshare $map --pid --fork --kill-child robot-serve $args
		first() { child=$(pgrep -P "$PID" robot-serve) && caught "$child"; }
		wait_for 5 first
		kill -TERM "$child"
		wait "$PID"
		: >pids
	done
}
