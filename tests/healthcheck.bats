#!/usr/bin/env bats
# healthcheck: every target, option and exit code.

setup_file() {
	load helpers/common
	PORT=$(free_port)
	start_answer "$PORT"
	start_answer "$BATS_FILE_TMPDIR/web.sock"
	wait_for 10 curl -fsS "http://127.0.0.1:$PORT/"
	export PORT
}

start_answer() {
	"$B/helpers/answer" "$1" >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	W=http://127.0.0.1:$PORT
	cd "$BATS_TEST_TMPDIR"
}

# verdict REGEX: the one record there is.
verdict() {
	[ "${#lines[@]}" -eq 1 ]
	[[ $output =~ ^$1$ ]] || {
		echo "got: $output" >&2
		return 1
	}
}

@test "healthy is 0 and one record" {
	run --separate-stderr -0 healthcheck "$W/status/200"
	verdict "healthy $W/status/200 200 [0-9]+"
	[ -z "$stderr" ]
}

@test "unhealthy is 1, with the status and why" {
	run --separate-stderr -1 healthcheck "$W/status/503"
	verdict "unhealthy $W/status/503 503 [0-9]+ answered 503, not 200-399"
	[ -z "$stderr" ]
	run -1 healthcheck "$W/status/404"
	verdict "unhealthy $W/status/404 404 [0-9]+ answered 404, not 200-399"
}

@test "a redirect is an answer, not followed" {
	run -0 healthcheck "$W/status/302"
	verdict "healthy $W/status/302 302 [0-9]+"
}

@test "nobody there is unhealthy, with no status" {
	port=$(free_port)
	run --separate-stderr -1 healthcheck "http://127.0.0.1:$port/" "tcp://127.0.0.1:$port"
	[[ ${lines[0]} =~ ^"unhealthy http://127.0.0.1:$port/ - "[0-9]+" Failed to connect" ]]
	[[ ${lines[1]} =~ ^"unhealthy tcp://127.0.0.1:$port - "[0-9]+" connect to '127.0.0.1' port $port: Connection refused"$ ]]
	[ -z "$stderr" ]
}

@test "a Unix socket, and one that is not there" {
	s=$BATS_FILE_TMPDIR/web.sock
	run -0 healthcheck --json-path status=healthy "http+unix://$s:/json"
	verdict "healthy http\+unix://$s:/json 200 [0-9]+"
	run -1 healthcheck "http+unix://$s.no:/json"
	[[ $output == "unhealthy http+unix://$s.no:/json - "* ]]
}

@test "tcp, by number and name" {
	run -0 healthcheck "tcp://127.0.0.1:$PORT" "tcp://localhost:$PORT"
	[[ ${lines[0]} =~ ^"healthy tcp://127.0.0.1:$PORT - "[0-9]+$ ]]
	[[ ${lines[1]} =~ ^"healthy tcp://localhost:$PORT - "[0-9]+$ ]]
	run -1 healthcheck tcp://nosuch.invalid:80
	[[ $output == "unhealthy tcp://nosuch.invalid:80 - "*" look up 'nosuch.invalid': "* ]]
}

@test "all targets at once, answers in their order; one unhealthy is 1" {
	start=$(date +%s%N)
	run -1 healthcheck "$W/slow/1500" "$W/slow/1501" "$W/slow/1502" "$W/slow/1503" "$W/status/500"
	ms=$((($(date +%s%N) - start) / 1000000))
	[ "${#lines[@]}" -eq 5 ]
	[[ ${lines[0]} == "healthy $W/slow/1500 200 "* ]]
	[[ ${lines[3]} == "healthy $W/slow/1503 200 "* ]]
	[[ ${lines[4]} == "unhealthy $W/status/500 500 "* ]]
	# one after another they would take six seconds
	[ "$ms" -lt 5900 ]
}

@test "-t ends a try" {
	run -1 healthcheck -t 0.2 "$W/slow/5000"
	[[ $output =~ ^"unhealthy $W/slow/5000 - "([0-9]+)" " ]]
	[ "${BASH_REMATCH[1]}" -lt 4900 ]
	run -1 healthcheck --timeout 200ms "$W/slow/5000"
}

@test "-r tries again, -i waits between" {
	run -1 healthcheck -r 2 -i 0 "$W/nth/3"
	start=$(date +%s%N)
	run -0 healthcheck --retries 3 --interval 300ms "$W/nth/4" "$W/status/200"
	ms=$((($(date +%s%N) - start) / 1000000))
	[ "$ms" -ge 300 ]
}

@test "--wait goes on until it is healthy, or until its end" {
	run -0 healthcheck --wait 20 -i 10ms "$W/nth/12"
	start=$(date +%s%N)
	run -1 healthcheck --wait 0.5 -i 10ms "$W/status/503"
	ms=$((($(date +%s%N) - start) / 1000000))
	[ "$ms" -ge 500 ]
	[ "$ms" -lt 20000 ]
	verdict "unhealthy $W/status/503 503 [0-9]+ answered 503, not 200-399"
	run -1 healthcheck --wait 0.3 -t 60 "$W/slow/9000"
}

@test "--successes wants good answers in a row" {
	run -0 healthcheck --successes 3 -i 0 "$W/status/200"
	run -1 healthcheck --successes 2 -r 4 -i 0 "$W/flap"
	verdict "unhealthy $W/flap 503 [0-9]+ answered 503, not 200-399"
	run -1 healthcheck --successes 100 --wait 0.3 -i 0.2 "$W/status/200"
	[[ $output =~ "good answers in a row, not 100"$ ]]
}

@test "--status says which are good" {
	run -0 healthcheck --status 200-299,404 "$W/status/404"
	run -0 healthcheck --status 503 "$W/status/503"
	run -1 healthcheck --status 200-299,304 "$W/status/302"
	[[ $output == *"answered 302, not 200-299,304" ]]
	for bad in '' 99 600 300-200 200, ,200 abc 200-; do
		run --separate-stderr -64 healthcheck --status "$bad" "$W/"
		[ "${stderr_lines[0]}" = "healthcheck: '$bad' is not a list of HTTP statuses like '200-299,304'" ]
		[ -z "$output" ]
	done
}

@test "--body matches the whole of the body, or of its beginning if that is long" {
	run -0 healthcheck --body '.*"status":"(healthy|ok)".*' "$W/json"
	run -1 healthcheck --body '"status":"(healthy|ok)"' "$W/json"
	run -1 healthcheck --body nothing "$W/json"
	[[ $output == *"the body does not match 'nothing'" ]]
	run -0 healthcheck --body 'xxx.*' "$W/big"
	run --separate-stderr -64 healthcheck --body '(' "$W/json"
	[[ ${stderr_lines[0]} == "healthcheck: '(' is not a regular expression: "* ]]
}

@test "--json-path: strings, numbers, booleans, null, and what is not there" {
	run -0 healthcheck --json-path status=healthy --json-path motor.ok=true \
		--json-path motor.volts=12 --json-path motor.error=null "$W/json"
	run -1 healthcheck --json-path status=healthy --json-path motor.volts=13 "$W/json"
	[[ $output == *"'motor.volts' is '12', not '13'" ]]
	run -1 healthcheck --json-path motor.amps=1 "$W/json"
	[[ $output == *"the body has no 'motor.amps'" ]]
	run -1 healthcheck --json-path status=healthy "$W/html"
	[[ $output == *"the body is not JSON" ]]
	run --separate-stderr -64 healthcheck --json-path status "$W/json"
	[ "${stderr_lines[0]}" = "healthcheck: 'status' is not PATH=VALUE" ]
}

@test "--max-time-ms: good but late is unhealthy" {
	run -1 healthcheck --max-time-ms 100 "$W/slow/300"
	verdict "unhealthy $W/slow/300 200 [0-9]+ took [0-9]+ ms, longer than 100"
	run -0 healthcheck --max-time-ms 5000 "$W/status/200"
}

@test "--header is sent" {
	run -0 healthcheck --header 'X-Test: yes' "$W/wants"
	run -1 healthcheck "$W/wants"
	run --separate-stderr -64 healthcheck --header nonsense "$W/wants"
	[ "${stderr_lines[0]}" = "healthcheck: 'nonsense' is not a header ('Name: value')" ]
}

@test "TLS: an unknown certificate, --ca, --insecure, --cert" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null
	cat cert.pem key.pem >both.pem
	printf 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n' >health
	port=$(free_port)
	openssl s_server -accept "$port" -cert cert.pem -key key.pem -Verify 1 -CAfile cert.pem \
		-verify_return_error -HTTP -quiet >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 healthcheck "tcp://localhost:$port"
	run -1 healthcheck "https://localhost:$port/health"
	[[ $output == *certificate* ]]
	run -0 healthcheck --ca cert.pem --cert both.pem "https://localhost:$port/health"
	run -0 healthcheck --insecure --cert both.pem "https://localhost:$port/health"
	run -1 healthcheck --ca cert.pem "https://localhost:$port/health"
	run --separate-stderr -78 healthcheck --ca nosuch.pem "https://localhost:$port/health"
	[ -z "$output" ]
	[[ $stderr == "healthcheck: probe 'https://localhost:$port/health': "* ]]
}

@test "--json" {
	run --separate-stderr -1 healthcheck --json "$W/status/200" "$W/status/503" "tcp://127.0.0.1:$PORT"
	jq -e --arg w "$W" '.healthy == true and .target == $w + "/status/200" and .status == 200
		and .ms >= 0 and has("reason") == false' <<<"${lines[0]}"
	jq -e '.healthy == false and .status == 503 and .reason == "answered 503, not 200-399"' \
		<<<"${lines[1]}"
	jq -e '.healthy == true and .status == null' <<<"${lines[2]}"
}

@test "wrong usage is 64, before anything is asked" {
	run --separate-stderr -64 healthcheck
	[ "${stderr_lines[0]}" = "healthcheck: want a target" ]
	for bad in ftp://x/ localhost http:// http:///x tcp://x tcp://x:0 tcp://x:99999 tcp://:80 \
		http+unix://x http+unix://:/x 'http://x/ y'; do
		run --separate-stderr -64 healthcheck "$W/" "$bad"
		[[ ${stderr_lines[0]} == "healthcheck: '$bad' is not a target: "* ]]
		[ -z "$output" ]
	done
	run --separate-stderr -64 healthcheck -t 0 "$W/"
	[ "${stderr_lines[0]}" = "healthcheck: -t must be from 0.001 to 3600 seconds, not '0'" ]
	run --separate-stderr -64 healthcheck -r 0 "$W/"
	[ "${stderr_lines[0]}" = "healthcheck: -r must be a number from 1 to 100000, not '0'" ]
	for o in -i --wait --successes --max-time-ms; do
		run --separate-stderr -64 healthcheck "$o" soon "$W/"
		[[ ${stderr_lines[0]} == "healthcheck: $o must be "*"not 'soon'" ]]
	done
}

@test "it needs few libraries and little memory" {
	needed=$(readelf -d "$B/healthcheck" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
	[[ $needed == *libcurl* ]]
	[[ $needed != *libarchive* && $needed != *libgpiod* && $needed != *microhttpd* ]]
}
