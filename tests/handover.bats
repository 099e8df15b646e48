#!/usr/bin/env bats
# Two instances of robot-serve take turns in one network, and no request is lost.  This file needs
# a network of its own (port 5000, a setting of the kernel): helpers/engine tells tests/run so.
load helpers/common
load helpers/engine

setup_file() {
	if [ "${GANTRY_SITE:-}" != "$(readlink /proc/self/ns/net)" ]; then
		echo "this file needs a machine of its own: tests/run ${BATS_TEST_FILENAME:-FILE}" >&2
		return 1
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	export GANTRY_HANDOVER=1 ROBOT_ID=robot-1
	unset PORT LOG_DIR
	echo 1 >/proc/sys/net/ipv4/tcp_migrate_req
	URL=http://127.0.0.1:5000/health
	declare -gA pid=()
}

teardown() {
	stop_all
}

# start NAME: an instance of that name.
start() {
	rm -f "$1.out"
	GANTRY_INSTANCE=$1 GANTRY_SOCKET=$PWD/$1.sock robot-serve >"$1.out" 2>"$1.err" 3>&- &
	pid[$1]=$!
	echo $! >>pids
	wait_for 10 test -s "$1.out"
}

role() { # NAME
	curl -s --unix-socket "$1.sock" http://robot/health | jq -r .role
}

is() { # NAME ROLE
	[ "$(role "$1")" = "$2" ]
}

# who: the instances that answer over the port, in ten connections.
who() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		curl -s "$URL" | jq -r .instance
	done | sort -u | xargs
}

promote() {
	kill -USR1 "${pid[$1]}"
	wait_for 5 is "$1" serving
}

demote() {
	kill -USR2 "${pid[$1]}"
	not_serving() { ! is "$1" serving; }
	wait_for 5 not_serving "$1"
}

@test "whoever starts first serves, the second waits and answers on its socket only" {
	start a
	start b
	[ "$(cat a.out)" = "serving 0.0.0.0:5000 a" ]
	[ "$(cat b.out)" = "standby 0.0.0.0:5000 b" ]
	[ "$(role a) $(role b)" = "serving standby" ]
	[ "$(who)" = a ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket b.sock http://robot/health)" = 200 ]
}

@test "of ten that start at once, one serves" {
	local i names=()
	for i in 0 1 2 3 4 5 6 7 8 9; do
		GANTRY_INSTANCE=i$i GANTRY_SOCKET=$PWD/i$i.sock robot-serve >"i$i.out" 2>&1 3>&- &
		echo $! >>pids
	done
	for i in 0 1 2 3 4 5 6 7 8 9; do
		wait_for 10 test -s "i$i.out"
	done
	[ "$(cat i?.out | cut -d' ' -f1 | sort | uniq -c | xargs)" = "1 serving 9 standby" ]
}

@test "without handover a served port is an error, whoever serves it" {
	start a
	GANTRY_HANDOVER=0 GANTRY_SOCKET=$PWD/b.sock run -71 robot-serve
	[ "$output" = "robot-serve: listen on 0.0.0.0:5000: Address already in use" ]
}

@test "a standby cannot push in where a stranger serves" {
	GANTRY_HANDOVER=0 start a
	start b
	[ "$(role b)" = standby ]
	kill -USR1 "${pid[b]}"
	wait_for 5 test -s b.err
	[ "$(cat b.err)" = "robot-serve: promote: listen on 0.0.0.0:5000: Address already in use" ]
	[ "$(role b)" = standby ]
	[ "$(who)" = a ]
}

@test "promote, demote, and back, each as often as one likes" {
	start a
	start b
	promote b
	promote b
	demote a
	demote a
	[ "$(who)" = b ]
	wait_for 10 is a standby
	start c
	[ "$(role c)" = standby ]
	promote a
	demote b
	[ "$(who)" = a ]
	# demoted and promoted again before its last client has gone
	exec 5<>/dev/tcp/127.0.0.1/5000
	printf 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n' >&5
	read -r line <&5
	demote a
	is a draining
	promote a
	[ "$(who)" = a ]
	exec 5>&-
	[ "$(cat a.err b.err c.err)" = "" ]
}

@test "the one that was promoted last gets all new connections, the other keeps its own" {
	local line
	start a
	start b
	exec 5<>/dev/tcp/127.0.0.1/5000
	promote b
	[ "$(role a) $(role b)" = "serving serving" ]
	[ "$(who)" = b ]
	printf 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n' >&5
	while read -r line <&5 && [[ $line != '{'* ]]; do :; done
	[[ $line == *'"instance":"a"'* ]]
	exec 5>&-
	# and when it dies, the other is still there for all
	kill -9 "${pid[b]}"
	wait_for 5 test "$(who)" = a
}

@test "a demoted instance says 423 while it finishes, and tells its clients to go" {
	start a
	start b
	exec 5<>/dev/tcp/127.0.0.1/5000
	promote b
	demote a
	[ "$(role a)" = draining ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket a.sock http://robot/ready-for-update)" = 423 ]
	printf 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n' >&5
	grep -qi '^connection: close' <(cat <&5)
	wait_for 5 is a standby
	[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket a.sock http://robot/ready-for-update)" = 200 ]
	exec 5>&-
}

@test "a request that has begun is answered, although its instance is demoted and told to end" {
	local line
	start a
	start b
	exec 5<>/dev/tcp/127.0.0.1/5000
	printf 'POST /api/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n' >&5
	promote b
	demote a
	is a draining
	kill "${pid[a]}"
	sleep 1 # an idle connection would be closed by now
	printf '{}' >&5
	read -r -t 10 line <&5
	[[ $line == "HTTP/1.1 "* ]]
	exec 5>&-
	wait "${pid[a]}"
}

@test "a standby that ends does not disturb the one that serves" {
	start a
	start b
	kill "${pid[b]}"
	wait "${pid[b]}"
	[ "$(who)" = a ]
	kill "${pid[a]}"
	wait "${pid[a]}"
	[ "$(cat b.out)" = "standby 0.0.0.0:5000 b" ]
}

# handovers N: a to b and back while LOAD counts; load.out has the sum.
handovers() {
	local i from=a to=b swap
	for ((i = 0; i < $1; i++)); do
		promote $to
		demote $from
		wait_for 10 is $from standby
		swap=$from from=$to to=$swap
	done
}

under_load() { # HANDOVERS LOAD-OPTION...
	local n=$1 load
	shift
	start a
	start b
	"$B/helpers/load" "$@" "$URL" >load.out 2>load.err 3>&- &
	load=$!
	echo $load >>pids
	busy() { [ "$(curl -s http://127.0.0.1:5000/metrics |
		sed -n 's/^robot_requests_total{endpoint="\/health".* //p')" -gt 100 ]; }
	wait_for 10 busy
	handovers "$n"
	kill $load
	wait $load
	cat load.out load.err
}

@test "handovers under fifty busy connections, kept and fresh: no request is lost" {
	under_load "${HANDOVERS:-25}" -k 30 -f 20
	[[ $(cat load.out) == "requests "*" failed 0 longest_gap_ms "* ]]
	[ "$(cut -d' ' -f2 load.out)" -gt 1000 ]
	[ ! -s load.err ]
}

@test "four handovers under clients that rest between requests: no request is lost" {
	under_load 4 -k 30 -f 10 -p 20ms
	[[ $(cat load.out) == "requests "*" failed 0 longest_gap_ms "* ]]
}

@test "the old one ends and a new one comes, four times, under load: no request is lost" {
	local load i old=a new
	start a
	"$B/helpers/load" -k 20 -f 10 -p 1ms "$URL" >load.out 2>load.err 3>&- &
	load=$!
	echo $load >>pids
	for new in n1 n2 n3 n4; do
		start $new
		is $new standby
		promote $new
		demote $old
		kill "${pid[$old]}"
		wait "${pid[$old]}"
		old=$new
	done
	kill $load
	wait $load
	cat load.out load.err
	[[ $(cat load.out) == "requests "*" failed 0 longest_gap_ms "* ]]
}

@test "the count can fail: a serving instance that is simply killed loses requests" {
	start a
	"$B/helpers/load" --strict -k 10 -f 10 "$URL" >load.out 2>load.err 3>&- &
	load=$!
	echo $load >>pids
	wait_for 5 curl -fs "$URL"
	kill -9 "${pid[a]}"
	wait_for 5 test -s load.err
	kill $load
	local status=0
	wait $load || status=$?
	[ "$status" = 1 ]
	[ "$(cut -d' ' -f4 load.out)" -gt 0 ]
}
