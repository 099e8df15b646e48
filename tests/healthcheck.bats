#!/usr/bin/env bats
# healthcheck: every target, option and exit code.

setup_file() {
	load helpers/common
	PORT=$(free_port)
	start_answer "$PORT"
	start_answer "$BATS_FILE_TMPDIR/web.sock"
	mkdir "$BATS_FILE_TMPDIR/canned"
	export PORT CANNED_PORT
	CANNED_PORT=$(free_port)
	"$B/helpers/canned" "$CANNED_PORT" "$BATS_FILE_TMPDIR/canned" >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -fsS "http://127.0.0.1:$PORT/"
	wait_for 10 healthcheck "tcp://127.0.0.1:$CANNED_PORT"
	# the last test has its answer, and until then nobody waits for it
	healthcheck "http://127.0.0.1:$PORT/slow/60000" >"$BATS_FILE_TMPDIR/slow" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
}

# canned NAME: standard input is the body at $C/NAME.
canned() {
	cat >body
	{
		printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' "$(stat -c %s body)"
		cat body
	} >"$BATS_FILE_TMPDIR/canned/GET_$1"
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
	C=http://127.0.0.1:$CANNED_PORT
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
	[[ ${lines[0]} =~ ^"unhealthy http://127.0.0.1:$port/ - "[0-9]+" connect to '127.0.0.1' port $port: Connection refused"$ ]]
	[[ ${lines[1]} =~ ^"unhealthy tcp://127.0.0.1:$port - "[0-9]+" connect to '127.0.0.1' port $port: Connection refused"$ ]]
	[ -z "$stderr" ]
}

@test "a Unix socket, and one that is not there" {
	s=$BATS_FILE_TMPDIR/web.sock
	run -0 healthcheck --json-path status=healthy "http+unix://$s:/json"
	verdict "healthy http\+unix://$s:/json 200 [0-9]+"
	run -1 healthcheck "http+unix://$s.no:/json"
	[[ $output == "unhealthy http+unix://$s.no:/json - "*" connect to '$s.no': No such file or directory" ]]
	run -0 healthcheck --json-path status=healthy "http+unix://$s:/json?next=http://robot:/"
}

@test "the path of a Unix socket has 107 bytes at most" {
	local s
	s=/$(printf %0106d 0)
	run -1 healthcheck "http+unix://$s:/"
	[[ $output == *" connect to '$s': No such file or directory" ]]
	run --separate-stderr -64 healthcheck "http+unix://${s}0:/"
	[[ ${stderr_lines[0]} == *" is not a target: a socket's path has 1 to 107 bytes" ]]
}

@test "a proxy is for the web: sockets and tcp go without" {
	http_proxy=http://127.0.0.1:1 run -0 healthcheck "http+unix://$BATS_FILE_TMPDIR/web.sock:/" \
		"tcp://127.0.0.1:$PORT"
}

@test "tcp, by number and name" {
	run -0 healthcheck "tcp://127.0.0.1:$PORT" "tcp://localhost:$PORT"
	[[ ${lines[0]} =~ ^"healthy tcp://127.0.0.1:$PORT - "[0-9]+$ ]]
	[[ ${lines[1]} =~ ^"healthy tcp://localhost:$PORT - "[0-9]+$ ]]
	run -1 healthcheck tcp://[::1]:1 tcp://::1:1
	[[ ${lines[0]} == "unhealthy tcp://[::1]:1 - "*" connect to '[::1]' port 1: "* ]]
	[[ ${lines[1]} == "unhealthy tcp://::1:1 - "*" connect to '[::1]' port 1: "* ]]
	run -1 healthcheck tcp://nosuch.invalid:80
	[[ $output == "unhealthy tcp://nosuch.invalid:80 - "*" Could not resolve host: nosuch.invalid" ]]
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

@test "1,000 targets are asked at once, where no more is in the way than a limit that may be raised" {
	local sock=$BATS_TEST_TMPDIR/gather.sock targets
	start_answer "$sock"
	wait_for 10 test -S "$sock"
	# nobody is answered before the last one has come
	mapfile -t targets < <(yes "http+unix://$sock:/gather/1000" | head -n 1000)
	# shellcheck disable=SC2016 # for the inner shell
	run -0 bash -c 'ulimit -Sn 512; exec healthcheck -t 60 --wait 60 "$@"' - "${targets[@]}"
	[ "${#lines[@]}" -eq 1000 ]
}

@test "1,000 targets, with few files allowed: connections are bounded, all are answered in order" {
	local targets
	mapfile -t targets < <({ seq 200 599 && seq 200 599 && seq 200 399; } |
		sed "s|^|http+unix://$BATS_FILE_TMPDIR/web.sock:/status/|")
	# shellcheck disable=SC2016 # for the inner shell
	run -1 bash -c 'ulimit -n 100; exec healthcheck -t 60 "$@"' - "${targets[@]}"
	[ "${#lines[@]}" -eq 1000 ]
	[[ ${lines[0]} == "healthy ${targets[0]} 200 "* ]]
	[[ ${lines[399]} == "unhealthy ${targets[399]} 599 "*" answered 599, not 200-399" ]]
	[[ ${lines[999]} == "healthy ${targets[999]} 399 "* ]]
	[ "$(grep -c ^healthy <<<"$output")" -eq 600 ]
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

@test "--wait: a try that the end cuts short does not hide what the one before it was told" {
	local port server status=0
	port=$(free_port)
	start_answer "$port"
	server=$(tail -n 1 "$BATS_FILE_TMPDIR/pids")
	wait_for 10 healthcheck "tcp://127.0.0.1:$port"
	healthcheck -v --wait 1.5 -i 0.2 "http://127.0.0.1:$port/status/503" >out 2>err 3>&- &
	wait_for 10 grep -q 'try 1,' err
	kill -STOP "$server"
	wait $! || status=$?
	kill -CONT "$server"
	[ "$status" -eq 1 ]
	[[ $(<out) == *" answered 503, not 200-399" ]]
}

@test "who could not be asked in the time there was is unhealthy, in the metrics too" {
	# one connection at a time
	run -1 bash -c "ulimit -n 67; exec healthcheck --wait 0.3 -t 60 --metrics-file m.prom $W/slow/9000 $W/slow/9001"
	# the one that is being asked is waited for
	[[ ${lines[0]} == "unhealthy $W/slow/9000 - "*" Operation timed out after "* ]]
	[[ ${lines[1]} =~ ^"unhealthy $W/slow/9001 - 0 not asked in the time there was"$ ]]
	grep -qx "gantry_health_status{target=\"$W/slow/9000\"} 0" m.prom
	grep -qx "gantry_health_status{target=\"$W/slow/9001\"} 0" m.prom
	[ "$(grep -c '^gantry_health_duration_seconds{' m.prom)" -eq 1 ]
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
	run -0 healthcheck --status 404,200-299 "$W/status/404"
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

@test "--body and --json-path: a NUL, and more than is read" {
	printf 'ok\0but not so' | canned nul
	run -1 healthcheck --body ok "$C/nul"
	[[ $output == *"the body does not match 'ok'" ]]
	printf '{"pad":"%060000d","status":"ok"}' 0 | canned fits
	run -0 healthcheck --json-path status=ok "$C/fits"
	printf '{"pad":"%065536d","status":"ok"}' 0 | canned more
	run -1 healthcheck --json-path status=ok "$C/more"
	[[ $output == *"the body is not JSON that ends within 64 KiB" ]]
}

@test "what a service says stays on the line" {
	printf '{"status":"a\\n\\u007fhealthy x"}' | canned bad
	run -1 healthcheck --json-path status=b "$C/bad"
	verdict "unhealthy $C/bad 200 [0-9]+ 'status' is 'a\\?\\?healthy x', not 'b'"
}

@test "what answers and speaks no HTTP is unhealthy" {
	echo SSH-2.0-OpenSSH_9.2 >"$BATS_FILE_TMPDIR/canned/GET_ssh"
	run --separate-stderr -1 healthcheck "$C/ssh"
	[[ $output == "unhealthy $C/ssh - "*" "?* ]]
	[ -z "$stderr" ]
}

@test "--json-path: strings, numbers, booleans, null, and what is not there" {
	run -0 healthcheck --json-path status=healthy --json-path motor.ok=true \
		--json-path motor.volts=12 --json-path motor.error=null "$W/json"
	run -1 healthcheck --json-path status=healthy --json-path motor.volts=13 "$W/json"
	[[ $output == *"'motor.volts' is '12', not '13'" ]]
	run -1 healthcheck --json-path status=health "$W/json"
	[[ $output == *"'status' is 'healthy', not 'health'" ]]
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
	[ "$(cut -d ' ' -f 4 <<<"$output")" -ge 300 ]
	run -0 healthcheck --max-time-ms 5000 "$W/status/200"
}

@test "--header is sent" {
	run -0 healthcheck --header 'X-Test: yes' --header 'X-More: too' "$W/wants"
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
	# the name is part of it
	run -1 healthcheck --ca cert.pem --cert both.pem "https://127.0.0.1:$port/health"
	[[ $output == *"127.0.0.1"*"does not match"* || $output == *"no alternative certificate subject name"* ]]
	run -0 healthcheck --insecure --cert both.pem "https://127.0.0.1:$port/health"
	run -1 healthcheck --ca cert.pem "https://localhost:$port/health"
	# what could not be asked is told from what is unhealthy, whatever the others are
	run --separate-stderr -78 healthcheck --ca nosuch.pem "https://localhost:$port/health" "$W/status/503"
	verdict "unhealthy $W/status/503 503 .*"
	[[ $stderr == "healthcheck: probe 'https://localhost:$port/health': "* ]]
}

@test "--tls-days: a certificate that ends sooner is unhealthy, with the date" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 400 -subj /CN=plant \
		-keyout ca.key -out ca.pem 2>/dev/null
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
		-keyout key.pem -out r.csr 2>/dev/null
	openssl x509 -req -in r.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -out cert.pem \
		-extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
	end=$(date -u -d "$(openssl x509 -noout -enddate -in cert.pem | cut -d = -f 2)" +%Y-%m-%d)
	printf 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n' >health
	port=$(free_port)
	openssl s_server -accept "$port" -cert cert.pem -key key.pem -cert_chain ca.pem -HTTP -quiet >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 healthcheck "tcp://localhost:$port"
	run -0 healthcheck --tls-days 19 --ca ca.pem "https://localhost:$port/health"
	run -1 healthcheck --tls-days 21 --ca ca.pem "https://localhost:$port/health"
	verdict "unhealthy https://localhost:$port/health 200 [0-9]+ the certificate ends on $end, in less than 21 days"
	# who does not trust it still wants to know
	run -1 healthcheck --tls-days 21 --insecure "https://localhost:$port/health"
	verdict "unhealthy .* the certificate ends on $end, in less than 21 days"
	run -0 healthcheck --json --metrics-file m.prom --ca ca.pem "https://localhost:$port/health"
	jq -e --arg d "$end" '.tls_until | startswith($d)' <<<"$output"
	grep -qx "gantry_health_tls_until_timestamp_seconds{target=\"https://localhost:$port/health\"} $(date -d "$(openssl x509 -noout -enddate -in cert.pem | cut -d = -f 2)" +%s)" m.prom
	# without TLS there is nothing to end
	run -0 healthcheck --tls-days 21 "$W/status/200"
	run --separate-stderr -64 healthcheck --tls-days 0 "$W/"
	[ "${stderr_lines[0]}" = "healthcheck: --tls-days must be a number from 1 to 36500, not '0'" ]
}

@test "a proxy that lets us through has not answered for the target" {
	mkdir canned
	printf 'HTTP/1.1 200 Connection established\r\n\r\n' >canned/default
	port=$(free_port)
	"$B/helpers/canned" "$port" canned >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 healthcheck "tcp://127.0.0.1:$port"
	https_proxy=http://127.0.0.1:$port run -1 healthcheck https://robot.invalid/health
	grep -q '^CONNECT robot.invalid:443' canned/log
	[[ $output == "unhealthy https://robot.invalid/health "* ]]
}

@test "--tls-days: one that has ended says so" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 1 \
		-addext subjectAltName=DNS:localhost -keyout key.pem -out now.pem 2>/dev/null
	openssl req -new -key key.pem -subj /CN=localhost -out r.csr
	mkdir ca && : >ca/index && echo 01 >ca/serial
	printf '%s\n' '[ca]' 'default_ca=c' '[c]' 'database=ca/index' 'serial=ca/serial' 'new_certs_dir=ca' \
		'default_md=sha256' 'policy=p' '[p]' 'commonName=supplied' >ca.cnf
	openssl ca -batch -config ca.cnf -selfsign -keyfile key.pem -in r.csr -out old.pem -notext \
		-startdate 20200101000000Z -enddate 20200201000000Z 2>/dev/null
	printf 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n' >health
	port=$(free_port)
	openssl s_server -accept "$port" -cert old.pem -key key.pem -HTTP -quiet >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 healthcheck "tcp://localhost:$port"
	run -1 healthcheck --tls-days 1 --insecure "https://localhost:$port/health"
	verdict "unhealthy .* the certificate ended on 2020-02-01"
	run -1 healthcheck --ca old.pem "https://localhost:$port/health"
	[[ $output == *"certificate has expired"* ]]
}

@test "--json" {
	run --separate-stderr -1 healthcheck --json "$W/status/200" "$W/status/503" "tcp://127.0.0.1:$PORT"
	jq -e --arg w "$W" '.healthy == true and .target == $w + "/status/200" and .status == 200
		and .ms >= 0 and has("reason") == false and has("tls_until") == false
		and (.time | sub("[.][0-9]{3}Z$"; "Z") | fromdate > now - 3600)' <<<"${lines[0]}"
	jq -e '.healthy == false and .status == 503 and .reason == "answered 503, not 200-399"' \
		<<<"${lines[1]}"
	jq -e '.healthy == true and .status == null' <<<"${lines[2]}"
	run -0 healthcheck --json "$W/slow/100"
	jq -e '.ms >= 100' <<<"$output"
}

@test "wrong usage is 64, before anything is asked" {
	run --separate-stderr -64 healthcheck
	[ "${stderr_lines[0]}" = "healthcheck: want a target" ]
	for bad in ftp://x/ localhost http:// http:///x http://:80/ http://u:p@/ http://x:y/ https://x:65536 \
		http://[::1]:y/ tcp://x tcp://x:0 tcp://x:65536 tcp://x:80/ tcp://u@x:80 tcp://:80 \
		http+unix://x http+unix://:/x 'http://x/ y'; do
		run --separate-stderr -64 healthcheck "$W/" "$bad"
		[[ ${stderr_lines[0]} == "healthcheck: '$bad' is not a target: "* ]]
		[ -z "$output" ]
	done
	run --separate-stderr -64 healthcheck -t 0 "$W/"
	[ "${stderr_lines[0]}" = "healthcheck: -t must be from 0.001 to 3600 seconds, not '0'" ]
	run --separate-stderr -64 healthcheck -r 0 "$W/"
	[ "${stderr_lines[0]}" = "healthcheck: -r must be a number from 1 to 100000, not '0'" ]
	run -1 healthcheck http://u:p@127.0.0.1:1/x:y http://127.0.0.1:1?x:y "http://[::1]:1/" \
		"http://[::1]/" http://u:p@127.0.0.1/
	for o in -i --wait --successes --max-time-ms; do
		run --separate-stderr -64 healthcheck "$o" soon "$W/"
		[[ ${stderr_lines[0]} == "healthcheck: $o must be "*"not 'soon'" ]]
	done
}

@test "more targets than are taken" {
	local targets
	mapfile -t targets < <(yes "$W/" | head -n 4097)
	run --separate-stderr -64 healthcheck "${targets[@]}"
	[ "${stderr_lines[0]}" = "healthcheck: more than 4096 targets" ]
	run --separate-stderr -64 healthcheck "${targets[@]:2}" nonsense
	[[ ${stderr_lines[0]} == "healthcheck: 'nonsense' is not a target: "* ]]
}

@test "-v says every try, whom it reached and what it found" {
	run --separate-stderr -1 healthcheck -v -r 2 -i 0 "$W/status/503"
	[[ ${stderr_lines[0]} =~ ^"healthcheck: '$W/status/503' at 127.0.0.1: try 1, "[0-9]+" ms: answered 503, not 200-399"$ ]]
	[[ ${stderr_lines[1]} =~ ^"healthcheck: '$W/status/503' at 127.0.0.1: try 2, "[0-9]+" ms: answered 503, not 200-399"$ ]]
	[ "${#stderr_lines[@]}" -eq 2 ]
	run --separate-stderr -0 healthcheck -v "$W/status/200"
	[[ $stderr =~ ": try 1, "[0-9]+" ms: good"$ ]]
}

@test "--metrics-file: Prometheus reads what was found" {
	start=$(date +%s)
	(umask 077 && run -1 healthcheck --metrics-file m.prom "$W/status/200" "$W/status/503" "$W/status/200" \
		"$W/slow/200")
	[ "$(stat -c %a m.prom)" = 644 ]
	[ "$(grep -c '^gantry_health_status{' m.prom)" -eq 3 ]
	grep -qx "gantry_health_status{target=\"$W/status/200\"} 1" m.prom
	grep -qx "gantry_health_status{target=\"$W/status/503\"} 0" m.prom
	grep -qE "^gantry_health_duration_seconds\{target=\"$W/status/200\"\} [0-9.e-]+$" m.prom
	awk '/^gantry_health_duration_seconds.*slow/ && $2 >= 0.2 && $2 < 5 { ok = 1 } END { exit !ok }' m.prom
	awk -v from="$start" -v to="$(date +%s)" 'END { exit !ok }
		/^gantry_health_last_run_timestamp_seconds/ { ok = $2 >= from && $2 <= to }' m.prom
	! command -v promtool >/dev/null || promtool check metrics <m.prom
	run --separate-stderr -71 healthcheck --metrics-file no/such/m.prom "$W/status/200"
	[[ $stderr == *"no/such/m.prom"*"No such file or directory" ]]
	[[ $output == healthy* ]]
}

# watch ARGUMENT...: healthcheck --watch in the background, its records in out, its pid in WATCH.
watch() {
	healthcheck --watch -i 20ms "$@" >out 2>err 3>&- &
	WATCH=$!
	echo "$WATCH" >>"$BATS_FILE_TMPDIR/pids"
}

records() { # N: there are so many by now
	[ "$(wc -l <out)" -ge "$1" ]
}

@test "--watch: the first state and every change, until SIGTERM; metrics follow" {
	local t port
	port=$(free_port)
	t=http://127.0.0.1:$port/json
	watch --metrics-file m.prom "$t" "$W/status/200"
	wait_for 10 records 2
	wait_for 10 grep -qx "gantry_health_status{target=\"$t\"} 0" m.prom
	start_answer "$port"
	server=$(tail -n 1 "$BATS_FILE_TMPDIR/pids")
	wait_for 10 records 3
	wait_for 10 grep -qx "gantry_health_status{target=\"$t\"} 1" m.prom
	kill "$server"
	wait_for 10 records 4
	kill -TERM "$WATCH"
	status=0
	wait "$WATCH" || status=$?
	[ "$status" -eq 1 ]
	[ "$(wc -l <out)" -eq 4 ]
	grep "$t" out | cut -d ' ' -f 1 >states
	[ "$(tr '\n' ' ' <states)" = "unhealthy healthy unhealthy " ]
	[ ! -s err ]
}

@test "--watch ends with 0 if all are healthy then, by SIGINT or --wait" {
	watch "$W/status/200"
	wait_for 10 records 1
	kill -INT "$WATCH" # background jobs of a script ignore it unless they ask for it
	wait "$WATCH"
	run -0 healthcheck --watch -i 20ms --wait 300ms "$W/status/200"
	[[ $output == "healthy $W/status/200 200 "* && ${#lines[@]} -eq 1 ]]
}

@test "--watch: what --wait cuts short is no news" {
	local port t server
	port=$(free_port)
	t=http://127.0.0.1:$port/status/200
	start_answer "$port"
	server=$(tail -n 1 "$BATS_FILE_TMPDIR/pids")
	wait_for 10 healthcheck "$t"
	watch --wait 2 "$t"
	wait_for 10 records 1
	# now a try hangs; when its end is looked at, it is all over
	kill -STOP "$server"
	sleep 0.3
	kill -STOP "$WATCH"
	sleep 2
	kill -CONT "$WATCH" "$server"
	wait "$WATCH"
	[[ $(<out) =~ ^"healthy $t 200 "[0-9]+$ ]]
}

@test "--watch: with one connection for all everyone gets his turn" {
	bash -c "ulimit -n 67; exec healthcheck --watch -i 1ms $W/status/20{0,1,2,3,4}" >out 2>err 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 records 5
	kill $!
	wait $!
}

@test "--watch: the metrics say what is known, and nothing before all have been asked" {
	local t port server
	run -1 healthcheck --watch -i 10ms --wait 300ms --metrics-file none.prom "$W/status/200" "$W/slow/9000"
	[ ! -e none.prom ]
	run -1 healthcheck --watch -i 10ms --wait 1 --successes 100000 --metrics-file m.prom "$W/status/200"
	[ -z "$output" ]
	grep -qx "gantry_health_status{target=\"$W/status/200\"} 0" m.prom
	# so many more tries have to fail
	port=$(free_port)
	t=http://127.0.0.1:$port/status/200
	start_answer "$port"
	server=$(tail -n 1 "$BATS_FILE_TMPDIR/pids")
	wait_for 10 healthcheck "$t"
	watch -v -r 100000 --metrics-file m.prom "$t"
	wait_for 10 records 1
	kill "$server"
	wait_for 10 grep -q refused err
	rm -f m.prom
	wait_for 10 test -e m.prom
	kill "$WATCH"
	wait "$WATCH"
	grep -qx "gantry_health_status{target=\"$t\"} 1" m.prom
}

@test "--watch: -r and --successes say how many in a row make a change" {
	# every second answer is bad: that is neither two good nor two bad ones in a row
	watch -v -r 2 --successes 2 "$W/flap"
	wait_for 10 grep -q 'try 6,' err
	kill "$WATCH"
	status=0
	wait "$WATCH" || status=$?
	[ "$status" -eq 1 ]
	[ ! -s out ]
	watch "$W/flap"
	wait_for 10 records 4
	kill "$WATCH"
	wait "$WATCH" || true # its end is either
	run -1 healthcheck --watch --wait 300ms --successes 100000 "$W/status/200"
}

@test "--watch: metrics that cannot be written are said once and stop nothing" {
	watch -v --metrics-file no/m.prom "$W/status/200"
	wait_for 10 grep -q 'try 3,' err
	mkdir no
	wait_for 10 test -s no/m.prom
	kill "$WATCH"
	wait "$WATCH"
	[ "$(grep -c m.prom err)" -eq 1 ]
}

@test "--watch: without a pause, or without a reader" {
	run --separate-stderr -64 healthcheck --watch -i 0 "$W/"
	[ "${stderr_lines[0]}" = "healthcheck: --watch needs an interval above 0" ]
	run --separate-stderr -71 bash -c "healthcheck --watch --wait 30 '$W/status/200' >/dev/full"
	[[ $stderr == "healthcheck: write to standard output: No space left on device"* ]]
}

@test "it needs few libraries and little memory" {
	needed=$(readelf -d "$B/healthcheck" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
	[[ $needed == *libcurl* ]]
	[[ $needed != *libarchive* && $needed != *libgpiod* && $needed != *microhttpd* ]]
	[[ $needed != *asan* ]] || return 0
	# the most it ever took, after many rounds
	watch -v -i 1ms "http+unix://$BATS_FILE_TMPDIR/web.sock:/json" --json-path status=healthy
	wait_for 10 grep -q 'try 100,' err
	kb=$(awk '/VmHWM/ { print $2 }' "/proc/$WATCH/status")
	kill "$WATCH"
	wait "$WATCH"
	[ "$kb" -lt 14000 ]
}

@test "the defaults: a try of five seconds, and one between two of them" {
	local port start ms
	port=$(free_port)
	start=$(date +%s%N)
	run -1 healthcheck -r 2 "tcp://127.0.0.1:$port"
	[ $((($(date +%s%N) - start) / 1000000)) -ge 1000 ]
	wait_for 10 test -s "$BATS_FILE_TMPDIR/slow"
	ms=$(cut -d ' ' -f 4 "$BATS_FILE_TMPDIR/slow")
	[ "$ms" -ge 5000 ]
	[ "$ms" -lt 10000 ]
}
