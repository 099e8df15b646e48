#!/usr/bin/env bats
# robot-serve among clients of no good will: whatever they do, others are answered, and when they
# have gone, so has the memory that they took.  One server stands all of it.

setup_file() {
	load helpers/common
	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir logs
	GANTRY_SOCKET=$PWD/r.sock ROBOT_ID=robot-1 LOG_DIR=$PWD/logs \
		robot-serve --listen 127.0.0.1:0 >out 2>err 3>&- &
	SERVER=$!
	echo $SERVER >>pids
	wait_for 10 test -s out
	ADDR=$(cut -d' ' -f2 out) PORT=${ADDR##*:} URL=http://$ADDR
	PORT=${PORT%% *}
	export SERVER ADDR PORT URL
}

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	[ ! -f attacker ] || end_attack
}

teardown_file() {
	load helpers/common
	stop_all
}

others_are_answered() {
	local i
	for i in 1 2 3 4 5; do
		[ "$(curl -s -m 10 -o body -w '%{http_code}' "$URL/health")" = 200 ] || return 1
	done
	[ "$(curl -s -m 10 -o body -w '%{http_code}' "$URL/")" = 200 ]
}

# Sanitizers take memory of their own.
sanitized() {
	grep -q __asan_init "$B/robot-serve"
}

memory() { # KIB KEY: no more than that
	sanitized || [ "$(awk -v k="$2:" '$1 == k { print $2 }' "/proc/$SERVER/status")" -le "$1" ]
}

# attack OPTION... <TEXT: in the background, once all connections are there.
attack() {
	"$B/helpers/attack" "$@" "$PORT" >held 2>attack.err 3>&- &
	echo $! >attacker
	wait_for 60 test -s held
}

end_attack() {
	kill "$(cat attacker)" 2>/dev/null || true
	rm attacker
}

# After an attack: still the same process, nothing said, descriptors and memory back.
all_is_well() {
	others_are_answered
	few_left() { [ "$(find "/proc/$SERVER/fd" -type l | wc -l)" -lt 40 ]; }
	wait_for 40 few_left
	wait_for 10 memory 16384 VmRSS
	[ ! -s "$BATS_FILE_TMPDIR/err" ]
}

# raw: what is answered to the bytes on standard input, until the server closes.
raw() {
	exec 5<>"/dev/tcp/127.0.0.1/$PORT"
	cat >&5
	timeout 3 cat <&5 || true
	exec 5>&- 5<&-
}

@test "10,000 connections that ask nothing: others are answered, on 64 MB" {
	(($(ulimit -n) >= 10100)) || ulimit -n 10100 || skip "this machine allows $(ulimit -n) files"
	attack -n 10000 </dev/null
	[ "$(cat held)" = "held 10000" ]
	others_are_answered
	memory 65536 VmHWM
	end_attack
	all_is_well
}

@test "whoever asks keeps his connection while others are pushed out" {
	exec 6<>"/dev/tcp/127.0.0.1/$PORT"
	for _ in 1 2 3; do
		attack -n 400 </dev/null
		printf 'GET /items/7 HTTP/1.1\r\nHost: x\r\n\r\n' >&6
		while read -r -t 20 line <&6 && [[ $line != '{'* ]]; do :; done
		[ "$line" = '{"item_id":7,"q":null}' ]
		end_attack
	done
	exec 6>&-
	all_is_well
}

@test "slow clients: a header that comes byte by byte, 600 times" {
	printf 'GET / HTTP/1.1\r\nHost: x\r\nX: %05000d' 1 | attack -n 600 -d 0.1
	others_are_answered
	end_attack
	all_is_well
}

@test "slow clients: a body that comes byte by byte, 600 times" {
	{
		printf 'POST /api/robots/linus/eye HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n'
		head -c 3000 /dev/zero
	} | attack -n 600 -d 0.05
	others_are_answered
	end_attack
	all_is_well
}

@test "half a header and half a body, 3,000 times: on 64 MB" {
	printf 'GET / HTTP/1.1\r\nHost: x\r\nX: %014000d' 1 | attack -n 3000
	others_are_answered
	end_attack
	printf 'POST /api/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n%06000d' 1 | attack -n 3000
	others_are_answered
	memory 65536 VmHWM
	end_attack
	all_is_well
}

@test "clients that ask much and read nothing: on 64 MB" {
	for _ in {1..200}; do printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'; done >text
	attack -n 100 <text
	wait_for 30 others_are_answered
	memory 65536 VmHWM
	end_attack
	all_is_well
}

@test "pipelining: a hundred requests at once are answered in their order" {
	for i in {1..100}; do printf 'GET /items/%d HTTP/1.1\r\nHost: x\r\n\r\n' "$i"; done >text
	printf 'GET /items/101 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >>text
	raw <text >answers
	[ "$(grep -o '"item_id":[0-9]*' answers | cut -d: -f2 | xargs)" = "$(seq 101 | xargs)" ]
	# a command's body is not the next request
	printf 'POST /api/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\nGET /items/1 HTTP/1.1\r\nHost: xxxxxx\r\n\r\nGET /items/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | raw >answers
	[ "$(grep -o '"item_id":[0-9]*' answers)" = '"item_id":2' ]
	all_is_well
}

@test "huge headers and request lines are refused" {
	long=$(printf '%040000d' 1)
	[[ $(printf 'GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n' "$long" | raw 2>/dev/null) =~ ^(HTTP/1.1 4[13][0-9]|$) ]]
	[[ $(printf 'GET /%s HTTP/1.1\r\nHost: x\r\n\r\n' "$long" | raw 2>/dev/null) =~ ^(HTTP/1.[01] 4[13][0-9]|$) ]]
	{
		printf 'GET / HTTP/1.1\r\nHost: x\r\n'
		for i in {1..5000}; do printf 'X%d: y\r\n' "$i"; done
		printf '\r\n'
	} >text
	[[ $(raw <text 2>/dev/null) =~ ^(HTTP/1.1 4[13][0-9]|$) ]]
	all_is_well
}

@test "a body that is too long is 413, before it is sent; one without a length is cut off" {
	head -c 3000000 /dev/zero >large
	run curl -s -m 20 -o body -w '%{http_code}' --data-binary @large "$URL/api/stop"
	[ "$output" = 413 ]
	jq -e '.error == "the body is larger than 1048576 bytes"' body
	run curl -s -m 20 -o body -w '%{http_code}' -H 'Transfer-Encoding: chunked' --data-binary @large "$URL/api/robots/linus/eye"
	[[ $output != 2* ]]
	[[ $(printf 'POST /api/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n' | raw 2>/dev/null) =~ ^(HTTP/1.1 4|$) ]]
	all_is_well
}

@test "NUL bytes and bad UTF-8 in paths, headers and JSON" {
	[ "$(curl -s -o body -w '%{http_code}' "$URL/health%00x")" = 404 ]
	[ "$(curl -s -o body -w '%{http_code}' "$URL/api/robots/linus%00")" = 404 ]
	[ "$(curl -s -o body -w '%{http_code}' "$URL/%ff%fe%c3%28")" = 404 ]
	[ "$(curl -s -o body -w '%{http_code}' "$URL/items/1?q=%ff%c3%28%00y")" = 200 ]
	iconv -f UTF-8 -t UTF-8 body >/dev/null
	jq -e '.item_id == 1' body
	# a raw one ends the path, which then is asked for as it is
	printf 'GET /items/5\0x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | raw >answer 2>/dev/null
	[[ $(grep -c '"item_id":5,' answer) = [01] ]]
	printf 'GET /items/5\r\nHost: x\r\n\r\n' | raw >answer 2>/dev/null
	printf 'GET /items/3 HTTP/1.1\r\nHost: x\r\nUser-Agent: a\0b\xff\r\nRobot-Client: \xff\xfe\r\nConnection: close\r\n\r\n' |
		raw >answer 2>/dev/null
	for json in '{"state":"o\u0000n"}' '{"state":"on\u0000"}' $'{"state":"\xff"}' '{"st\u0000ate":"on"}' \
		'{"state":"\ud800"}' "$(printf '[%.0s' {1..4000})"; do
		[ "$(curl -s -o body -w '%{http_code}' -H 'Content-Type: application/json' \
			--data-binary "$json" "$URL/api/robots/linus/eye")" = 400 ]
	done
	printf '{"state":"on"}\0' >nul
	[ "$(curl -s -o body -w '%{http_code}' -H 'Content-Type: application/json' \
		--data-binary @nul "$URL/api/robots/linus/eye")" = 400 ]
	all_is_well
	# and the access log is text of JSON lines still
	iconv -f UTF-8 -t UTF-8 "$BATS_FILE_TMPDIR/logs/access.log" | jq -e -s 'length > 10' >/dev/null
}

@test "random bytes: 120 damaged requests" {
	{
		printf 'POST /api/robots/linus/eye?q=%%41 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
		printf 'Content-Length: 14\r\n\r\n{"state":"on"}'
		printf 'GET /items/1?q=%%c3%%a4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
	} >text
	run -0 "$B/helpers/attack" -n 120 -r 1 "$PORT" <text
	[ "${output#answered }" -gt 10 ]
	head -c 65536 /dev/urandom | raw >/dev/null 2>&1 || true
	all_is_well
}

@test "after all this it is the same process, and ends as ever" {
	all_is_well
	kill -0 "$SERVER"
	[ "$(curl -s -X POST -o body -w '%{http_code}' "$URL/api/stop")" = 200 ]
}
